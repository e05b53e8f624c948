//! What the daemon answers reaches the client as the very bytes that it wrote, as it writes them,
//! and ends where it ends.

use super::gate::{OPEN, start};
use super::peer::Peer;
use super::stand_in::{EVENTS, OK, PING, STREAMING};

const HEAD: &str = "HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";
const OLD: &str = "GET /_ping HTTP/1.0\r\n\r\n";
const LASTING_OLD: &str = "GET /_ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
const CLOSING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n";

#[derive(Clone, Copy, Debug, PartialEq)]
enum After {
    /// Another request goes the same way.
    Lasts,
    /// Client and daemon are both told the end.
    Ends,
}
use After::{Ends, Lasts};

const ANSWERS: &[(&str, &str, After)] = &[
    (PING, OK, Lasts),
    (PING, "HTTP/1.1 200 OK\r\ncontent-LENGTH:   002  \r\nX: \t\r\n\r\nOK", Lasts),
    (PING, "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", Lasts),
    (PING, "HTTP/1.1 204 No Content\r\n\r\n", Lasts),
    (PING, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", Lasts),
    (HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", Lasts),
    (HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", Lasts),
    (PING, "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n003\r\nabc\r\n0\r\n\r\n", Lasts),
    (
        PING,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n\
         3\r\nabc\r\n0\r\nA: b\r\nC: d\r\n\r\n",
        Lasts,
    ),
    (
        PING,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 204 X\r\n\r\n",
        Lasts,
    ),
    (PING, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK", Ends),
    (PING, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK", Ends),
    (CLOSING, OK, Ends),
    (OLD, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nOK", Ends),
    (
        LASTING_OLD,
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nOK",
        Lasts,
    ),
];

/// The client has had the answer to the end: what becomes of the connection?
#[track_caller]
fn expect_after(after: After, client: &Peer, daemon: &Peer) {
    match after {
        Lasts => {
            client.send(PING);
            daemon.expect(PING);
            daemon.send(OK);
            client.expect(OK);
        }
        Ends => {
            client.expect_end();
            daemon.expect_end();
        }
    }
}

#[test]
fn an_answer_arrives_as_it_was_written_and_ends_where_it_ends() {
    let (gate, daemon) = start(OPEN);
    for &(request, answer, after) in ANSWERS {
        let client = gate.client();
        client.send(request);
        let connection = daemon.accept_with(request);
        connection.send(answer);
        client.expect(answer);
        expect_after(after, &client, &connection);
    }
}

#[test]
fn an_answer_may_be_written_byte_by_byte() {
    let (gate, daemon) = start(OPEN);
    for &(request, answer, after) in ANSWERS {
        let client = gate.client();
        client.send(request);
        let connection = daemon.accept_with(request);
        for byte in answer.as_bytes() {
            connection.send([*byte]);
        }
        client.expect(answer);
        expect_after(after, &client, &connection);
    }
}

#[test]
fn an_answer_without_a_length_lasts_until_the_daemon_closes() {
    let (gate, daemon) = start(OPEN);
    for (request, head) in [
        (PING, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"),
        (OLD, "HTTP/1.0 200 OK\r\n\r\n"),
        // A keep-alive that no end can follow.
        (PING, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n"),
    ] {
        let client = gate.client();
        client.send(request);
        let connection = daemon.accept_with(request);
        connection.send(head);
        client.expect(head);
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        client.expect("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        client.expect_silence();
        drop(connection);
        client.expect_end();
    }
}

#[test]
fn every_byte_of_a_stream_arrives_before_the_next_is_written() {
    let (gate, daemon) = start(OPEN);
    let chunked = "4\r\nWiki\r\n1\r\n!\r\n";
    for (head, stream) in [
        (STREAMING, chunked),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", "a stream"),
        ("HTTP/1.1 200 OK\r\n\r\n", "a stream"),
    ] {
        let client = gate.client();
        client.send(EVENTS);
        let connection = daemon.accept_with(EVENTS);
        connection.send(head);
        client.expect(head);
        for byte in stream.as_bytes() {
            connection.send([*byte]);
            client.expect([*byte]);
        }
    }
}

#[test]
fn interim_answers_arrive_before_the_final_one_is_written() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    for interim in ["HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n"] {
        connection.send(interim);
        client.expect(interim);
    }
    connection.send(OK);
    client.expect(OK);
}

#[test]
fn a_long_answer_arrives_whole_however_slowly_it_is_read() {
    const BYTES: usize = 8 << 20;
    let (gate, daemon) = start(OPEN);
    let before = gate.resident_bytes();
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n");
    connection.send(&head);
    client.expect(&head);
    let sent = connection.flood(BYTES);
    assert!(sent < BYTES, "nobody reads, but {sent} bytes were taken");
    let grown = gate.resident_bytes().saturating_sub(before);
    assert!(grown < 4 << 20, "grown by {grown} bytes");
    std::thread::scope(|scope| {
        scope.spawn(|| connection.send(vec![b'x'; BYTES - sent]));
        client.expect(vec![b'x'; BYTES]);
    });
    expect_after(Lasts, &client, &connection);
}
