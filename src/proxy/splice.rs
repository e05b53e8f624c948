//! Moving bytes from socket to socket without their passing through this process: splice(2). Only
//! what need not be read is moved so, exactly as much as the body's cursor says.
//!
//! It pays one way. What comes over TCP lies in whole pages that a pipe can hold and the daemon's
//! socket can take over; what the daemon sends lies in fragments, and moving those costs more than
//! copying them. See docs/performance.md for the measurements behind the constants here.

use super::pipe::{PIPE_BYTES, Pipe};
use super::socket::Socket;
use crate::http::BodyCursor;
use nix::errno::Errno;
use nix::unistd::write;
use std::io;
use std::task::{Poll, ready};

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
#[derive(Debug, Default)]
pub struct Conduit {
    pipe: Option<Pipe>,
    /// What the last piece was, for who moves one at a time.
    piece: usize,
    /// Splicing has failed once; it would again.
    unable: bool,
}

impl Conduit {
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
        from: &mut Socket,
        to: &mut Socket,
        body: &mut BodyCursor,
    ) -> Poll<Result<usize, Stuck>> {
        if self.pipe.is_none() {
            self.piece = ready!(self.poll_fill(from, body))?;
        }
        ready!(self.poll_drain(to))?;
        Poll::Ready(Ok(self.piece))
    }

    /// Takes what there is of `body` into the pipe, no more than need not be read, and says how much
    /// that was; 0 is the sender's end.
    ///
    /// # Errors
    /// See [`Stuck`].
    pub fn poll_fill(
        &mut self,
        from: &mut Socket,
        body: &mut BodyCursor,
    ) -> Poll<Result<usize, Stuck>> {
        let held = self.pipe.take().or_else(Pipe::lend).filter(|_| !self.unable);
        let Some(mut pipe) = held else { return Poll::Ready(Err(Stuck::Unable)) };
        let most = usize::try_from(body.blind()).unwrap_or(PIPE_BYTES).min(PIPE_BYTES);
        let filled = from.poll_splice_in(&mut pipe, most);
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
        self.pipe = self.pipe.take().or_else(Pipe::lend);
        // So few go in as a whole or not at all (pipe(7), `PIPE_BUF`).
        self.pipe.as_mut().is_some_and(|pipe| pipe.fill(|end| write(end, bytes)).is_ok())
    }

    /// Moves what is under way to the receiver.
    ///
    /// # Errors
    /// The receiver's socket has failed; nothing is under way any more.
    pub fn poll_drain(&mut self, to: &mut Socket) -> Poll<Result<(), Stuck>> {
        while let Some(pipe) = self.pipe.as_mut().filter(|pipe| pipe.held() > 0) {
            if let Err(errno) = ready!(to.poll_splice_out(pipe)) {
                self.pipe = None;
                return Poll::Ready(Err(Stuck::Receiver(errno.into())));
            }
        }
        self.pipe = None;
        Poll::Ready(Ok(()))
    }
}
