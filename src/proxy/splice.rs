//! Moving bytes from socket to socket without their passing through this process: splice(2). Only
//! what need not be read is moved so, exactly as much as the body's cursor says.
//!
//! It pays one way. What comes over TCP lies in whole pages that a pipe can hold and the daemon's
//! socket can take over; what the daemon sends lies in fragments, and moving those to a TCP client
//! costs a little more than copying them. See docs/performance.md for the measurements behind the
//! constants here.

use super::pipe::{PIPE_BYTES, Pipe};
use super::share::Owner;
use super::socket::Socket;
use crate::http::BodyCursor;
use nix::errno::Errno;
use nix::unistd::write;
use std::io;
use std::task::{Context, Poll, ready};

/// How bytes are moved (`RELAY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// Large bodies and bulk on their way to the daemon are spliced, the rest is copied.
    Auto,
    /// Everything is copied.
    Copy,
    /// Everything that need not be read is spliced, both ways.
    Splice,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the daemon.
    Up,
    /// From the daemon to the client.
    Down,
}

/// A body with a length is spliced for as long as no less than this of it is left, and a stream once
/// so much of it has come at once. Below, two copies are as fast as a detour through a pipe, from
/// here to twice this they are overtaken (`cargo bench --bench relay`).
pub const STREAM_BYTES_MIN: u64 = 128 * 1024;

/// Of a chunk no less than this must be left: those of 32 KiB that Docker's clients send are worth
/// it, if only just, and those of 16 KiB are not (`cargo bench --bench relay`).
pub const CHUNK_BYTES_MIN: u64 = 16 * 1024;

/// Room for the framing between two chunks: the end of one, a size of 16 digits, its line end. The
/// less of the next chunk is read with it, the more of it can be spliced.
pub const FRAMING_BYTES: usize = 22;

impl Relay {
    /// Their names.
    pub const WORDS: [(&'static str, Self); 3] =
        [("auto", Self::Auto), ("copy", Self::Copy), ("splice", Self::Splice)];

    /// Whether what comes next of a body, which need not be read, is to be spliced.
    #[must_use]
    pub fn splices_body(self, direction: Direction, body: &BodyCursor) -> bool {
        let least = if body.is_chunked() { CHUNK_BYTES_MIN } else { STREAM_BYTES_MIN };
        self.splices(direction, body.blind(), least)
    }

    /// Whether what comes next of a raw stream is to be spliced, of which `last` bytes came last.
    #[must_use]
    pub fn splices_stream(self, direction: Direction, last: u64) -> bool {
        self.splices(direction, last, STREAM_BYTES_MIN)
    }

    fn splices(self, direction: Direction, bytes: u64, least: u64) -> bool {
        match self {
            Self::Auto => direction == Direction::Up && bytes >= least,
            Self::Copy => false,
            Self::Splice => bytes > 0,
        }
    }
}

/// Why bytes don't move.
#[derive(Debug)]
pub enum Stuck {
    /// They can't be spliced here: copy them.
    Unable,
    /// The sender's socket has failed.
    Sender(io::Error),
    /// The receiver's has.
    Receiver(io::Error),
}

/// One direction's way through a pipe, which it has only while bytes are under way.
#[derive(Debug)]
pub struct Conduit {
    owner: Owner,
    pipe: Option<Pipe>,
    /// What the last piece was, for who moves one at a time.
    piece: usize,
    /// Splicing has failed once; it would again.
    unable: bool,
}

impl Conduit {
    /// One that nothing is in, of this owner's.
    #[must_use]
    pub fn of(owner: Owner) -> Self {
        Self { owner, pipe: None, piece: 0, unable: false }
    }

    /// Whether bytes are in it, which go before all others.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.pipe.is_some()
    }

    /// Whether more should be put in before what is in it goes on.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.pipe.as_ref().is_none_or(|pipe| pipe.held() < PIPE_BYTES / 2)
    }

    /// Moves one piece of `body` on, no more than need not be read, and says how much that was; 0
    /// is the sender's end. While this is pending, bytes may be under way.
    ///
    /// # Errors
    /// See [`Stuck`]; nothing is under way then.
    pub fn poll_move(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Socket,
        to: &mut Socket,
        body: &mut BodyCursor,
    ) -> Poll<Result<usize, Stuck>> {
        if self.pipe.is_none() {
            self.piece = ready!(self.poll_fill(cx, from, body))?;
        }
        ready!(self.poll_drain(cx, to))?;
        Poll::Ready(Ok(self.piece))
    }

