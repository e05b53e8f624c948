//! One client takes all that it may have, of connections, of bodies, of heads; it is told so, others are
//! served at once, and nothing is left of it in the end.

use super::exhaustion::raise_file_limit;
use super::gate::{Dir, Gate, OPEN, STREAMS, start, wait_until};
use super::ledger::Ledger;
use super::metrics::{ON, place, scrape};
use super::peer::Peer;
use super::stand_in::{EVENTS, FORBIDDEN, OK, PING, STREAMING, StandIn};
use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpStream};

/// What a process has by default on many systems.
const FILES: u32 = 1024;

/// Addresses of the loopback network: one client and its neighbour, and others on another network.
const GREEDY: [u8; 4] = [127, 0, 0, 2];
const NEIGHBOUR: [u8; 4] = [127, 0, 0, 3];
const STRANGER: [u8; 4] = [127, 9, 0, 1];

/// The longest body that may be examined.
const BODY_BYTES_MAX: usize = 2 << 20;

/// A create with such a body, of which so many bytes have come.
fn body_begun(bytes: usize) -> Vec<u8> {
    let head = format!(
        "POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n\
         Content-Length: {BODY_BYTES_MAX}\r\n\r\n{{\"a\":\""
    );
    [head.as_bytes(), &vec![b'x'; bytes - 6]].concat()
}

const CREATE: &str = "POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 19\r\n\r\n\
                      {\"Image\":\"busybox\"}";

const EXEC_START: &str =
    "POST /exec/abc/start HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\n\r\n{}";

/// A gate that may have so many files open, and its daemon.
fn start_with_files(variables: &[(&str, &str)], files: u32) -> (Gate, StandIn) {
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    let gate = Gate::start_with_file_limit(dir, variables, files);
    daemon.expect_probe();
    (gate, daemon)
}

/// It is refused for the sake of others: the status, the words and the setting.
#[track_caller]
fn expect_refused(client: &Peer, what: &str) {
    let answer = client.answer();
    assert_eq!(answer.status, 429, "{}", answer.body);
    let message = answer.message();
    assert!(message.contains(what) && message.contains("MAX_CLIENT_SHARE"), "{message}");
    client.expect_end();
}

/// How many were refused for this reason.
fn refused(gate: &Gate, reason: &str) -> usize {
    let text = scrape(gate);
    let wanted = format!("verdict=\"malformed\",reason=\"{reason}\"}} ");
    let value = text.lines().find_map(|line| line.split_once(&wanted)).map(|(_, value)| value);
    value.map_or(0, |value| value.parse().expect("a number"))
}

/// It is served, by the daemon, whose end of the connection this is, and by the gate itself.
#[track_caller]
fn expect_served(client: &Peer, daemon: &StandIn) -> Peer {
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    client.send(FORBIDDEN);
    assert_eq!(client.answer().status, 403);
    connection
}

/// So many of an address are served at once.
#[track_caller]
fn expect_all_served(
    gate: &Gate,
    daemon: &StandIn,
    from: [u8; 4],
    count: usize,
) -> Vec<(Peer, Peer)> {
    let clients = (0..count).map(|_| gate.client_from(from));
    let served = clients.map(|client| {
        let connection = expect_served(&client, daemon);
        (client, connection)
    });
    served.collect()
}

#[test]
fn a_client_that_follows_events_520_times_leaves_connections_to_others() {
    raise_file_limit();
    let variables = [OPEN, &[("EVENTS", "1"), ON]].concat();
    let (gate, daemon) = start_with_files(&variables, FILES);
    let ledger = Ledger::open(&gate);
    let (mut streams, mut refusals) = (Vec::new(), 0);
    for _ in 0..520 {
        let client = gate.client_from(GREEDY);
        client.send(EVENTS);
        // Either the gate answers, or the daemon gets it.
        if refusals == 0 {
            let mut connection = None;
            wait_until("somebody", || {
                connection = connection.take().or_else(|| daemon.accept_if_any());
                connection.is_some() || client.has_something()
            });
            if let Some(connection) = connection {
                connection.expect(EVENTS);
                connection.send(STREAMING);
                client.expect(STREAMING);
                streams.push((client, connection));
                continue;
            }
        }
        expect_refused(&client, "connections");
        refusals += 1;
    }
    assert!(streams.len() > 290, "no more than {}", streams.len());
    assert_eq!(streams.len() + refusals, 520);
    assert_eq!(refused(&gate, "client-connections"), refusals);
    // Others are served meanwhile, also in its network, and who is served may have more than one.
    let others = [STRANGER, NEIGHBOUR, [127, 0, 0, 1]];
    let served = others.map(|other| expect_all_served(&gate, &daemon, other, 10));
    drop(served);
    // With one that leaves there is room for another.
    streams.pop();
    wait_until("room", || {
        let client = gate.client_from(GREEDY);
        client.send(FORBIDDEN);
        client.answer().status == 403
    });
    drop(streams);
    ledger.close();
}

