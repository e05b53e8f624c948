//! A small HTTP client for what no Docker client shows: the exact status, the headers, a connection kept or dropped.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::process::HANG;

/// Where the Docker API is spoken: by the daemon or by the gate.
#[derive(Clone, Debug)]
pub enum Endpoint {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl Endpoint {
    /// As clients want it in `DOCKER_HOST`.
    pub fn docker_host(&self) -> String {
        match self {
            Self::Unix(path) => format!("unix://{}", path.display()),
            Self::Tcp(address) => format!("tcp://{address}"),
        }
    }

    pub fn connect(&self) -> io::Result<Connection> {
        let stream = match self {
            Self::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
            Self::Tcp(address) => Stream::Tcp(TcpStream::connect(address)?),
        };
        stream.limit_reads()?;
        Ok(Connection { reader: BufReader::new(stream) })
    }

    /// One exchange on a connection of its own.
    pub fn ask(&self, method: &str, target: &str, json: &str) -> io::Result<Answer> {
        self.connect()?.ask(method, target, json)
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The text of a JSON `{"message": ...}`, as Docker clients print it.
    pub fn message(&self) -> io::Result<String> {
        let json: serde_json::Value = serde_json::from_str(&self.body)?;
        let message = json.get("message").and_then(|text| text.as_str());
        message.map(str::to_owned).ok_or_else(|| invalid(format!("no message in {}", self.body)))
    }
}

pub struct Connection {
    reader: BufReader<Stream>,
}

impl Connection {
    /// Sends a request and reads the whole answer; the connection can be used again.
    pub fn ask(&mut self, method: &str, target: &str, json: &str) -> io::Result<Answer> {
        let answer = self.open(method, target, json)?;
        if method == "HEAD" { Ok(answer) } else { self.with_body(answer) }
    }

    /// Reads the whole answer to a request, no HEAD, that was sent as bytes.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let answer = self.head()?;
        self.with_body(answer)
    }

    /// Sends a request and reads the answer's head only: the body is a stream, or is not wanted.
    pub fn open(&mut self, method: &str, target: &str, json: &str) -> io::Result<Answer> {
        let length = json.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
        );
        self.send(head.as_bytes())?;
        self.head()
    }

    /// Reads the head of the answer to a request that was sent as bytes.
    pub fn head(&mut self) -> io::Result<Answer> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status =
            status.ok_or_else(|| invalid(format!("not a status line: {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_owned(), value.trim_start().to_owned()));
        }
        Ok(Answer { status, headers, body: String::new() })
    }

    /// True when the other side has ended the stream; what comes before that is dropped.
    pub fn ends(&mut self) -> bool {
        io::copy(&mut self.reader, &mut io::sink()).is_ok()
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Sends no more, and goes on reading.
    pub fn end(&mut self) -> io::Result<()> {
        match self.reader.get_ref() {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// What comes, up to and with `last`.
    pub fn until(&mut self, last: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(last) {
            let mut byte = [0];
            self.reader.read_exact(&mut byte)?;
            bytes.extend_from_slice(&byte);
        }
        Ok(bytes)
    }

    /// What comes until the other side ends.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.reader.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed"));
        }
        Ok(line.trim_end().to_owned())
    }

    fn with_body(&mut self, mut answer: Answer) -> io::Result<Answer> {
        if !matches!(answer.status, 204 | 304) {
            answer.body = String::from_utf8_lossy(&self.body(&answer)?).into_owned();
        }
        Ok(answer)
    }

    fn body(&mut self, answer: &Answer) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if let Some(length) = answer.header("Content-Length") {
            let length: u64 =
                length.parse().map_err(|_| invalid(format!("Content-Length {length}")))?;
            self.reader.by_ref().take(length).read_to_end(&mut body)?;
        } else if answer.header("Transfer-Encoding").is_some() {
            while self.chunk(&mut body)? {}
        } else {
            self.reader.read_to_end(&mut body)?;
        }
        Ok(body)
    }

    #[expect(clippy::disallowed_methods, reason = "the daemon and the gate write no signs")]
    fn chunk(&mut self, body: &mut Vec<u8>) -> io::Result<bool> {
        let line = self.line()?;
        let size =
            u64::from_str_radix(&line, 16).map_err(|_| invalid(format!("chunk size {line:?}")))?;
        self.reader.by_ref().take(size).read_to_end(body)?;
        self.line()?;
        Ok(size > 0)
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn limit_reads(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(HANG)),
            Self::Unix(stream) => stream.set_read_timeout(Some(HANG)),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
