//! Processes that stand still (SIGSTOP) and go on: nobody else waits for them, and nothing is lost or
//! comes twice. The daemon that stands still is a second gate, whose daemon is the test.

use super::gate::{Dir, Gate, STREAMS, start, start_in};
use super::hijack::tunnel;
use super::ledger::Ledger;
use super::peer::Peer;
use super::stand_in::{FORBIDDEN, OK, PING, StandIn};
use socket2::{Domain, SockAddr, Socket, Type};
use std::thread;

const BYTES: usize = 8 << 20;

/// Bytes that repeat nowhere near.
fn noise() -> Vec<u8> {
    let mut state = 3_u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(step).take(BYTES).collect()
}

fn upload_head() -> String {
    format!("POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: {BYTES}\r\n\r\n")
}

/// A gate whose daemon is a gate, whose daemon is a stand-in.
fn chain() -> (Gate, Gate, StandIn) {
    let dir = Dir::new();
    let between = format!("unix://{}", dir.daemon().display());
    let variables = [STREAMS, &[("LISTEN", &between)]].concat();
    let (inner, daemon) = start_in(Dir::new(), &variables);
    let outer = Gate::start(dir, STREAMS);
    // It asks who is there.
    daemon.expect_probe();
    (outer, inner, daemon)
}

#[test]
fn a_daemon_that_stands_still_delays_its_own_clients_and_loses_nothing() {
    let (gate, inner, daemon) = chain();
    let ledger = Ledger::open(&gate);
    let noise = noise();
    let client = gate.client();
    client.send(upload_head());
    let connection = daemon.accept_with(upload_head());
    let (held, connected) = (gate.client(), gate.client());
    connected.send(PING);
    let other = daemon.accept_with(PING);
    other.send(OK);
    connected.expect(OK);

    inner.signal("STOP");
    thread::scope(|scope| {
        scope.spawn(|| client.send(&noise));
        // It asks the kernel, and nobody takes the connection; or it has one, and nobody reads.
        held.send(PING);
        connected.send(PING);
        for _ in 0..10 {
            held.expect_silence();
            connected.expect_silence();
            ledger.expect_service();
        }
        inner.signal("CONT");
        connection.expect(&noise);
        connection.send(OK);
        client.expect(OK);
    });
    other.expect(PING);
    other.send(OK);
    connected.expect(OK);
    let late = daemon.accept_with(PING);
    late.send(OK);
    held.expect(OK);
    // Each came once.
    for peer in [&connection, &other, &late] {
        peer.expect_silence();
    }
    daemon.expect_untouched();
    drop((client, held, connected));
    ledger.close();
}

#[test]
fn a_client_that_gives_up_on_a_daemon_that_stands_still_leaves_nothing() {
    let (gate, inner, daemon) = chain();
    let ledger = Ledger::open(&gate);
    inner.signal("STOP");
    for _ in 0..50 {
        let client = gate.client();
        client.send(PING);
        client.reset();
    }
    ledger.close();
    inner.signal("CONT");
    let client = gate.client();
    client.send(PING);
    // What the others asked may come before: they had asked.
    daemon.answer_pings();
    client.expect(OK);
}

#[test]
fn a_daemon_whose_queue_is_full_is_said_to_be_so_and_served_again_when_it_is_not() {
    let dir = Dir::new();
    let path = dir.daemon();
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    socket.bind(&SockAddr::unix(&path).expect("an address")).expect("bound");
    socket.listen(0).expect("it listens");
    let gate = Gate::start(dir, &[]);
    // The gate's own question is in the queue, and this is what else goes into it.
    let mut queued = Vec::new();
    loop {
        let one = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        one.set_nonblocking(true).expect("an option");
        if one.connect(&SockAddr::unix(&path).expect("an address")).is_err() {
            break;
        }
        queued.push(one);
    }
    let client = gate.client();
    client.send(PING);
    let bystander = gate.client();
    bystander.send(FORBIDDEN);
    assert_eq!(bystander.answer().status, 403);
    let answer = client.answer();
    assert_eq!(answer.status, 503, "{}", answer.body);
    drop(queued);
    // It is taken up again: the same client is served.
    let daemon = thread::spawn(move || {
        loop {
            let (taken, _) = socket.accept().expect("a connection");
            let peer = Peer::new(taken);
            if peer.begins_with(PING) {
                peer.expect(PING);
                peer.send(OK);
                return peer.expect_end();
            }
        }
    });
    client.send(PING);
    client.expect(OK);
    drop(client);
    daemon.join().expect("served");
}

#[test]
fn a_gate_that_stands_still_goes_on_where_it_was() {
    let (gate, daemon) = start(STREAMS);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    let noise = noise();
    for _ in 0..3 {
        let upload = gate.client();
        upload.send(upload_head());
        let receiver = daemon.accept_with(upload_head());
        let (client, connection) = tunnel(gate.client(), &daemon);
        thread::scope(|scope| {
            scope.spawn(|| upload.send(&noise));
            scope.spawn(|| client.send(&noise));
            scope.spawn(|| connection.send(&noise));
            receiver.expect(&noise[..BYTES / 4]);
            client.expect(&noise[..BYTES / 8]);
            gate.signal("STOP");
            let waiting = gate.client();
            waiting.send(FORBIDDEN);
            waiting.expect_silence();
            gate.signal("CONT");
            assert_eq!(waiting.answer().status, 403);
            receiver.expect(&noise[BYTES / 4..]);
            connection.expect(&noise);
            client.expect(&noise[BYTES / 8..]);
        });
        receiver.send(OK);
        upload.expect(OK);
        for peer in [&receiver, &upload, &client, &connection] {
            peer.expect_silence();
        }
    }
    ledger.close();
}
