//! A gate that may have 64 MiB and no more: its own bounds keep it from getting there, whatever ten
//! thousand clients begin and do not end. Rust's allocator ends the process where the kernel gives no
//! memory, so that the gate's being there afterwards shows that it has never asked for more.

use super::exhaustion::raise_file_limit;
use super::gate::{Dir, Gate, OPEN, wait_until};
use super::ledger::Ledger;
use super::metrics::{ON, scrape};
use super::peer::Peer;
use super::stand_in::{EVENTS, FORBIDDEN, OK, StandIn};

/// What a container might be given, as `ulimit -d` takes it.
const LIMIT_KIB: usize = 64 << 10;

const CLIENTS: usize = 10_000;

/// At once, as the usual hard limits of files allow it.
const CLIENTS_AT_ONCE: usize = 2_500;

/// What clients begin: a head of this and that length, and a body that is examined.
fn beginnings() -> [Vec<u8>; 5] {
    let head = |bytes: usize| format!("GET /_ping HTTP/1.1\r\nA: {}", "b".repeat(bytes));
    let body =
        "POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 2000000\r\n\r\n{";
    let body = format!("{body}{}", " ".repeat(100_000));
    [head(1), head(15_000), head(40_000), head(63_000), body].map(String::into_bytes)
}

/// How many were cut off for this reason.
fn cut_off(gate: &Gate, reason: &str) -> usize {
    let text = scrape(gate);
    let wanted = format!("reason=\"{reason}\"}} ");
    let values = text.lines().filter_map(|line| line.split_once(&wanted)?.1.parse::<usize>().ok());
    values.sum()
}

#[test]
fn ten_thousand_beginnings_stay_within_64_mib() {
    raise_file_limit();
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    let variables = [OPEN, &[ON, ("HEAD_TIMEOUT", "60"), ("MAX_CLIENT_SHARE", "100")]].concat();
    let gate = Gate::start_with_memory_limit(dir, &variables, LIMIT_KIB);
    daemon.expect_probe();
    let ledger = Ledger::with_bystander(&gate, &daemon);
    let beginnings = beginnings();
    for round in 0..CLIENTS / CLIENTS_AT_ONCE {
        // Of one address, then each of its own.
        let connect = if round == 0 { Gate::client } else { Gate::stranger };
        let clients: Vec<Peer> = (0..CLIENTS_AT_ONCE).map(|_| connect(&gate)).collect();
        for (client, bytes) in clients.iter().zip(beginnings.iter().cycle()) {
            // One of a crowd may be cut off meanwhile.
            let _ = client.try_send(bytes);
        }
        ledger.expect_service();
        drop(clients);
        wait_until("everybody to leave", || connections(&gate) == 1);
    }
    daemon.expect_untouched();
    assert!(cut_off(&gate, "heads-crowded") > 0, "heads were never too many");
    assert!(cut_off(&gate, "bodies-crowded") > 0, "bodies were never too many");
    let peak = gate.peak_bytes() >> 10;
    assert!(peak < LIMIT_KIB, "it took {peak} KiB");
    ledger.leave();
}

/// Each of a crowd follows the daemon's events and sends what would fill a buffer after that: it has
/// to wait, and must not have a buffer of that size for it.
#[test]
fn what_a_crowd_sends_ahead_stays_within_40_mib() {
    const LIMIT_KIB: usize = 40 << 10;
    raise_file_limit();
    let dir = Dir::new();
    let daemon = StandIn::at(&dir.daemon());
    let gate = Gate::start_with_memory_limit(dir, &[ON, ("EVENTS", "1")], LIMIT_KIB);
    daemon.expect_probe();
    let ledger = Ledger::with_bystander(&gate, &daemon);
    let ahead = [EVENTS.to_owned(), FORBIDDEN.repeat(700)].concat();
    let crowd: Vec<(Peer, Peer)> = (0..CLIENTS_AT_ONCE)
        .map(|_| {
            let client = gate.client();
            client.send(&ahead);
            (client, daemon.accept_with(EVENTS))
        })
        .collect();
    ledger.expect_service();
    // Nobody has lost anything by it.
    let (client, connection) = crowd.last().expect("somebody");
    connection.send(OK);
    client.expect(OK);
    assert_eq!(client.answer().status, 403);
    drop(crowd);
    let peak = gate.peak_bytes() >> 10;
    assert!(peak < LIMIT_KIB, "it took {peak} KiB");
    ledger.leave();
}

fn connections(gate: &Gate) -> usize {
    let text = scrape(gate);
    let value = text.lines().find_map(|line| line.strip_prefix("dockgate_connections "));
    value.and_then(|value| value.parse().ok()).expect("a number")
}
