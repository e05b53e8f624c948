//! How a tunnel ends: each direction on its own, and all of it where one side is wholly gone.
//!
//! Whether the gate has let go is seen in its open files, not by writing to it: a write would be
//! what makes it notice.

use super::gate::{Dir, Gate, STREAMS, start, start_in};
use super::hijack::{ATTACH, UPGRADED, tunnel};

#[test]
fn the_end_of_the_input_leaves_the_output_flowing() {
    let (gate, daemon) = start(STREAMS);
    let (client, connection) = tunnel(gate.client(), &daemon);
    client.send("last words");
    client.end();
    connection.expect("last words");
    connection.expect_end();
    for _ in 0..3 {
        connection.send("output");
        client.expect("output");
    }
    drop(connection);
    client.expect_end();
}

#[test]
fn the_end_of_the_output_leaves_the_input_flowing() {
    let (gate, daemon) = start(STREAMS);
    let (client, connection) = tunnel(gate.client(), &daemon);
    connection.send("last words");
    connection.end();
    client.expect("last words");
    client.expect_end();
    for _ in 0..3 {
        client.send("input");
        connection.expect("input");
    }
    client.end();
    connection.expect_end();
}

#[test]
fn an_early_end_of_the_input_is_passed_on_after_the_daemon_has_agreed() {
    let (gate, daemon) = start(STREAMS);
    for input in ["", "input"] {
        let client = gate.client();
        client.send(format!("{ATTACH}{input}"));
        client.end();
        let connection = daemon.accept_with(ATTACH);
        connection.expect_silence();
        connection.send(UPGRADED);
        client.expect(UPGRADED);
        connection.expect(input);
        connection.expect_end();
        connection.send("output");
        client.expect("output");
    }
}

#[test]
fn a_daemon_that_is_gone_closes_the_client() {
    let (gate, daemon) = start(STREAMS);
    let files = gate.files_without(gate.client());
    let (client, connection) = tunnel(gate.client(), &daemon);
    connection.send("output");
    drop(connection);
    client.expect("output");
    client.expect_end();
    drop(client);
    gate.expect_files(files);
}

#[test]
fn a_client_that_resets_closes_the_daemons_side() {
    let (gate, daemon) = start(STREAMS);
    let files = gate.files_without(gate.client());
    let (client, _connection) = tunnel(gate.client(), &daemon);
    client.reset();
    gate.expect_files(files);
}

#[test]
fn a_client_that_resets_before_the_daemon_has_agreed_closes_the_daemons_side() {
    let (gate, daemon) = start(STREAMS);
    let files = gate.files_without(gate.client());
    let client = gate.client();
    client.send(ATTACH);
    let _connection = daemon.accept_with(ATTACH);
    client.reset();
    gate.expect_files(files);
}

#[test]
fn a_client_that_resets_while_its_input_is_stuck_closes_the_daemons_side() {
    let (gate, daemon) = start(STREAMS);
    let files = gate.files_without(gate.client());
    let (client, _connection) = tunnel(gate.client(), &daemon);
    client.flood(64 << 20);
    client.reset();
    // Nobody reads that input, perhaps for days.
    gate.expect_files(files);
}

#[test]
fn a_client_that_has_closed_its_unix_socket_closes_the_daemons_side() {
    let dir = Dir::new();
    let path = dir.path("gate.sock");
    let listen = format!("unix://{}", path.display());
    let (gate, daemon) = start_in(dir, &[STREAMS, &[("LISTEN", &listen)]].concat());
    let files = gate.files_without(Gate::unix_client(&path));

    let (client, connection) = tunnel(Gate::unix_client(&path), &daemon);
    client.send("last words");
    drop(client);
    connection.expect("last words");
    gate.expect_files(files);

    // A half-close is another matter, on such a socket too.
    let (client, connection) = tunnel(Gate::unix_client(&path), &daemon);
    client.end();
    connection.expect_end();
    connection.send("output");
    client.expect("output");
    drop(client);
    gate.expect_files(files);
}