    /// Takes what there is of `body` into the pipe, no more than need not be read, and says how much
    /// that was; 0 is the sender's end.
    ///
    /// # Errors
    /// See [`Stuck`].
    pub fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Socket,
        body: &mut BodyCursor,
    ) -> Poll<Result<usize, Stuck>> {
        if self.unable {
            return Poll::Ready(Err(Stuck::Unable));
        }
        let held = self.pipe.take().or_else(|| Pipe::lend(self.owner));
        let Some(mut pipe) = held else { return Poll::Ready(Err(Stuck::Unable)) };
        let most = usize::try_from(body.blind()).unwrap_or(PIPE_BYTES).min(PIPE_BYTES);
        let filled = from.poll_splice_in(cx, &mut pipe, most);
        if pipe.held() > 0 {
            self.pipe = Some(pipe);
        }
        match ready!(filled) {
            Ok(count) => {
                // It is no more than was asked for.
                let _ = body.moved(count as u64);
                Poll::Ready(Ok(count))
            }
            Err(Errno::EINVAL) => {
                self.unable = true;
                Poll::Ready(Err(Stuck::Unable))
            }
            Err(errno) => Poll::Ready(Err(Stuck::Sender(errno.into()))),
        }
    }

    /// Puts a few bytes behind those that are under way; whether there was room.
    pub fn put(&mut self, bytes: &[u8]) -> bool {
        self.pipe = self.pipe.take().or_else(|| Pipe::lend(self.owner));
        // So few go in as a whole or not at all (pipe(7), `PIPE_BUF`).
        self.pipe.as_mut().is_some_and(|pipe| pipe.fill(|end| write(end, bytes)).is_ok())
    }

    /// Moves what is under way to the receiver.
    ///
    /// # Errors
    /// The receiver's socket has failed; nothing is under way any more.
    pub fn poll_drain(&mut self, cx: &mut Context<'_>, to: &mut Socket) -> Poll<Result<(), Stuck>> {
        while let Some(pipe) = self.pipe.as_mut().filter(|pipe| pipe.held() > 0) {
            if let Err(errno) = ready!(to.poll_splice_out(cx, pipe)) {
                self.pipe = None;
                return Poll::Ready(Err(Stuck::Receiver(errno.into())));
            }
        }
        self.pipe = None;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{BodyFraming, Trailers};
    use crate::runtime::testing;
    use std::future::poll_fn;
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;
    use std::thread;

    /// The gate's end and the peer's.
    fn tcp() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let peer = TcpStream::connect(listener.local_addr().expect("an address"));
        let (own, _) = listener.accept().expect("accepted");
        own.set_nonblocking(true).expect("non-blocking mode");
        (Socket::new(own.into()).expect("registered"), peer.expect("connected"))
    }

    fn unix() -> (Socket, UnixStream) {
        let (own, peer) = UnixStream::pair().expect("a pair");
        own.set_nonblocking(true).expect("non-blocking mode");
        (Socket::new(own.into()).expect("registered"), peer)
    }

    /// Bytes whose order shows.
    fn pattern(count: usize) -> Vec<u8> {
        (0_u32..).flat_map(u32::to_be_bytes).take(count).collect()
    }

    fn body(length: usize) -> BodyCursor {
        BodyCursor::new(BodyFraming::Length(length as u64), Trailers::Refuse)
    }

    /// Moves a body until what need not be read is over, or the sender has ended; how much that was.
    async fn move_on(from: &mut Socket, to: &mut Socket, body: &mut BodyCursor) -> usize {
        let (mut conduit, mut moved) = (Conduit::of(Owner::GATE), 0);
        while body.blind() > 0 {
            let piece = poll_fn(|cx| conduit.poll_move(cx, from, to, body)).await.expect("moved");
            moved += piece;
            if piece == 0 {
                break;
            }
        }
        assert!(!conduit.is_under_way());
        moved
    }

    async fn recv(socket: &mut Socket, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let mut filled = 0;
        while filled < count {
            let read = poll_fn(|cx| socket.poll_recv(cx, &mut bytes[filled..])).await;
            filled += read.expect("read");
        }
        bytes
    }

    /// A chunk whose data is about to come.
    fn chunk(length: u64) -> BodyCursor {
        let mut body = BodyCursor::new(BodyFraming::Chunked, Trailers::Refuse);
        body.read(format!("{length:x}\r\n").as_bytes()).expect("a size");
        body
    }

    #[test]
    fn what_is_spliced_depends_on_the_way_and_on_how_much_there_is() {
        const STREAM: u64 = STREAM_BYTES_MIN;
        const CHUNK: u64 = CHUNK_BYTES_MIN;
        let framing = BodyCursor::new(BodyFraming::Chunked, Trailers::Refuse);
        let length = |length| BodyCursor::new(BodyFraming::Length(length), Trailers::Refuse);
        for (relay, direction, body, splices) in [
            (Relay::Auto, Direction::Up, length(STREAM), true),
            (Relay::Auto, Direction::Up, length(STREAM - 1), false),
            (Relay::Auto, Direction::Up, chunk(CHUNK), true),
            (Relay::Auto, Direction::Up, chunk(CHUNK - 1), false),
            (Relay::Auto, Direction::Down, length(u64::MAX), false),
            (Relay::Auto, Direction::Down, chunk(u64::MAX), false),
            (Relay::Copy, Direction::Up, length(u64::MAX), false),
            (Relay::Copy, Direction::Down, chunk(u64::MAX), false),
            (Relay::Splice, Direction::Up, length(1), true),
            (Relay::Splice, Direction::Down, chunk(1), true),
            (Relay::Splice, Direction::Up, framing, false),
            (Relay::Splice, Direction::Down, length(0), false),
        ] {
            let decided = relay.splices_body(direction, &body);
            assert_eq!(decided, splices, "{relay:?} {direction:?} {body:?}");
        }
        for (relay, direction, last, splices) in [
            (Relay::Auto, Direction::Up, STREAM, true),
            (Relay::Auto, Direction::Up, STREAM - 1, false),
            (Relay::Auto, Direction::Down, u64::MAX, false),
            (Relay::Copy, Direction::Up, u64::MAX, false),
            (Relay::Splice, Direction::Down, 1, true),
        ] {
            let decided = relay.splices_stream(direction, last);
            assert_eq!(decided, splices, "{relay:?} {direction:?} {last}");
        }
    }

    #[test]
    fn exactly_the_body_moves_and_what_follows_stays_in_the_socket() {
        for length in [1, PIPE_BYTES - 1, PIPE_BYTES, PIPE_BYTES + 1, 3 * PIPE_BYTES + 5] {
            testing::run(move || async move {
                let ((mut from, mut client), (mut to, mut daemon)) = (tcp(), unix());
                let sent = pattern(length + 7);
                let expected = sent.clone();
                thread::spawn(move || {
                    client.write_all(&sent).expect("sent");
                    client
                });
                let got = thread::spawn(move || {
                    let mut got = Vec::new();
                    daemon.read_to_end(&mut got).expect("a proper end");
                    got
                });
                assert_eq!(move_on(&mut from, &mut to, &mut body(length)).await, length);
                assert!(recv(&mut from, 7).await == expected[length..], "{length}: what follows");
                to.end();
                let got = got.join().expect("read");
                assert!(got == expected[..length], "{length}: {} bytes", got.len());
            });
        }
    }

    #[test]
    fn of_a_chunk_no_more_than_its_data_moves() {
        testing::run(|| async {
            let ((mut from, mut client), (mut to, mut daemon)) = (unix(), tcp());
            client.write_all(b"5\r\nhello\r\n0\r\n\r\nnext").expect("sent");
            let mut body = BodyCursor::new(BodyFraming::Chunked, Trailers::Refuse);
            let size = recv(&mut from, 3).await;
            assert_eq!(body.read(&size), Ok(3));
            assert_eq!(move_on(&mut from, &mut to, &mut body).await, 5);
            let rest = recv(&mut from, 11).await;
            assert_eq!((&rest[..], body.read(&rest)), (&b"\r\n0\r\n\r\nnext"[..], Ok(7)));
            to.end();
            let mut got = String::new();
            daemon.read_to_string(&mut got).expect("a proper end");
            assert_eq!(got, "hello");
        });
    }

    #[test]
    fn the_senders_end_is_told_after_its_last_bytes() {
        testing::run(|| async {
            let ((mut from, mut client), (mut to, mut daemon)) = (tcp(), unix());
            client.write_all(b"hello").expect("sent");
            drop(client);
            let mut body = body(9);
            assert_eq!(move_on(&mut from, &mut to, &mut body).await, 5);
            assert_eq!(body.blind(), 4);
            to.end();
            let mut got = String::new();
            daemon.read_to_string(&mut got).expect("a proper end");
            assert_eq!(got, "hello");
        });
    }

    #[test]
    fn a_receiver_that_is_gone_is_told_apart_and_nothing_stays_under_way() {
        testing::run(|| async {
            let ((mut from, mut client), (mut to, daemon)) = (tcp(), unix());
            client.write_all(b"hello").expect("sent");
            drop(daemon);
            let mut conduit = Conduit::of(Owner::GATE);
            let moved = poll_fn(|cx| conduit.poll_move(cx, &mut from, &mut to, &mut body(9))).await;
            assert!(matches!(moved, Err(Stuck::Receiver(_))), "{moved:?}");
            assert!(!conduit.is_under_way());
        });
    }

    #[test]
    fn a_sender_that_has_reset_is_told_apart() {
        testing::run(|| async {
            let ((mut from, client), (mut to, _daemon)) = (tcp(), unix());
            let client = socket2::Socket::from(client);
            client.set_linger(Some(std::time::Duration::ZERO)).expect("no lingering");
            drop(client);
            let mut conduit = Conduit::of(Owner::GATE);
            let moved = poll_fn(|cx| conduit.poll_move(cx, &mut from, &mut to, &mut body(9))).await;
            assert!(matches!(moved, Err(Stuck::Sender(_))), "{moved:?}");
        });
    }

    #[test]
    fn what_a_full_receiver_keeps_under_way_goes_on_when_it_reads() {
        const BYTES: usize = 4 * PIPE_BYTES;
        testing::run(|| async {
            let ((mut from, mut client), (mut to, mut daemon)) = (tcp(), unix());
            thread::spawn(move || {
                client.write_all(&pattern(BYTES)).expect("sent");
                client
            });
            let (mut conduit, mut body) = (Conduit::of(Owner::GATE), body(BYTES));
            // Until something is under way that the receiver has no room for.
            poll_fn(|cx| {
                loop {
                    match conduit.poll_move(cx, &mut from, &mut to, &mut body) {
                        Poll::Ready(piece) => assert!(piece.expect("moved") > 0, "an end"),
                        Poll::Pending if conduit.is_under_way() => return Poll::Ready(()),
                        Poll::Pending => return Poll::Pending,
                    }
                }
            })
            .await;
            let got = thread::spawn(move || {
                let mut got = vec![0; BYTES];
                daemon.read_exact(&mut got).expect("all of it");
                got
            });
            poll_fn(|cx| conduit.poll_drain(cx, &mut to)).await.expect("moved");
            move_on(&mut from, &mut to, &mut body).await;
            assert!(body.is_complete());
            assert!(got.join().expect("read") == pattern(BYTES));
        });
    }

    #[test]
    fn a_few_bytes_go_behind_those_that_are_under_way() {
        testing::run(|| async {
            let ((mut from, mut client), (mut to, mut daemon)) = (tcp(), unix());
            client.write_all(b"hello, rest").expect("sent");
            let (mut conduit, mut body) = (Conduit::of(Owner::GATE), body(5));
            while body.blind() > 0 {
                poll_fn(|cx| conduit.poll_fill(cx, &mut from, &mut body)).await.expect("filled");
            }
            assert!(conduit.is_under_way() && conduit.has_room());
            assert!(conduit.put(b"\r\n"));
            poll_fn(|cx| conduit.poll_drain(cx, &mut to)).await.expect("moved");
            assert!(!conduit.is_under_way());
            to.end();
            let mut got = String::new();
            daemon.read_to_string(&mut got).expect("a proper end");
            assert_eq!(got, "hello\r\n");
        });
    }

    #[test]
    fn what_is_under_way_when_splicing_fails_is_not_lost() {
        testing::run(|| async {
            let ((mut from, mut client), (mut to, mut daemon)) = (tcp(), unix());
            client.write_all(b"data").expect("sent");
            let mut conduit = Conduit { unable: true, ..Conduit::of(Owner::GATE) };
            assert!(conduit.put(b"5\r\n"));
            let filled = poll_fn(|cx| conduit.poll_fill(cx, &mut from, &mut body(5))).await;
            assert!(matches!(filled, Err(Stuck::Unable)), "{filled:?}");
            poll_fn(|cx| conduit.poll_drain(cx, &mut to)).await.expect("moved");
            to.end();
            let mut got = String::new();
            daemon.read_to_string(&mut got).expect("a proper end");
            assert_eq!(got, "5\r\n");
        });
    }

    #[test]
    fn where_no_pipe_is_left_bytes_are_to_be_copied() {
        testing::run(|| async {
            let ((mut from, mut client), (mut to, _daemon)) = (tcp(), unix());
            client.write_all(b"hello").expect("sent");
            let mut lent: Vec<Pipe> = std::iter::from_fn(|| Pipe::lend(Owner::GATE)).collect();
            let (mut conduit, mut body) = (Conduit::of(Owner::GATE), body(5));
            let moved = poll_fn(|cx| conduit.poll_move(cx, &mut from, &mut to, &mut body)).await;
            assert!(matches!(moved, Err(Stuck::Unable)), "{moved:?}");
            assert_eq!(body.blind(), 5);
            // One that comes back serves again.
            lent.pop();
            assert_eq!(move_on(&mut from, &mut to, &mut body).await, 5);
        });
    }
}
