//! One question to a running gate and its answer, with plain blocking sockets: what the health
//! check and its likeness of wget need, without the cost of a runtime. Nothing outlives its
//! deadline.

use crate::http::{Asked, BodyFraming, HeadScan, Hijack, Next, ResponseHead, Status};
use socket2::{SockAddr, Socket, Type};
use std::io::{self, Read as _, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest head that is read, in bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// As much of a body as a message can be in, in bytes.
const MESSAGE_BYTES_MAX: u64 = 64 << 10;

/// An address where a gate may be found.
#[derive(Clone, Debug)]
pub struct Door {
    /// As people write it.
    pub name: String,
    address: SockAddr,
}

impl Door {
    /// A TCP address.
    #[must_use]
    pub fn tcp(address: SocketAddr) -> Self {
        Self { name: address.to_string(), address: address.into() }
    }

    /// A unix socket.
    ///
    /// # Errors
    /// The path is no socket address.
    pub fn unix(path: &Path) -> io::Result<Self> {
        Ok(Self { name: path.display().to_string(), address: SockAddr::unix(path)? })
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub struct Failure {
    /// The last door that was tried.
    pub door: String,
    /// What happened there.
    pub error: io::Error,
}

/// The head of an answer, and the way to its body.
#[derive(Debug)]
pub struct Answer {
    /// Its status code.
    pub status: Status,
    framing: BodyFraming,
    begun: Vec<u8>,
    line: Line,
}

/// Asks at the first door that opens.
///
/// # Errors
/// None opened, or no answer came by the deadline.
pub fn ask(doors: &[Door], target: &str, deadline: Instant) -> Result<Answer, Failure> {
    let mut closed = None;
    for door in doors {
        let failure = |error| Failure { door: door.name.clone(), error };
        match Line::open(door, deadline) {
            Ok(line) => return line.ask(target).map_err(failure),
            // The first says most: an address of the other family is often not there at all.
            Err(error) => closed = closed.or_else(|| Some(failure(error))),
        }
    }
    Err(closed.unwrap_or_else(|| Failure {
        door: "nowhere".to_owned(),
        error: io::Error::from(io::ErrorKind::AddrNotAvailable),
    }))
}

impl Answer {
    /// What the body says, in one line: its `message`, as the gate and the daemon write it, or its
    /// beginning.
    #[must_use]
    pub fn message(self) -> String {
        const SHOWN_CHARS_MAX: usize = 500;
        let mut body = Vec::new();
        // What has come until then is what there is to show.
        let _ = self.copy_body(&mut body, MESSAGE_BYTES_MAX);
        let text = match serde_json::from_slice::<serde_json::Value>(&body) {
            Ok(serde_json::Value::Object(mut object)) => match object.remove("message") {
                Some(serde_json::Value::String(message)) => message,
                Some(_) | None => String::new(),
            },
            Ok(_) | Err(_) => String::from_utf8_lossy(&body).into_owned(),
        };
        let plain = text.trim().chars().take(SHOWN_CHARS_MAX);
        plain.map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// Copies the body, so many bytes at most.
    ///
    /// # Errors
    /// It ends too early or too late, or is not taken.
    pub fn copy_body(self, into: &mut impl Write, bytes_max: u64) -> io::Result<()> {
        let length = match self.framing {
            BodyFraming::Empty => 0,
            BodyFraming::Length(length) => length,
            BodyFraming::UntilClose => u64::MAX,
            // RFC 9112, section 6.1: no answer to a request of HTTP/1.0 is chunked.
            BodyFraming::Chunked => return Err(io::Error::from(io::ErrorKind::InvalidData)),
        };
        let wanted = length.min(bytes_max);
        let mut body = self.begun.as_slice().chain(self.line).take(wanted);
        let copied = io::copy(&mut body, into)?;
        let is_cut = copied < wanted && self.framing != BodyFraming::UntilClose;
        if is_cut { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }
}

/// A connection with a deadline for all that is done on it.
#[derive(Debug)]
struct Line {
    socket: Socket,
    deadline: Instant,
}

impl Line {
    fn open(door: &Door, deadline: Instant) -> io::Result<Self> {
        let socket = Socket::new(door.address.domain(), Type::STREAM, None)?;
        let line = Self { socket, deadline };
        line.socket.connect_timeout(&door.address, line.left()?)?;
        Ok(line)
    }

    /// HTTP/1.0, so that the answer ends with its length or with the connection.
    fn ask(mut self, target: &str) -> io::Result<Answer> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        let request = format!("GET {target} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        (&self.socket).write_all(request.as_bytes())?;
        let asked = Asked { head: false, hijack: Hijack::Never };
        let (mut bytes, mut scan) = (Vec::new(), HeadScan::default());
        loop {
            let found = ResponseHead::find(&mut scan, &bytes, HEAD_BYTES_MAX, asked);
            if let Some(head) = found.map_err(not_http)? {
                let begun = bytes.split_off(head.length);
                let framing = match head.next {
                    Next::Body(framing) => framing,
                    Next::Interim | Next::Tunnel | Next::Unasked => BodyFraming::Empty,
                };
                return Ok(Answer { status: head.status, framing, begun, line: self });
            }
            let mut block = [0; 4096];
            match self.read(&mut block)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => bytes.extend_from_slice(block.get(..count).unwrap_or_default()),
            }
        }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }
}

impl io::Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // Of zero the kernel would make no time-out at all.
        self.socket.set_read_timeout(Some(self.left()?.max(Duration::from_millis(1))))?;
        let read = (&self.socket).read(into);
        // socket(7): that is how SO_RCVTIMEO ends.
        let is_late = |error: &io::Error| error.kind() == io::ErrorKind::WouldBlock;
        if read.as_ref().is_err_and(is_late) { Err(io::ErrorKind::TimedOut.into()) } else { read }
    }
}

fn not_http(error: crate::http::HeadError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("that is no proper HTTP: {error}"))
}
