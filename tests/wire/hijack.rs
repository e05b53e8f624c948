//! When a connection stops being HTTP: only after the daemon has said so, and until then nothing
//! of the client's goes further than the request.

use super::gate::{STREAMS, start};
use super::peer::Peer;
use super::stand_in::{FORBIDDEN, OK, PING, StandIn};
use std::thread;
use std::time::Duration;

pub const ATTACH: &str = "POST /v1.41/containers/p/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\n\
                          Host: docker\r\nContent-Length: 0\r\nConnection: Upgrade\r\n\
                          Content-Type: text/plain\r\nUpgrade: tcp\r\n\r\n";
pub const UPGRADED: &str = "HTTP/1.1 101 UPGRADED\r\n\
                            Content-Type: application/vnd.docker.raw-stream\r\n\
                            Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

const PLAIN_ATTACH: &str = "POST /containers/p/attach?stream=1 HTTP/1.1\r\nHost: docker\r\n\r\n";
const RAW: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
const MULTIPLEXED: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\r\n";

const WEBSOCKET: &str = "GET /containers/p/attach/ws HTTP/1.1\r\nHost: docker\r\n\
                         Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const SESSION: &str = "POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\n\
                       Upgrade: h2c\r\nX-Docker-Expose-Session-Uuid: 1\r\n\r\n";
const GRPC: &str =
    "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
const SWITCHING: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

/// A client whose attach has become a tunnel, and the daemon's end of it.
#[track_caller]
pub fn tunnel(client: Peer, daemon: &StandIn) -> (Peer, Peer) {
    client.send(ATTACH);
    let connection = daemon.accept_with(ATTACH);
    connection.send(UPGRADED);
    client.expect(UPGRADED);
    (client, connection)
}

#[test]
fn nothing_of_the_clients_goes_further_before_the_daemon_has_agreed() {
    let (gate, daemon) = start(STREAMS);
    for (request, agreed) in [
        (ATTACH, UPGRADED),
        (PLAIN_ATTACH, RAW),
        (PLAIN_ATTACH, MULTIPLEXED),
        (WEBSOCKET, SWITCHING),
        (SESSION, SWITCHING),
        (GRPC, SWITCHING),
    ] {
        let client = gate.client();
        client.send(format!("{request}early,"));
        let connection = daemon.accept_with(request);
        connection.expect_silence();
        client.send("later,");
        connection.expect_silence();
        // The daemon writes its head in up to ten pieces.
        let (most, rest) = agreed.split_at(agreed.len() - 1);
        connection.send(most);
        connection.expect_silence();
        connection.send(format!("{rest}hello"));
        client.expect(format!("{agreed}hello"));
        connection.expect("early,later,");
        // From here on it is bytes, whatever they look like.
        client.send(FORBIDDEN);
        connection.expect(FORBIDDEN);
        connection.send("HTTP/1.1 200 OK\r\n\r\n\0");
        client.expect("HTTP/1.1 200 OK\r\n\r\n\0");
    }
}

#[test]
fn after_a_refused_hijack_the_early_bytes_are_the_next_request() {
    let (gate, daemon) = start(STREAMS);
    let refusal = "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\n\
                   Content-Length: 16\r\n\r\n{\"message\":\"no\"}";
    for request in [ATTACH, PLAIN_ATTACH, WEBSOCKET, SESSION, GRPC] {
        let client = gate.client();
        client.send(format!("{request}{FORBIDDEN}{PING}"));
        let connection = daemon.accept_with(request);
        connection.send(refusal);
        client.expect(refusal);
        assert_eq!(client.answer().status, 403, "{request}");
        connection.expect(PING);
        connection.send(OK);
        client.expect(OK);
    }
}

#[test]
fn after_a_refused_hijack_without_a_length_the_early_bytes_are_lost() {
    let (gate, daemon) = start(STREAMS);
    let refusal =
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nno\r\n";
    let client = gate.client();
    client.send(format!("{ATTACH}{PING}"));
    let connection = daemon.accept_with(ATTACH);
    connection.send(refusal);
    client.expect(refusal);
    connection.expect_silence();
    drop(connection);
    client.expect_end();
    daemon.expect_untouched();
}

#[test]
fn a_raw_stream_is_no_tunnel_where_only_an_upgrade_makes_one() {
    let (gate, daemon) = start(STREAMS);
    for request in [WEBSOCKET, SESSION, GRPC, PING] {
        let client = gate.client();
        client.send(format!("{request}{FORBIDDEN}"));
        let connection = daemon.accept_with(request);
        connection.send(RAW);
        client.expect(RAW);
        connection.expect_silence();
        drop(connection);
        client.expect_end();
    }
}

#[test]
fn a_daemon_that_switches_protocols_unasked_has_failed() {
    let (gate, daemon) = start(STREAMS);
    let client = gate.client();
    client.send(format!("{PING}{FORBIDDEN}"));
    let connection = daemon.accept_with(PING);
    connection.send(UPGRADED);
    assert_eq!(client.answer().status, 502);
    client.expect_end();
    connection.expect_gone();
}

#[test]
fn both_directions_flow_at_once() {
    const BYTES: usize = 4 << 20;
    let (gate, daemon) = start(STREAMS);
    let (client, connection) = tunnel(gate.client(), &daemon);
    thread::scope(|scope| {
        scope.spawn(|| client.send(vec![b'i'; BYTES]));
        scope.spawn(|| connection.send(vec![b'o'; BYTES]));
        scope.spawn(|| client.expect(vec![b'o'; BYTES]));
        connection.expect(vec![b'i'; BYTES]);
    });
}

#[test]
fn a_stalled_tunnel_takes_no_memory() {
    const BYTES: usize = 64 << 20;
    let (gate, daemon) = start(STREAMS);
    let (client, connection) = tunnel(gate.client(), &daemon);
    let before = gate.resident_bytes();
    let sent = client.flood(BYTES);
    assert!(sent < BYTES, "nobody reads, but {sent} bytes were taken");
    let grown = gate.resident_bytes().saturating_sub(before);
    assert!(grown < 4 << 20, "grown by {grown} bytes");
    connection.expect(vec![b'x'; sent]);
}

#[test]
fn the_last_output_arrives_although_nobody_reads_the_input() {
    const BYTES: usize = 1 << 20;
    let (gate, daemon) = start(STREAMS);
    let (client, connection) = tunnel(gate.client(), &daemon);
    // `yes | docker exec -i p command-that-does-not-read`
    client.flood(64 << 20);
    connection.send(vec![b'o'; BYTES]);
    drop(connection);
    // The client is slower than the gate.
    thread::sleep(Duration::from_millis(200));
    client.expect(vec![b'o'; BYTES]);
}
