//! Clients that go with a reset at any byte: what reached the daemon is the beginning of what they
//! sent and nothing else, and nothing is left of them.

use super::gate::{STREAMS, start, wait_until};
use super::hijack::{ATTACH, UPGRADED};
use super::ledger::Ledger;
use super::stand_in::StandIn;

const LOAD: &str = "POST /images/load HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\r\n\
     5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
const SIZED: &str = "POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: 5\r\n\r\nhello";
const LIST: &str = "GET /containers/json HTTP/1.1\r\nHost: docker\r\n\r\n";
const ANSWER: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

/// The daemon has not looked yet: what it has got, from one connection after the other.
fn got(daemon: &StandIn) -> Vec<Vec<u8>> {
    let mut got = Vec::new();
    while let Some(peer) = daemon.accept_if_any() {
        got.push(peer.read_up_to(1 << 20));
    }
    got
}

#[test]
fn a_reset_at_any_byte_of_a_request_leaves_no_more_than_its_beginning() {
    let (gate, daemon) = start(STREAMS);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    for request in [LOAD, SIZED, ATTACH] {
        let mut whole = 0;
        for cut in 0..=request.len() {
            let client = gate.client();
            client.send(&request[..cut]);
            if cut % 2 == 0 {
                ledger.expect_service();
            }
            client.reset();
            for bytes in got(&daemon) {
                assert!(request.as_bytes().starts_with(&bytes), "{}", bytes.escape_ascii());
            }
        }
        // One that is still there afterwards is served whole.
        let client = gate.client();
        client.send(request);
        wait_until("the request", || {
            let got = got_whole(&daemon, request);
            whole += usize::from(got);
            got
        });
        assert_eq!(whole, 1);
        client.reset();
    }
    ledger.close();
}

/// Whether this came, and with nothing behind it.
fn got_whole(daemon: &StandIn, request: &str) -> bool {
    let Some(peer) = daemon.accept_if_any() else { return false };
    let got = peer.read_up_to(request.len());
    assert!(request.as_bytes().starts_with(&got), "{}", got.escape_ascii());
    let is_whole = got.len() == request.len();
    if is_whole {
        peer.expect_silence();
    }
    is_whole
}

#[test]
fn a_reset_at_any_byte_of_an_answer_ends_the_daemons_side() {
    let (gate, daemon) = start(STREAMS);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    for (request, answer) in [(LIST, ANSWER), (ATTACH, UPGRADED)] {
        for cut in 0..answer.len() {
            let client = gate.client();
            client.send(request);
            let connection = daemon.accept_with(request);
            connection.send(&answer[..cut]);
            // A head goes on when it is whole, and then as far as there is more of it.
            if cut > answer.find("\r\n\r\n").expect("a head") + 3 {
                client.expect(&answer[..cut]);
            }
            client.reset();
            connection.expect_gone();
        }
        ledger.expect_service();
    }
    ledger.close();
}

/// So much that the sockets between can't hold it.
const MUCH: usize = 64 << 20;

#[test]
fn a_reset_with_bytes_under_way_leaves_nothing_behind() {
    let (gate, daemon) = start(STREAMS);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    let length = format!("Content-Length: {MUCH}\r\n\r\n");
    for _ in 0..3 {
        // Down, to a client that does not read.
        let client = gate.client();
        client.send(LIST);
        let connection = daemon.accept_with(LIST);
        connection.send(format!("HTTP/1.1 200 OK\r\n{length}"));
        connection.flood(MUCH);
        client.reset();
        connection.expect_gone();
        // Up, to a daemon that does not read: its end is seen although nothing moves.
        let client = gate.client();
        let head = format!("POST /images/load HTTP/1.1\r\nHost: docker\r\n{length}");
        client.send(&head);
        let connection = daemon.accept_with(&head);
        client.flood(MUCH);
        client.reset();
        connection.expect_gone();
        // Both ways, hijacked.
        let client = gate.client();
        client.send(ATTACH);
        let connection = daemon.accept_with(ATTACH);
        connection.send(UPGRADED);
        client.expect(UPGRADED);
        client.flood(MUCH);
        connection.flood(MUCH);
        client.reset();
        connection.expect_gone();
        ledger.expect_service();
    }
    ledger.close();
}
