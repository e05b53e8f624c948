//! What the gate asks the daemon for itself: who it is, and whether it is still there.

use super::gate::{Dir, Gate, start};
use super::stand_in::{OK, PING, StandIn, WHO};
use std::fs;

const OWN_PING: &str = "GET /_ping HTTP/1.1\r\nHost: dockgate\r\n\r\n";

#[test]
fn the_daemon_is_named_once_it_has_answered() {
    let mut gate = Gate::start(Dir::new(), &[]);
    gate.wait_for_log("is the daemon running, and is its socket mounted here?");
    let path = gate.dir.daemon();
    let daemon = StandIn::at(&path);
    // A client is served before anybody has been named.
    let client = gate.client();
    client.send(PING);
    daemon.accept_with(PING).send(OK);
    client.expect(OK);
    if !gate.log().contains("Engine") {
        daemon.expect_probe();
    }
    let line = format!("Connected to Docker Engine 20.10.24 (API 1.41) at {}", path.display());
    gate.wait_for_log(&line);
    assert_eq!(gate.log().matches("it is tried again with every request").count(), 1);
    daemon.expect_untouched();
}

#[test]
fn a_daemon_that_does_not_know_itself_is_not_asked_again() {
    for answer in [
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    ] {
        let dir = Dir::new();
        let daemon = StandIn::at(&dir.daemon());
        let gate = Gate::start(dir, &[]);
        let asked = daemon.accept_any();
        asked.expect(WHO);
        asked.send(answer);
        asked.expect_end();
        daemon.expect_untouched();
        assert!(!gate.log().contains("Engine"));
    }
}

#[test]
fn the_watchdog_tells_of_a_loss_and_a_return_once_each() {
    let (mut gate, daemon) = start(&[("WATCHDOG", "1s")]);
    let path = gate.dir.daemon();
    for _ in 0..2 {
        let ping = daemon.accept_with(OWN_PING);
        ping.send(OK);
        ping.expect_end();
    }
    drop(daemon.accept_with(OWN_PING));
    gate.wait_for_log("WARN the daemon closed the connection without an answer");
    drop(daemon);
    fs::remove_file(&path).expect("removed");
    std::thread::sleep(std::time::Duration::from_millis(1200));
    let daemon = StandIn::at(&path);
    daemon.accept_with(OWN_PING).send(OK);
    gate.wait_for_log("INFO the daemon answers again, after ");
    let log = gate.log();
    assert_eq!(log.matches("it is tried again with every request").count(), 1, "{log}");
}
