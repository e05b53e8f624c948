//! How the gate ends: on a signal, with what is under way let end within its grace.

use super::gate::{Gate, start};
use super::peer::Peer;
use super::stand_in::{EVENTS, OK, PING, STREAMING, StandIn};
use std::net::{Ipv4Addr, TcpStream};

/// A client that follows events, and its connection to the daemon.
fn following(gate: &Gate, daemon: &StandIn) -> (Peer, Peer) {
    let client = gate.client();
    client.send(EVENTS);
    let connection = daemon.accept_with(EVENTS);
    connection.send(STREAMING);
    client.expect(STREAMING);
    (client, connection)
}

#[test]
fn idle_connections_end_at_once_and_so_does_the_gate() {
    let (mut gate, daemon) = start(&[("SHUTDOWN_GRACE", "3600")]);
    let (fresh, used) = (gate.client(), gate.client());
    used.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    used.expect(OK);
    gate.terminate();
    fresh.expect_end();
    used.expect_end();
    connection.expect_end();
    assert_eq!(gate.wait().code(), Some(0));
}

#[test]
fn a_running_exchange_is_completed_and_nobody_new_is_let_in() {
    let (mut gate, daemon) = start(&[]);
    let client = gate.client();
    client.send(format!("{PING}{PING}"));
    let connection = daemon.accept_with(PING);
    gate.terminate();
    gate.wait_for_log("SIGTERM");
    super::gate::wait_until("the port to be closed", || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, gate.port())).is_err()
    });
    let (most, rest) = OK.split_at(OK.len() - 1);
    connection.send(most);
    client.expect(most);
    connection.send(rest);
    client.expect(rest);
    // The second request is not begun any more.
    client.expect_end();
    connection.expect_end();
    drop(client);
    assert_eq!(gate.wait().code(), Some(0));
}

#[test]
fn without_a_grace_streams_are_cut() {
    let (mut gate, daemon) = start(&[("SHUTDOWN_GRACE", "0")]);
    let (client, connection) = following(&gate, &daemon);
    gate.terminate();
    client.expect_end();
    connection.expect_end();
    assert_eq!(gate.wait().code(), Some(0));
}

#[test]
fn a_second_signal_cuts_what_the_first_has_let_run() {
    let (mut gate, daemon) = start(&[("SHUTDOWN_GRACE", "3600")]);
    let (client, connection) = following(&gate, &daemon);
    gate.terminate();
    gate.wait_for_log("SIGTERM");
    connection.send("1\r\n!\r\n");
    client.expect("1\r\n!\r\n");
    gate.terminate();
    client.expect_end();
    connection.expect_end();
    assert_eq!(gate.wait().code(), Some(0));
}

#[test]
fn a_second_signal_reaches_each_of_several_workers() {
    for _ in 0..4 {
        let (mut gate, daemon) = start(&[("WORKERS", "3"), ("SHUTDOWN_GRACE", "3600")]);
        // On one worker, most likely another one than the first.
        let (client, connection) = following(&gate, &daemon);
        gate.terminate();
        gate.wait_for_log("SIGTERM received");
        gate.terminate();
        client.expect_end();
        connection.expect_end();
        assert_eq!(gate.wait().code(), Some(0));
        let log = gate.log();
        assert!(log.contains("stopped; 1 connection was still open and has been closed"), "{log}");
    }
}

#[test]
fn several_workers_end_alike() {
    let (mut gate, daemon) = start(&[("WORKERS", "3"), ("SHUTDOWN_GRACE", "3600")]);
    daemon.answer_pings();
    let clients: Vec<_> = (0..12).map(|_| gate.client()).collect();
    for client in &clients {
        client.send(PING);
        client.expect(OK);
    }
    gate.terminate();
    for client in &clients {
        client.expect_end();
    }
    assert_eq!(gate.wait().code(), Some(0));
    assert!(gate.log().ends_with("INFO stopped\n"), "{}", gate.log());
}
