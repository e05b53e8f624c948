//! Bodies on their way to the daemon: whole, in order, and no faster than it reads.

use super::gate::{OPEN, start, wait_until};
use super::peer::Peer;
use super::stand_in::{OK, PING};
use dockgate::proxy::pipe::PIPES_MAX;
use std::thread;
use std::time::Duration;

const LOAD: &str = "POST /images/load HTTP/1.1\r\nHost: docker\r\n";
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// Bytes that repeat nowhere near.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(step).take(count).collect()
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let mut request = format!("{LOAD}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    request.extend_from_slice(body);
    request
}

/// The body in chunks of growing sizes, from one byte to several buffers.
fn in_chunks(mut body: &[u8]) -> Vec<u8> {
    let mut request = format!("{LOAD}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    let mut size = 1;
    while !body.is_empty() {
        let (chunk, rest) = body.split_at(size.min(body.len()));
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
        (body, size) = (rest, size * 3);
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

#[track_caller]
fn expect_usable(client: &Peer, daemon: &Peer) {
    daemon.send(OK);
    client.expect(OK);
    client.send(PING);
    daemon.expect(PING);
    daemon.send(OK);
    client.expect(OK);
}

#[test]
fn a_long_body_arrives_whole_in_either_framing() {
    let (gate, daemon) = start(OPEN);
    let body = noise(3 << 20);
    for request in [with_length(&body), in_chunks(&body)] {
        let client = gate.client();
        thread::scope(|scope| {
            scope.spawn(|| client.send(&request));
            let connection = daemon.accept_with(&request);
            expect_usable(&client, &connection);
        });
    }
}

#[test]
fn a_body_that_nobody_reads_stays_with_the_client() {
    const BYTES: usize = 64 << 20;
    let (gate, daemon) = start(OPEN);
    for framing in [
        format!("Content-Length: {BYTES}\r\n\r\n"),
        format!("Transfer-Encoding: chunked\r\n\r\n{BYTES:x}\r\n"),
    ] {
        let client = gate.client();
        client.send(format!("{LOAD}{framing}"));
        let connection = daemon.accept_with(format!("{LOAD}{framing}"));
        let before = gate.resident_bytes();
        let sent = client.flood(BYTES);
        assert!(sent < BYTES, "nobody reads, but {sent} bytes were taken");
        let grown = gate.resident_bytes().saturating_sub(before);
        assert!(grown < 4 << 20, "grown by {grown} bytes");
        // And it is all there once somebody does.
        connection.expect(vec![b'x'; sent]);
    }
}

#[test]
fn a_client_that_waits_for_100_gets_the_daemons() {
    let (gate, daemon) = start(OPEN);
    for (framing, body) in
        [("Content-Length: 5", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n")]
    {
        let client = gate.client();
        let head = format!("{LOAD}Expect: 100-continue\r\n{framing}\r\n\r\n");
        client.send(&head);
        let connection = daemon.accept_with(&head);
        client.expect_silence();
        connection.send(CONTINUE);
        client.expect(CONTINUE);
        client.send(body);
        connection.expect(body);
        expect_usable(&client, &connection);
    }
}

#[test]
fn a_client_that_waits_for_100_may_be_refused_by_the_daemon() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let head = format!("{LOAD}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    client.send(&head);
    let connection = daemon.accept_with(&head);
    let answer = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno";
    connection.send(answer);
    client.expect(answer);
    client.expect_end();
    connection.expect_gone();
}

#[test]
fn a_chunk_with_another_reading_in_the_middle_ends_the_upload_there() {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let begun = format!("{LOAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    client.send(&begun);
    let connection = daemon.accept_with(&begun);
    client.send("5;x=y\r\nworld\r\n0\r\n\r\n");
    let answer = client.answer();
    assert_eq!(answer.status, 400);
    assert!(answer.message().contains("chunk-extension"), "{}", answer.message());
    client.expect_end();
    connection.expect_end();
}

#[test]
fn an_upload_that_breaks_off_breaks_off_at_the_daemon() {
    let (gate, daemon) = start(OPEN);
    let begun = format!("{LOAD}Content-Length: 10\r\n\r\nhello");
    for reset in [false, true] {
        let client = gate.client();
        client.send(&begun);
        let connection = daemon.accept_with(&begun);
        if reset {
            client.reset();
        } else {
            drop(client);
        }
        connection.expect_end();
    }
}

#[test]
fn more_uploads_than_there_are_pipes_arrive_and_the_pipes_are_closed() {
    // More than a socket takes, so that the rest is in a pipe.
    const BEGUN_BYTES: usize = 400 << 10;
    let (gate, daemon) = start(&[OPEN, &[("RELAY", "auto"), ("WORKERS", "1")]].concat());
    assert_eq!(gate.pipes(), 0);
    let request = with_length(&noise(1 << 20));
    let (begun, rest) = request.split_at(BEGUN_BYTES);
    let uploads: Vec<_> = (0..PIPES_MAX + 8)
        .map(|_| {
            // One client alone would not get them all.
            let client = gate.stranger();
            client.send(begun);
            (client, daemon.accept())
        })
        .collect();
    wait_until("pipes", || gate.pipes() == PIPES_MAX);
    for (index, (client, connection)) in uploads.into_iter().enumerate() {
        // Every other one breaks off where it is.
        if index % 2 == 0 {
            thread::scope(|scope| {
                scope.spawn(|| client.send(rest));
                connection.expect(&request);
                expect_usable(&client, &connection);
            });
        }
    }
    // A few empty ones are kept for the next.
    wait_until("pipes to be closed", || gate.pipes() <= 4);
}

/// While the daemon takes nothing, little is kept, in a buffer of its own size; what comes afterwards
/// must not have to fit into that.
#[test]
fn large_chunks_behind_tiny_ones_arrive_whole_when_the_daemon_reads_late() {
    const TINY: &str = "1\r\nx\r\n";
    // A unix socket holds some three hundred pieces, however small.
    const TINIES: usize = 500;
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    let head = format!("{LOAD}Transfer-Encoding: chunked\r\n\r\n");
    client.send(&head);
    let connection = daemon.accept_with(&head);
    for _ in 0..TINIES {
        client.send(TINY);
        // Each is to be moved by itself.
        thread::sleep(Duration::from_millis(1));
    }
    let large = noise(64 << 10);
    let chunk = [format!("{:x}\r\n", large.len()).as_bytes(), &large, b"\r\n"].concat();
    let rest = [&chunk[..], &chunk, b"0\r\n\r\n"].concat();
    client.send(&rest);
    connection.expect(TINY.repeat(TINIES));
    connection.expect(&rest);
    expect_usable(&client, &connection);
}
