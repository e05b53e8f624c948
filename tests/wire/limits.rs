//! What a client may take of the gate: time for a head, time without a request, bytes of a head.

use super::gate::{start, wait_until};
use super::peer::PATIENCE;
use super::stand_in::{OK, PING};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_head_that_does_not_come_to_its_end_is_not_waited_for() {
    let (gate, daemon) = start(&[("HEAD_TIMEOUT", "1")]);
    let client = gate.client();
    client.send(&PING[..20]);
    let answer = client.answer();
    assert_eq!(answer.status, 408);
    assert!(answer.message().contains("HEAD_TIMEOUT"), "{}", answer.message());
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn a_head_that_drips_is_not_waited_for_and_holds_up_nobody() {
    let (gate, daemon) = start(&[("HEAD_TIMEOUT", "1")]);
    let dripping = gate.client();
    let other = gate.client();
    let answered = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            dripping.send("GET /_ping HTTP/1.1\r\nA: ");
            let begun = Instant::now();
            while !answered.load(Relaxed) && begun.elapsed() < PATIENCE {
                dripping.send("b");
                thread::sleep(Duration::from_millis(20));
            }
        });
        other.send(PING);
        let connection = daemon.accept_with(PING);
        for _ in 0..20 {
            connection.send(OK);
            other.expect(OK);
            other.send(PING);
            connection.expect(PING);
        }
        assert_eq!(dripping.answer().status, 408);
        answered.store(true, Relaxed);
    });
}

#[test]
fn a_connection_without_a_request_is_closed_in_silence() {
    let (gate, daemon) = start(&[("IDLE_TIMEOUT", "1")]);
    let (fresh, used) = (gate.client(), gate.client());
    used.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    used.expect(OK);
    fresh.expect_end();
    used.expect_end();
    connection.expect_end();
}

#[test]
fn no_clock_runs_while_the_daemon_works() {
    let (gate, daemon) = start(&[("IDLE_TIMEOUT", "1"), ("HEAD_TIMEOUT", "1")]);
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    thread::sleep(Duration::from_millis(2500));
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn the_longest_head_can_be_chosen() {
    let (gate, daemon) = start(&[("MAX_HEAD_BYTES", "1024")]);
    let head = |bytes: usize| {
        let begun = "GET /_ping HTTP/1.1\r\nHost: docker\r\nA: ";
        format!("{begun}{}\r\n\r\n", "b".repeat(bytes - begun.len() - 4))
    };
    let client = gate.client();
    client.send(head(1024));
    daemon.accept_with(head(1024)).send(OK);
    client.expect(OK);
    let client = gate.client();
    client.send(head(1025));
    let answer = client.answer();
    assert_eq!(answer.status, 431);
    assert!(answer.message().contains("MAX_HEAD_BYTES"), "{}", answer.message());
    client.expect_end();
}

#[test]
fn heads_that_are_begun_are_bounded_together_and_whole_ones_are_none_of_them() {
    // What one client may have of it is held in shares.rs.
    let (gate, daemon) = start(&[("MAX_CLIENT_SHARE", "100")]);
    let begun = format!("GET /_ping HTTP/1.1\r\nA: {}", "b".repeat(60_000));
    // 8 MiB hold 139 of them.
    let mut holding: Vec<_> = (0..200).map(|_| gate.client()).collect();
    for client in &holding {
        // It may be cut off while it sends.
        let _ = client.try_send(&begun);
    }
    wait_until("what is too much to be refused", || {
        holding.iter().filter(|client| client.has_something()).count() >= 61
    });
    assert!(gate.log().contains("reason=\"heads-crowded\" status=503"), "{}", gate.log());
    holding.retain(|client| !client.has_something());
    let whole = gate.client();
    whole.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    whole.expect(OK);
    // With one that ends, and one that leaves, there is room for others.
    let ending = holding.pop().expect("one");
    ending.send("\r\nHost: docker\r\n\r\n");
    daemon.accept_with(&begun).send(OK);
    drop(holding);
    let next = gate.client();
    next.send(&begun);
    next.send("\r\nHost: docker\r\n\r\n");
    daemon.accept_with(&begun).send(OK);
    for client in [ending, next] {
        client.expect(OK);
    }
}

/// The allocator of a thread that gives memory back asks the kernel for a setting, which it may not
/// read behind the sandbox.
#[test]
fn memory_that_is_given_back_ends_no_worker() {
    let (gate, daemon) = start(&[("CONTAINERS", "1"), ("POST", "1"), ("WORKERS", "3")]);
    daemon.answer_pings();
    for (strings, lists) in [(500, 40), (400, 120)].repeat(8) {
        let list = format!("[{}]", vec![r#""\n""#; strings].join(","));
        let body = format!(r#"{{"Privileged":1,"Cmd":[{}]}}"#, vec![list; lists].join(","));
        let client = gate.client();
        client.send(format!(
            "POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        assert_eq!(client.answer().status, 400);
    }
    let client = gate.client();
    client.send(PING);
    client.expect(OK);
}
