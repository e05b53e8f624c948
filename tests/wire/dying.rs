//! A daemon that is killed at any byte of what it says, with and without bytes of the client's that
//! it has not read: what it said is told as far as it went, or not at all, and nothing is left of it.

use super::gate::{STREAMS, start};
use super::hijack::{ATTACH, UPGRADED, tunnel};
use super::ledger::Ledger;
use super::peer::Peer;
use super::stand_in::{PING, StandIn};

const LOAD: &str = "POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: 5\r\n\r\n";

const SIZED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhellohello";
const CHUNKED: &str =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";

/// The daemon's end of a request, of which it has read all or, if it leaves something, its head alone.
fn asked(client: &Peer, daemon: &StandIn, leaves_something: bool) -> Peer {
    if leaves_something {
        client.send(format!("{LOAD}hello"));
        daemon.accept_with(LOAD)
    } else {
        client.send(PING);
        daemon.accept_with(PING)
    }
}

#[test]
fn a_daemon_that_dies_at_any_byte_of_its_answer_cuts_it_there_or_is_told_of() {
    let (gate, daemon) = start(STREAMS);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    for answer in [SIZED, CHUNKED] {
        let head = answer.find("\r\n\r\n").expect("a head") + 4;
        for cut in 0..answer.len() {
            for leaves_something in [false, true] {
                let client = gate.client();
                let connection = asked(&client, &daemon, leaves_something);
                connection.send(&answer[..cut]);
                drop(connection);
                if cut < head {
                    assert_eq!(client.answer().status, 502, "cut at {cut}");
                } else {
                    client.expect(&answer[..cut]);
                }
                client.expect_end();
            }
            ledger.expect_service();
        }
    }
    ledger.close();
}

#[test]
fn a_daemon_that_dies_before_it_has_agreed_to_a_hijack_gets_nothing_of_the_stream() {
    let (gate, daemon) = start(STREAMS);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    for cut in 0..UPGRADED.len() {
        let client = gate.client();
        // Had the daemon refused, this would be the next request; it has said nothing.
        client.send(format!("{ATTACH}{PING}"));
        let connection = daemon.accept_with(ATTACH);
        connection.send(&UPGRADED[..cut]);
        connection.end();
        connection.expect_end();
        drop(connection);
        assert_eq!(client.answer().status, 502, "cut at {cut}");
        client.expect_end();
        daemon.expect_untouched();
    }
    ledger.close();
}

#[test]
fn a_daemon_that_dies_in_a_hijack_ends_it_after_its_last_byte() {
    let (gate, daemon) = start(STREAMS);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    for leaves_something in [false, true] {
        for _ in 0..20 {
            let (client, connection) = tunnel(gate.client(), &daemon);
            client.send("input");
            let read = if leaves_something { "in" } else { "input" };
            connection.expect(read);
            connection.send("output");
            drop(connection);
            client.expect("output");
            client.expect_end();
            ledger.expect_service();
        }
    }
    ledger.close();
}

#[test]
fn noise_is_no_answer() {
    let (gate, daemon) = start(STREAMS);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    let mut state = 7_u32;
    let mut noise = |count: usize| -> Vec<u8> {
        let step = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(step).take(count).collect()
    };
    for size in (1..4000).step_by(61) {
        let client = gate.client();
        client.send(PING);
        let connection = daemon.accept_with(PING);
        // The gate may have had enough before all of it is sent.
        let _ = connection.try_send(noise(size));
        drop(connection);
        assert_eq!(client.answer().status, 502, "{size} bytes");
        client.expect_end();
    }
    ledger.close();
}

/// What a daemon may be able to send of something endless before it is cut off: what sockets hold.
const TAKEN_BYTES_MAX: usize = 16 << 20;
const ENDLESS_BYTES: usize = 1 << 30;

/// What the gate may have more of at any time.
const GROWTH_BYTES_MAX: usize = 4 << 20;

#[test]
fn an_endless_head_takes_no_memory_and_is_not_waited_for() {
    let (gate, daemon) = start(STREAMS);
    let ledger = Ledger::with_bystander(&gate, &daemon);
    let before = gate.peak_bytes();
    for begun in ["HTTP/1.1 200 OK\r\nA: ", "HTTP/1.1 2", "HTTP/1.1 200 "] {
        let client = gate.client();
        client.send(PING);
        let connection = daemon.accept_with(PING);
        connection.send(begun);
        let taken = connection.flood(ENDLESS_BYTES);
        assert!(taken < TAKEN_BYTES_MAX, "{taken} bytes were taken from the daemon");
        assert_eq!(client.answer().status, 502);
        client.expect_end();
    }
    for begun in ["GET /_ping HTTP/1.1\r\nA: ", "GET /"] {
        let client = gate.client();
        client.send(begun);
        // The gate has had enough at once. What still comes it reads for some seconds and throws away,
        // so that the client can read why.
        client.flood(ENDLESS_BYTES / 4);
        assert!([414, 431].contains(&client.answer().status));
        drop(client);
    }
    daemon.expect_untouched();
    let grown = gate.peak_bytes().saturating_sub(before);
    assert!(grown < GROWTH_BYTES_MAX, "grown by {grown} bytes");
    ledger.close();
}
