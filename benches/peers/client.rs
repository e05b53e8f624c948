//! One client's connection, TCP or unix, with blocking calls: no event loop of its own comes into
//! the figures. Every read has its time, so that no peer can hold a run.

use crate::Failure;
use nix::sys::socket::{MsgFlags, recv};
use socket2::{SockAddr, Socket, Type};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::time::Duration;

/// As long as any answer may take. Under callgrind, on a machine that has other things to do, the
/// first examined body takes some seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Room for a head and a small body.
const SMALL_BYTES: usize = 2 << 10;

/// A connection and what it has read.
pub struct Client {
    socket: Socket,
    tcp: bool,
    bytes: Vec<u8>,
    filled: usize,
}

/// What an answer was.
pub struct Answer {
    pub status: u16,
    /// Its head, in bytes of what was read.
    pub head: usize,
    length: usize,
}

impl Client {
    pub fn connect(address: &SockAddr) -> Result<Self, Failure> {
        Self::with_room(address, SMALL_BYTES)
    }

    /// Reads as much at once.
    pub fn with_room(address: &SockAddr, bytes: usize) -> Result<Self, Failure> {
        let socket = Socket::new(address.domain(), Type::STREAM, None)?;
        socket.connect(address)?;
        let tcp = !address.is_unix();
        if tcp {
            socket.set_tcp_nodelay(true)?;
        }
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { socket, tcp, bytes: vec![0; bytes], filled: 0 })
    }

    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        Ok((&self.socket).write_all(bytes)?)
    }

    /// Asks, and reads the whole answer.
    pub fn ask(&mut self, request: &[u8]) -> Result<Answer, Failure> {
        self.send(request)?;
        self.answer()
    }

    /// The whole answer: its head, and a body with a length.
    pub fn answer(&mut self) -> Result<Answer, Failure> {
        let answer = self.head()?;
        let end = answer.head + answer.length;
        if end > self.bytes.len() {
            self.bytes.resize(end, 0);
        }
        while self.filled < end {
            self.fill()?;
        }
        Ok(answer)
    }

    /// The head of an answer, and what happened to come with it.
    pub fn head(&mut self) -> Result<Answer, Failure> {
        self.rewind();
        loop {
            self.fill()?;
            if let Some(answer) = parse(&self.bytes[..self.filled])? {
                return Ok(answer);
            }
        }
    }

    /// What the last answer's head came with, and what came since.
    pub fn read(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Forgets what was read.
    pub fn rewind(&mut self) {
        self.filled = 0;
    }

    /// Reads once.
    pub fn fill(&mut self) -> Result<usize, Failure> {
        let count = (&self.socket).read(&mut self.bytes[self.filled..])?;
        if count == 0 {
            return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
        }
        self.filled += count;
        Ok(count)
    }

    /// Reads to the end, and says how much it was. The head is read already. Where the kernel can
    /// throw bytes away it does, so that less of the time is the client's own.
    pub fn drain(&mut self) -> Result<u64, Failure> {
        let flags = if self.tcp { MsgFlags::MSG_TRUNC } else { MsgFlags::empty() };
        let mut total = 0;
        loop {
            match recv(self.socket.as_raw_fd(), &mut self.bytes, flags)? {
                0 => return Ok(total),
                count => total += count as u64,
            }
        }
    }

    /// Whether the whole answer to a small request is there after one more read.
    pub fn step(&mut self) -> Result<bool, Failure> {
        self.fill()?;
        let answer = parse(&self.bytes[..self.filled])?;
        let whole = answer.is_some_and(|answer| self.filled >= answer.head + answer.length);
        if whole {
            self.rewind();
        }
        Ok(whole)
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The answer's head, once it is there.
fn parse(bytes: &[u8]) -> Result<Option<Answer>, Failure> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut fields);
    let parsed = response.parse(bytes).map_err(|error| error.to_string())?;
    let httparse::Status::Complete(head) = parsed else { return Ok(None) };
    let length = response
        .headers
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("content-length"))
        .and_then(|field| str::from_utf8(field.value).ok()?.parse().ok())
        .unwrap_or(0);
    Ok(Some(Answer { status: response.code.unwrap_or(0), head, length }))
}