#[test]
fn two_who_take_all_they_may_leave_connections_to_a_third() {
    raise_file_limit();
    let (gate, daemon) = start_with_files(&[ON], FILES);
    let ledger = Ledger::open(&gate);
    let mut held = Vec::new();
    for (index, from) in [GREEDY, NEIGHBOUR].into_iter().cycle().take(1000).enumerate() {
        let client = gate.client_from(from);
        client.send(FORBIDDEN);
        match client.answer().status {
            403 => held.push(client),
            status => assert_eq!(status, 429, "client {index}"),
        }
    }
    assert!(held.len() > 300, "no more than {}", held.len());
    let others = [STRANGER, [127, 0, 0, 4]];
    let served = others.map(|other| expect_all_served(&gate, &daemon, other, 5));
    drop((held, served));
    ledger.close();
}

/// Whoever has no connection of its own left sends nothing, or does not read.
#[test]
fn a_flood_over_the_share_takes_no_descriptors() {
    raise_file_limit();
    let (gate, daemon) = start_with_files(&[ON], 256);
    let ledger = Ledger::open(&gate);
    let flood: Vec<Peer> = (0..1500).map(|_| gate.client_from(GREEDY)).collect();
    wait_until("all of them to be dealt with", || {
        flood.iter().filter(|client| client.has_something()).count() > 1300
    });
    assert!(gate.all_files() < 256 - 20, "{}", gate.all_files());
    assert!(!gate.log().contains("cannot accept"), "{}", gate.log());
    expect_served(&gate.client_from(STRANGER), &daemon);
    // Those who had no place to wait were told at once.
    let told = flood.iter().rfind(|client| client.has_something()).expect("one");
    expect_refused(told, "connections");
    drop(flood);
    ledger.close();
}

#[test]
fn all_may_be_given_to_one_client() {
    raise_file_limit();
    let (gate, daemon) = start_with_files(&[("MAX_CLIENT_SHARE", "100")], 256);
    let ledger = Ledger::open(&gate);
    let held: Vec<Peer> = (0..85).map(|_| gate.client_from(GREEDY)).collect();
    for client in &held {
        client.send(FORBIDDEN);
        assert_eq!(client.answer().status, 403);
    }
    daemon.expect_untouched();
    drop(held);
    ledger.close();
}

