//! How much passes through leaves the gate as small as it was: the largest answers and uploads,
//! in any framing.

use super::gate::{Gate, OPEN, start};
use super::peer::Peer;
use super::stand_in::{OK, PING, StandIn};
use std::thread;

/// What the gate may grow by at any time: its buffers, and not what passes through them.
const GROWTH_BYTES_MAX: usize = 8 << 20;

const LIST: &str = "GET /containers/json HTTP/1.1\r\nHost: docker\r\n\r\n";
const LIST_BYTES: usize = 50 << 20;

const EXPORT: &str = "GET /containers/p/export HTTP/1.1\r\nHost: docker\r\n\r\n";
const EXPORT_BYTES: usize = 1 << 30;

const LOAD: &str = "POST /images/load HTTP/1.1\r\nHost: docker\r\n";
const LOAD_BYTES: usize = 256 << 20;

/// What is written in one piece.
const BLOCK_BYTES: usize = 64 << 10;

/// Bytes on their way: a beginning, blocks, and an end.
struct Stream {
    head: String,
    block: Vec<u8>,
    count: usize,
    end: &'static str,
}

impl Stream {
    fn with_length(head: &str, bytes: usize) -> Self {
        Self {
            head: format!("{head}Content-Length: {bytes}\r\n\r\n"),
            block: vec![b'x'; BLOCK_BYTES],
            count: bytes / BLOCK_BYTES,
            end: "",
        }
    }

    fn in_chunks(head: &str, bytes: usize) -> Self {
        let (size, data) = (format!("{BLOCK_BYTES:x}\r\n"), vec![b'x'; BLOCK_BYTES]);
        Self {
            head: format!("{head}Transfer-Encoding: chunked\r\n\r\n"),
            block: [size.as_bytes(), &data, b"\r\n"].concat(),
            count: bytes / BLOCK_BYTES,
            end: "0\r\n\r\n",
        }
    }

    fn send(&self, peer: &Peer) {
        peer.send(&self.head);
        (0..self.count).for_each(|_| peer.send(&self.block));
        peer.send(self.end);
    }

    #[track_caller]
    fn expect(&self, peer: &Peer) {
        peer.expect(&self.head);
        let mut got = vec![0; self.block.len()];
        for block in 0..self.count {
            peer.read_into(&mut got);
            assert!(got == self.block, "block {block} is another");
        }
        peer.expect(self.end);
    }
}

/// A gate at rest that has served somebody, its client, and the daemon's end of the connection.
fn served() -> (Gate, StandIn, Peer, Peer) {
    let (gate, daemon) = start(OPEN);
    let client = gate.client();
    client.send(PING);
    let connection = daemon.accept_with(PING);
    connection.send(OK);
    client.expect(OK);
    (gate, daemon, client, connection)
}

/// Has something pass through, and looks how large the gate has been meanwhile.
#[track_caller]
fn expect_flat(gate: &Gate, pass: impl FnOnce()) {
    let before = gate.resident_bytes();
    pass();
    let grown = gate.peak_bytes().saturating_sub(before);
    assert!(grown < GROWTH_BYTES_MAX, "grown by {grown} bytes");
}

#[track_caller]
fn expect_download(request: &str, answer: &Stream) {
    let (gate, _daemon, client, connection) = served();
    expect_flat(&gate, || {
        client.send(request);
        connection.expect(request);
        thread::scope(|scope| {
            scope.spawn(|| answer.send(&connection));
            answer.expect(&client);
        });
    });
}

#[test]
fn a_list_of_many_containers_takes_no_memory() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    expect_download(LIST, &Stream::with_length(head, LIST_BYTES));
    expect_download(LIST, &Stream::in_chunks(head, LIST_BYTES));
}

#[test]
fn an_export_takes_no_memory() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-tar\r\n";
    expect_download(EXPORT, &Stream::in_chunks(head, EXPORT_BYTES));
}

#[test]
fn an_upload_takes_no_memory() {
    for request in [Stream::with_length(LOAD, LOAD_BYTES), Stream::in_chunks(LOAD, LOAD_BYTES)] {
        let (gate, _daemon, client, connection) = served();
        expect_flat(&gate, || {
            thread::scope(|scope| {
                scope.spawn(|| request.send(&client));
                request.expect(&connection);
            });
            connection.send(OK);
            client.expect(OK);
        });
    }
}
