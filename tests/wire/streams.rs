//! Running streams: how the client's end reaches the daemon, and what is left of a crowd.

use super::gate::{Dir, Gate, start, start_in};
use super::peer::Peer;
use super::stand_in::{EVENTS, PING, STREAMING, StandIn};

/// A client that has begun to follow the events, and the daemon's end of it.
#[track_caller]
fn follow(client: Peer, daemon: &StandIn) -> (Peer, Peer) {
    client.send(EVENTS);
    let connection = daemon.accept_with(EVENTS);
    connection.send(STREAMING);
    client.expect(STREAMING);
    (client, connection)
}

#[test]
fn a_half_close_reaches_the_daemon_and_what_it_still_writes_reaches_the_client() {
    let (gate, daemon) = start(&[]);
    let files = gate.files_without(gate.client());
    let (client, connection) = follow(gate.client(), &daemon);
    client.end();
    connection.expect_end();
    connection.send("1\r\n!\r\n");
    client.expect("1\r\n!\r\n");
    connection.send("0\r\n\r\n");
    client.expect("0\r\n\r\n");
    client.expect_end();
    gate.expect_files(files);
}

#[test]
fn a_half_close_before_the_answer_reaches_the_daemon_too() {
    let (gate, daemon) = start(&[]);
    let client = gate.client();
    client.send(PING);
    client.end();
    let connection = daemon.accept_with(PING);
    connection.expect_end();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
    client.expect("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
    client.expect_end();
}

#[test]
fn a_client_that_goes_in_mid_stream_ends_the_daemons_side() {
    let (gate, daemon) = start(&[]);
    let files = gate.files_without(gate.client());
    let (client, connection) = follow(gate.client(), &daemon);
    drop(client);
    connection.expect_end();
    drop(connection);

    let (client, _connection) = follow(gate.client(), &daemon);
    client.reset();
    gate.expect_files(files);

    // With bytes on the way to it, too.
    let (client, connection) = follow(gate.client(), &daemon);
    connection.flood(64 << 20);
    drop(client);
    gate.expect_files(files);
}

#[test]
fn a_client_that_has_closed_its_unix_socket_ends_the_daemons_side() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    let (gate, daemon) = start_in(dir, &[("LISTEN", &format!("unix://{}", path.display()))]);
    let files = gate.files_without(Gate::unix_client(&path));
    let (client, _connection) = follow(Gate::unix_client(&path), &daemon);
    drop(client);
    gate.expect_files(files);
}

#[test]
fn fifty_followers_that_vanish_leave_nothing_behind() {
    let (gate, daemon) = start(&[]);
    let files = gate.files_without(gate.client());
    let followers: Vec<_> = (0..50).map(|_| follow(gate.client(), &daemon)).collect();
    assert_eq!(gate.files(), files + 100);
    let (clients, connections): (Vec<_>, Vec<_>) = followers.into_iter().unzip();
    drop(clients);
    for connection in connections {
        // The daemon stops what it was doing, and closes.
        connection.expect_gone();
    }
    gate.expect_files(files);
}

#[test]
fn a_request_behind_a_stream_waits_for_its_end() {
    let (gate, daemon) = start(&[]);
    let (client, connection) = follow(gate.client(), &daemon);
    client.send(PING);
    connection.expect_silence();
    connection.send("1\r\n!\r\n0\r\n\r\n");
    client.expect("1\r\n!\r\n0\r\n\r\n");
    connection.expect(PING);
}
