//! No descriptor is left: who has one goes on, who comes waits or is told, nothing spins, and with the
//! first that is free all is as before. And the many that only want to hold what they have got.

use super::gate::{Dir, Gate, OPEN, start, wait_until};
use super::ledger::Ledger;
use super::metrics::{ON, place, scrape};
use super::peer::Peer;
use super::stand_in::{FORBIDDEN, OK, PING, StandIn};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

/// A gate that has room for so many descriptors beside its own.
fn with_room_for(count: usize, variables: &[(&str, &str)]) -> (Gate, StandIn) {
    let variables = [OPEN, &[ON], variables].concat();
    let (gate, _daemon) = start(&variables);
    gate.files_without(gate.client());
    let files = gate.file_limit_with_room_for(count);
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    let gate = Gate::start_with_file_limit(dir, &variables, files);
    daemon.expect_probe();
    (gate, daemon)
}

/// Somebody who takes a descriptor for a while.
fn taker(gate: &Gate) -> Peer {
    let before = gate.all_files();
    let taker = Peer::new(TcpStream::connect(place(gate)).expect("connected"));
    taker.send("GET /met");
    wait_until("its descriptor", || gate.all_files() > before);
    taker
}

#[test]
fn without_a_descriptor_clients_wait_and_those_who_are_served_do_not_notice() {
    let (gate, daemon) = with_room_for(2, &[]);
    let ledger = Ledger::open(&gate);
    let (client, connection) = served(&gate, &daemon);
    let waiting: Vec<Peer> = (0..10).map(|_| gate.client()).collect();
    for one in &waiting {
        one.send(PING);
    }
    let words = "cannot accept clients for the moment";
    wait_until(words, || gate.log().contains(words));
    let ticks = gate.processor_ticks();
    for _ in 0..10 {
        client.send(PING);
        connection.expect(PING);
        connection.send(OK);
        client.expect(OK);
        waiting[0].expect_silence();
    }
    let ticks = gate.processor_ticks() - ticks;
    assert!(ticks <= 10, "{ticks} ticks of 10 ms were spent on waiting");
    assert_eq!(gate.log().matches(words).count(), 1);
    // When one leaves there is room for the next.
    drop((client, connection));
    for one in waiting {
        daemon.accept_with(PING).send(OK);
        one.expect(OK);
    }
    ledger.close();
}

#[test]
fn without_a_descriptor_for_the_daemon_the_client_is_told_and_may_ask_again() {
    let (gate, daemon) = with_room_for(2, &[]);
    let ledger = Ledger::open(&gate);
    let client = gate.client();
    client.send(FORBIDDEN);
    assert_eq!(client.answer().status, 403);
    let taker = taker(&gate);
    client.send(PING);
    let answer = client.answer();
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.message().contains("raise its limit (ulimit -n)"), "{}", answer.message());
    daemon.expect_untouched();
    let files = gate.all_files();
    drop(taker);
    gate.expect_all_files(files - 1);
    client.send(PING);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
    drop(client);
    ledger.close();
}

#[test]
fn without_a_descriptor_for_a_pipe_what_would_be_spliced_is_copied() {
    const BYTES: usize = 4 << 20;
    let (gate, daemon) = with_room_for(2, &[("RELAY", "splice")]);
    let ledger = Ledger::open(&gate);
    let noise: Vec<u8> = (0..BYTES).map(|place| (place * place / 251).to_le_bytes()[0]).collect();
    let (client, connection) = served(&gate, &daemon);
    let framing = format!("Content-Length: {BYTES}\r\n\r\n");
    let head = format!("POST /images/load HTTP/1.1\r\nHost: docker\r\n{framing}");
    thread::scope(|scope| {
        scope.spawn(|| {
            client.send(&head);
            client.send(&noise);
        });
        connection.expect(&head);
        connection.expect(&noise);
    });
    let answer = format!("HTTP/1.1 200 OK\r\n{framing}");
    thread::scope(|scope| {
        scope.spawn(|| {
            connection.send(&answer);
            connection.send(&noise);
        });
        client.expect(&answer);
        client.expect(&noise);
    });
    assert_eq!(gate.pipes(), 0);
    drop((client, connection));
    ledger.close();
}

fn served(gate: &Gate, daemon: &StandIn) -> (Peer, Peer) {
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    (client, connection)
}

#[test]
fn of_two_hundred_with_sixty_four_descriptors_everybody_is_served() {
    const FILES: u32 = 64;
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    let gate = Gate::start_with_file_limit(dir, OPEN, FILES);
    daemon.expect_probe();
    daemon.answer_pings();
    let ledger = Ledger::open(&gate);
    let files = gate.files();
    for _ in 0..3 {
        // Few as the places are, each has but one: nobody has more than its share.
        let crowd: Vec<Peer> = (0..200).map(|_| gate.stranger()).collect();
        for client in &crowd {
            client.send(PING);
        }
        for client in crowd {
            client.expect(OK);
        }
        assert!(!gate.log().contains("cannot accept"), "{}", gate.log());
        // The networks of the next are some of these again: who has gone must have left its place.
        gate.expect_files(files);
    }
    ledger.close();
}

/// This process needs a descriptor for each of its clients.
pub fn raise_file_limit() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("the limit is raised");
}

#[test]
fn two_thousand_heads_that_drip_hold_up_nobody_and_end() {
    const DRIPPING: usize = 2000;
    raise_file_limit();
    let (gate, daemon) = start(&[ON, ("HEAD_TIMEOUT", "2")]);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    let mut dripping: Vec<Peer> = (0..DRIPPING).map(|_| gate.client()).collect();
    // A head that would never end.
    while !dripping.is_empty() {
        dripping.retain(|client| client.try_send("A").is_ok() && !client.has_something());
        ledger.expect_service();
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(late(&gate), DRIPPING);
    daemon.expect_untouched();
    ledger.close();
}

/// How many were cut off for taking too long: those that have a line, and those that are folded.
fn late(gate: &Gate) -> usize {
    let text = scrape(gate);
    let name =
        "dockgate_requests_total{operation=\"-\",verdict=\"malformed\",reason=\"head-late\"} ";
    let value = text.lines().find_map(|line| line.strip_prefix(name)).expect("a count");
    value.parse().expect("a number")
}
