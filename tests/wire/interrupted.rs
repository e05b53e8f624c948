//! The daemon answers before it has the whole upload. Its answer must reach the client, which
//! is still sending and looks only later.

use super::gate::{OPEN, start};
use super::peer::Peer;
use super::stand_in::{OK, PING};
use std::thread;

const BYTES: usize = 8 << 20;
const CLOSING: &str =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
const LASTING: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno";

fn upload_head() -> String {
    format!("POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: {BYTES}\r\n\r\n")
}

/// Sends a body for as long as it is taken, as a client that does not look meanwhile.
fn send_body(client: &Peer) {
    let block = vec![b'x'; 64 * 1024];
    for _ in 0..BYTES / block.len() {
        if client.try_send(&block).is_err() {
            return;
        }
    }
}

#[test]
fn the_answer_is_readable_although_the_daemon_has_closed() {
    let (gate, daemon) = start(OPEN);
    for answer in [CLOSING, LASTING] {
        let client = gate.client();
        client.send(upload_head());
        let connection = daemon.accept_with(upload_head());
        connection.send(answer);
        drop(connection);
        send_body(&client);
        client.expect(answer);
        client.expect_end();
    }
}

#[test]
fn the_answer_is_readable_although_the_daemon_reads_no_more() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(upload_head());
    let connection = daemon.accept_with(upload_head());
    thread::scope(|scope| {
        let sending = scope.spawn(|| send_body(&client));
        connection.read_up_to(BYTES / 4);
        connection.send(CLOSING);
        client.expect(CLOSING);
        client.expect_end();
        sending.join().expect("sent");
    });
    connection.expect_gone();
}

#[test]
fn an_early_answer_that_keeps_the_connection_does_not_end_the_upload() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(upload_head());
    let connection = daemon.accept_with(upload_head());
    connection.send(LASTING);
    client.expect(LASTING);
    thread::scope(|scope| {
        let sending = scope.spawn(|| send_body(&client));
        connection.expect(vec![b'x'; BYTES]);
        sending.join().expect("sent");
    });
    client.send(PING);
    connection.expect(PING);
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn a_daemon_that_fails_after_100_still_gets_the_client_an_answer() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let head = "POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    client.send(head);
    let connection = daemon.accept_with(head);
    connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    client.expect("HTTP/1.1 100 Continue\r\n\r\n");
    drop(connection);
    // An interim answer is none: the final one is still owed.
    assert_eq!(client.answer().status, 502);
    client.expect_end();
}
