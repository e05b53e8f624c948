//! One client's connection, TCP or unix, with blocking calls that have their time. What it reads it
//! compares, and a difference is a failure in words.

use crate::Failure;
use crate::pattern::{PIECE_BYTES_MAX, Reader, piece};
use dockgate::http::number::hex_digit;
use socket2::{SockAddr, Socket, Type};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::thread;
use std::time::Duration;

/// As long as any answer may take on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Client(BufReader<Socket>);

/// An answer's head.
pub struct Head {
    pub status: u16,
    length: u64,
    chunked: bool,
}

impl Client {
    pub fn connect(address: &SockAddr) -> Result<Self, Failure> {
        let socket = Socket::new(address.domain(), Type::STREAM, None)?;
        socket.connect(address).map_err(|error| format!("connecting: {error}"))?;
        if !address.is_unix() {
            socket.set_tcp_nodelay(true)?;
        }
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::with_capacity(PIECE_BYTES_MAX, socket)))
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
        self.0
            .get_mut()
            .write_all(bytes.as_ref())
            .map_err(|error| format!("sending: {error}").into())
    }

    /// Sends so many bytes of the pattern.
    pub fn send_pattern(&mut self, place: u64, bytes: u64) -> Result<(), Failure> {
        let mut sent = 0;
        while sent < bytes {
            let left = usize::try_from(bytes - sent).unwrap_or(usize::MAX);
            let piece = piece(place + sent, left);
            self.send(piece)?;
            sent += piece.len() as u64;
        }
        Ok(())
    }

    /// Asks, and expects an answer with this status; its body.
    pub fn ask(&mut self, request: &str, status: u16) -> Result<String, Failure> {
        self.send(request)?;
        self.answer(status)
    }

    /// The whole answer, which is text.
    pub fn answer(&mut self, status: u16) -> Result<String, Failure> {
        let head = self.head()?;
        let mut body = Vec::new();
        self.body(&head, &mut |bytes| {
            body.extend_from_slice(bytes);
            true
        })?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if head.status == status {
            Ok(body)
        } else {
            Err(format!("{}: {body}", head.status).into())
        }
    }

    /// The whole answer, which is so much of the pattern.
    pub fn expect_pattern(&mut self, place: u64, bytes: u64) -> Result<(), Failure> {
        self.expect_pattern_slowly(place, bytes, Duration::ZERO)
    }

    /// The same, with so much time between two pieces.
    pub fn expect_pattern_slowly(
        &mut self,
        place: u64,
        bytes: u64,
        rest: Duration,
    ) -> Result<(), Failure> {
        let head = self.expect_head(200)?;
        let mut reader = Reader::at(place);
        self.body(&head, &mut |bytes| {
            if !rest.is_zero() {
                thread::sleep(rest);
            }
            reader.take(bytes)
        })?;
        if reader.read() == bytes {
            Ok(())
        } else {
            Err(format!("{} bytes instead of {bytes}", reader.read()).into())
        }
    }

    pub fn expect_head(&mut self, status: u16) -> Result<Head, Failure> {
        let head = self.head()?;
        if head.status == status { Ok(head) } else { Err(format!("status {}", head.status).into()) }
    }

    /// The next bytes, raw, must be so many of the pattern.
    pub fn expect_raw(&mut self, reader: &mut Reader, bytes: u64) -> Result<(), Failure> {
        self.data(bytes, &mut |bytes| reader.take(bytes))
    }

    /// Reads so many bytes, whatever they are.
    pub fn read(&mut self, bytes: usize) -> Result<Vec<u8>, Failure> {
        let mut read = vec![0; bytes];
        self.0.read_exact(&mut read)?;
        Ok(read)
    }

    /// All that still comes.
    pub fn rest(&mut self) -> Result<Vec<u8>, Failure> {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest)?;
        Ok(rest)
    }

    /// Nothing more comes, and it is a proper end.
    pub fn expect_end(&mut self) -> Result<(), Failure> {
        match self.0.fill_buf() {
            Ok([]) => Ok(()),
            Ok(bytes) => Err(format!("{} bytes where the end should be", bytes.len()).into()),
            Err(error) => Err(format!("{error} where the end should be").into()),
        }
    }

    /// Sends no more, and still reads.
    pub fn end(&self) -> Result<(), Failure> {
        Ok(self.0.get_ref().shutdown(Shutdown::Write)?)
    }

    /// Goes with a reset.
    pub fn reset(self) -> Result<(), Failure> {
        Ok(self.0.get_ref().set_linger(Some(Duration::ZERO))?)
    }

    fn head(&mut self) -> Result<Head, Failure> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if self.0.read_until(b'\n', &mut head).map_err(|error| format!("reading: {error}"))?
                == 0
            {
                return Err(format!("the end after {} bytes of a head", head.len()).into());
            }
        }
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut fields);
        response.parse(&head).map_err(|error| error.to_string())?;
        let field = |name: &str| {
            let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
            field.and_then(|field| str::from_utf8(field.value).ok())
        };
        let length = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let chunked = field("transfer-encoding").is_some();
        Ok(Head { status: response.code.unwrap_or(0), length, chunked })
    }

    /// Hands a body on, which says whether it is the right one.
    fn body(&mut self, head: &Head, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Failure> {
        if !head.chunked {
            return self.data(head.length, take);
        }
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            let size = chunk_size(&line).ok_or_else(|| format!("a chunk of {line:?}"))?;
            self.data(size, take)?;
            let mut end = [0; 2];
            self.0.read_exact(&mut end)?;
            if end != *b"\r\n" {
                return Err("a chunk that does not end".into());
            }
            if size == 0 {
                return Ok(());
            }
        }
    }

    fn data(&mut self, mut left: u64, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), Failure> {
        while left > 0 {
            let bytes = self.0.fill_buf().map_err(|error| format!("reading: {error}"))?;
            let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if count == 0 {
                return Err(io::Error::from(ErrorKind::UnexpectedEof).into());
            }
            if !take(&bytes[..count]) {
                return Err("BYTES DIFFER".into());
            }
            self.0.consume(count);
            left -= count as u64;
        }
        Ok(())
    }
}

/// What a chunk's first line says.
pub fn chunk_size(line: &str) -> Option<u64> {
    let mut digits = line.trim_end().bytes().map(hex_digit);
    let size = digits.try_fold(0, |size, digit| Some(size * 16 + u64::from(digit?)));
    size.filter(|_| line.len() > 2)
}
