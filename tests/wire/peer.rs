//! One end of a connection in a test's hands: the client's or the stand-in daemon's. Everything
//! has a deadline, so that a gate that hangs fails the test and does not hang it.

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use socket2::Socket;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

/// Longer than anything here takes on the slowest machine: only a hang reaches it.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing must come where nothing may. Too short a look can only miss a fault.
const LOOK: Duration = Duration::from_millis(30);

/// One end of a connection.
pub struct Peer(Socket);

/// An answer with a length.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The one line that a client shows.
    #[track_caller]
    pub fn message(&self) -> String {
        let value: serde_json::Value = serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.body));
        value["message"].as_str().expect("a message").to_owned()
    }
}

impl Peer {
    pub fn new(socket: impl Into<Socket>) -> Self {
        let socket = socket.into();
        socket.set_nonblocking(false).expect("blocking mode");
        socket.set_read_timeout(Some(PATIENCE)).expect("a read time-out");
        socket.set_write_timeout(Some(PATIENCE)).expect("a write time-out");
        // What is sent in two pieces should come in two; on a unix socket it always does.
        let _ = socket.set_tcp_nodelay(true);
        Self(socket)
    }

    #[track_caller]
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).expect("sent");
    }

    pub fn try_send(&self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        (&self.0).write_all(bytes.as_ref())
    }

    /// Sends until nobody takes any more for a moment, at most `limit` bytes; how many went.
    pub fn flood(&self, limit: usize) -> usize {
        self.0.set_write_timeout(Some(Duration::from_millis(150))).expect("a write time-out");
        let block = vec![b'x'; 64 * 1024];
        let mut sent = 0;
        while sent < limit {
            let length = block.len().min(limit - sent);
            match patiently(|| (&self.0).write(&block[..length])) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
        }
        self.0.set_write_timeout(Some(PATIENCE)).expect("a write time-out");
        sent
    }

    /// The next bytes must be these.
    #[track_caller]
    pub fn expect(&self, expected: impl AsRef<[u8]>) {
        let expected = expected.as_ref();
        let got = self.read_up_to(expected.len());
        assert!(got == expected, "expected {}\n     got {}", shown(expected), shown(&got));
    }

    /// Whether anything has come, an end too.
    pub fn has_something(&self) -> bool {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        recv(self.0.as_raw_fd(), &mut [0], flags) != Err(Errno::EAGAIN)
    }

    /// Whether it begins with these bytes, which are left where they are. They come in one piece.
    pub fn begins_with(&self, expected: &str) -> bool {
        let mut bytes = vec![0; expected.len()];
        let peek = || Ok(recv(self.0.as_raw_fd(), &mut bytes, MsgFlags::MSG_PEEK)?);
        let count = patiently(peek).unwrap_or(0);
        bytes[..count] == *expected.as_bytes()
    }

    /// As much as comes in one piece.
    #[track_caller]
    pub fn read_once(&self) -> Vec<u8> {
        let mut bytes = vec![0; 256 * 1024];
        let count = patiently(|| (&self.0).read(&mut bytes)).expect("bytes");
        bytes.truncate(count);
        bytes
    }

    /// So many bytes, or fewer if the connection ends.
    pub fn read_up_to(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        let filled = self.read_into(&mut bytes);
        bytes.truncate(filled);
        bytes
    }

    /// Fills `bytes`, less of them if the connection ends; how many.
    pub fn read_into(&self, bytes: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < bytes.len() {
            match patiently(|| (&self.0).read(&mut bytes[filled..])) {
                Ok(0) | Err(_) => break,
                Ok(more) => filled += more,
            }
        }
        filled
    }

    /// A head, up to and with its blank line.
    #[track_caller]
    pub fn read_head(&self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = self.read_up_to(1);
            assert!(!byte.is_empty(), "the head never ended: {}", shown(&head));
            head.extend(byte);
        }
        String::from_utf8(head).expect("text")
    }

    /// An answer with a Content-Length.
    #[track_caller]
    pub fn answer(&self) -> Answer {
        let head = self.read_head();
        let status = head.get(9..12).and_then(|code| code.parse().ok());
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .and_then(|length| length.parse().ok());
        let (Some(status), Some(length)) = (status, length) else {
            panic!("not an answer with a length: {head}")
        };
        let body = String::from_utf8(self.read_up_to(length)).expect("text");
        assert_eq!(body.len(), length, "{head}{body}");
        Answer { status, head, body }
    }

    /// Everything up to a proper end.
    #[track_caller]
    pub fn read_to_end(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        (&self.0).read_to_end(&mut bytes).expect("a proper end");
        bytes
    }

    /// The other end has ended, properly and without another byte.
    #[track_caller]
    pub fn expect_end(&self) {
        let rest = self.read_to_end();
        assert!(rest.is_empty(), "expected the end, got {}", shown(&rest));
    }

    /// The other end ends somehow, whatever still comes before.
    #[track_caller]
    pub fn expect_gone(&self) {
        let error = match io::copy(&mut &self.0, &mut io::sink()) {
            Ok(_) => return,
            Err(error) => error.kind(),
        };
        assert_eq!(error, ErrorKind::ConnectionReset, "not gone");
    }

    /// Nothing comes: no byte and no end.
    #[track_caller]
    pub fn expect_silence(&self) {
        self.0.set_read_timeout(Some(LOOK)).expect("a read time-out");
        let mut byte = [0];
        match patiently(|| (&self.0).read(&mut byte)) {
            Ok(0) => panic!("expected silence, got the end"),
            Ok(_) => panic!("expected silence, got {}", shown(&byte)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}"),
        }
        self.0.set_read_timeout(Some(PATIENCE)).expect("a read time-out");
    }

    /// Sends no more, but still reads.
    #[track_caller]
    pub fn end(&self) {
        self.0.shutdown(Shutdown::Write).expect("a half-close");
    }

    /// Goes with a reset, as a killed client with bytes unread does.
    pub fn reset(self) {
        self.0.set_linger(Some(Duration::ZERO)).expect("no lingering");
    }
}

/// Tries again where a call was interrupted: one with a time-out is, whenever the process is
/// stopped and goes on (signal(7)).
pub fn patiently<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Bytes fit for a failure's message.
fn shown(bytes: &[u8]) -> String {
    const SHOWN_BYTES_MAX: usize = 600;
    let text = bytes[..bytes.len().min(SHOWN_BYTES_MAX)].escape_ascii();
    format!("{} bytes \"{text}\"", bytes.len())
}