#[test]
fn begun_bodies_of_one_client_leave_room_for_those_of_others_and_its_own_small_ones() {
    let (gate, daemon) = start(&[OPEN, &[ON, ("HEAD_TIMEOUT", "60")]].concat());
    let ledger = Ledger::open(&gate);
    let begun = body_begun(BODY_BYTES_MAX - 1);
    let crowd: Vec<Peer> = (0..20).map(|_| gate.client_from(GREEDY)).collect();
    for client in &crowd {
        // It may be cut off while it sends.
        let _ = client.try_send(&begun);
    }
    wait_until("those to be refused that are too many", || {
        crowd.iter().filter(|client| client.has_something()).count() >= 12
    });
    assert!(refused(&gate, "client-bodies") >= 12);
    let log = gate.log();
    assert!(log.contains("reason=\"client-bodies\" status=429"), "{log}");
    assert!(!log.contains("bodies-crowded"), "{log}");
    for other in [STRANGER, NEIGHBOUR] {
        let client = gate.client_from(other);
        client.send(&begun);
        client.send("\"");
        // It is whole, and refused for what it is.
        let answer = client.answer();
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
    for from in [STRANGER, NEIGHBOUR, GREEDY] {
        let client = gate.client_from(from);
        client.send(CREATE);
        daemon.accept_with(CREATE).send(OK);
        client.expect(OK);
    }
    let told = crowd.iter().find(|client| client.has_something()).expect("one");
    let answer = told.answer();
    assert_eq!(answer.status, 429);
    assert!(answer.message().contains("request bodies"), "{}", answer.message());
    drop(crowd);
    ledger.leave();
}

#[test]
fn begun_heads_of_one_client_leave_room_for_those_of_others() {
    let (gate, daemon) = start(&[ON, ("HEAD_TIMEOUT", "60")]);
    let ledger = Ledger::open(&gate);
    let begun = format!("GET /_ping HTTP/1.1\r\nA: {}", "b".repeat(60_000));
    let crowd: Vec<Peer> = (0..200).map(|_| gate.client_from(GREEDY)).collect();
    for client in &crowd {
        let _ = client.try_send(&begun);
    }
    wait_until("those to be refused that are too many", || {
        crowd.iter().filter(|client| client.has_something()).count() >= 100
    });
    assert!(refused(&gate, "client-heads") >= 100);
    assert_eq!(refused(&gate, "heads-crowded"), 0);
    for other in [STRANGER, NEIGHBOUR] {
        let client = gate.client_from(other);
        client.send(&begun);
        client.expect_silence();
        client.send("\r\nHost: docker\r\n\r\n");
        daemon.accept_with(&begun).send(OK);
        client.expect(OK);
    }
    let told = crowd.iter().find(|client| client.has_something()).expect("one");
    assert_eq!(told.answer().status, 429);
    drop(crowd);
    ledger.leave();
}

#[test]
fn eight_large_bodies_of_a_user_leave_room_for_the_small_ones_of_the_same() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    let listen = format!("unix://{}", path.display());
    let daemon = StandIn::at(&dir.daemon());
    let gate = Gate::start(dir, &[STREAMS, &[("LISTEN", &listen)]].concat());
    daemon.expect_probe();
    // Six of them would leave ten bytes of what one client may have of 16 MiB.
    let begun = body_begun(1_887_435);
    let crowd: Vec<Peer> = (0..8).map(|_| Gate::unix_client(&path)).collect();
    for client in &crowd {
        let _ = client.try_send(&begun);
    }
    wait_until("those to be refused that are too many", || {
        gate.log().matches("reason=\"client-bodies\" status=429").count() >= 2
    });
    for request in [CREATE, EXEC_START] {
        let client = Gate::unix_client(&path);
        client.send(request);
        daemon.accept_with(request).send(OK);
        client.expect(OK);
    }
}

#[test]
fn one_who_asks_for_metrics_and_does_not_end_leaves_room_to_others_who_ask() {
    let (gate, _daemon) = start(&[ON]);
    let begun: Vec<Peer> = (0..11)
        .map(|_| {
            let client = Peer::new(TcpStream::connect(place(&gate)).expect("connected"));
            client.send("GET /met");
            client
        })
        .collect();
    let last = begun.last().expect("one");
    expect_refused(last, "connections");
    assert!(!begun.iter().rev().skip(1).any(Peer::has_something));
    let other = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    other.bind(&SocketAddr::from((STRANGER, 0)).into()).expect("bound");
    other.connect(&place(&gate).into()).expect("connected");
    let other = Peer::new(other);
    other.send("GET /healthz HTTP/1.1\r\nHost: gate\r\n\r\n");
    assert_eq!(other.answer().status, 200);
}

/// As whoever may give a container any address of its network.
#[test]
fn as_many_addresses_of_a_network_as_one_likes_leave_connections_to_other_networks() {
    raise_file_limit();
    let (gate, daemon) = start_with_files(&[ON], FILES);
    let ledger = Ledger::open(&gate);
    let mut held = Vec::new();
    for number in 0..600_u16 {
        let [high, low] = number.to_be_bytes();
        let client = gate.client_from([127, 5, high, low]);
        client.send(FORBIDDEN);
        match client.answer().status {
            403 => held.push(client),
            status => assert_eq!(status, 429, "client {number}"),
        }
    }
    assert!(held.len() > 380, "no more than {}", held.len());
    let served = expect_all_served(&gate, &daemon, STRANGER, 20);
    drop((held, served));
    ledger.close();
}

#[test]
fn who_is_refused_and_says_nothing_does_not_delay_the_end() {
    raise_file_limit();
    let (mut gate, _daemon) = start_with_files(&[ON, ("SHUTDOWN_GRACE", "60")], 256);
    let clients: Vec<Peer> = (0..80).map(|_| gate.client_from(GREEDY)).collect();
    // There are 75 places: 90 percent of them are a network's, 75 percent of those one client's.
    let words = "Up to 75 connections at once, 50 of them one client's (MAX_CLIENT_SHARE)";
    assert!(gate.log().contains(words), "{}", gate.log());
    wait_until("30 of them to be refused", || refused(&gate, "client-connections") == 30);
    let (told, silent): (Vec<&Peer>, Vec<&Peer>) =
        clients.iter().partition(|client| client.has_something());
    assert_eq!((told.len(), silent.len()), (24, 56));
    gate.terminate();
    for client in silent {
        client.expect_end();
    }
    gate.wait();
}
