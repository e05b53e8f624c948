//! The stand-in daemon: answers with the pattern, and says whether what it got was the pattern. A
//! request says in a header (`Soak: PLACE BYTES`) which part of it is meant.

use crate::client::chunk_size;
use crate::pattern::{PIECE_BYTES_MAX, Reader, piece};
use dockgate::http::number::decimal;
use std::fs::{self, Permissions};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::{self, Builder};
use std::time::Duration;

/// Between two pieces of what is followed.
pub const PIECE_EVERY: Duration = Duration::from_millis(50);

/// One thread for each connection.
const STACK_BYTES: usize = 256 << 10;

const UPGRADED: &[u8] = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\
    Content-Type: application/vnd.docker.raw-stream\r\nUpgrade: tcp\r\n\r\n";
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

pub const VOLUME: &str = r#"{"Name":"data","Driver":"local","Mountpoint":"/var/lib/docker/volumes/data/_data","Labels":null,"Scope":"local","Options":null}"#;
const VERSION: &str = r#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12"}"#;
const CONTAINER: &str = r#"{"Id":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","Config":{},"HostConfig":{}}"#;
const BY_ID: &str =
    "/containers/c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00/json";
const EXEC: &str = r#"{"ID":"0123","ContainerID":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","ProcessConfig":{"privileged":false}}"#;
pub const CREATED: &str = r#"{"Id":"0123456789ab","Warnings":[]}"#;

/// What an upload that came whole is answered with.
pub const SAME: &str = "the same";

/// Serves from now on.
pub fn start(socket: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    // A gate that was started as root goes on as nobody.
    fs::set_permissions(socket, Permissions::from_mode(0o666))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that leaves is the end of its thread, and no failure.
            let serve = move || drop(Connection::new(stream).serve());
            drop(Builder::new().stack_size(STACK_BYTES).spawn(serve));
        }
    });
    Ok(())
}

struct Connection(BufReader<UnixStream>);

/// What matters of a request.
#[derive(Default)]
struct Request {
    method: String,
    path: String,
    place: u64,
    bytes: u64,
    length: u64,
    chunked: bool,
    expects: bool,
}

impl Connection {
    fn new(stream: UnixStream) -> Self {
        Self(BufReader::with_capacity(PIECE_BYTES_MAX, stream))
    }

    fn serve(mut self) -> io::Result<()> {
        while let Some(request) = self.request()? {
            if request.expects {
                self.send(CONTINUE)?;
            }
            self.answer(&request)?;
        }
        Ok(())
    }

    /// The next one's head; none once the client has left.
    fn request(&mut self) -> io::Result<Option<Request>> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let path = target.split('?').next().unwrap_or_default();
        let path = path.strip_prefix("/v1.41").unwrap_or(path).to_owned();
        let mut request = Request { method, path, ..Request::default() };
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            let number = |text: &str| decimal(text.as_bytes()).unwrap_or(0);
            match name.to_ascii_lowercase().as_str() {
                "content-length" => request.length = number(value),
                "transfer-encoding" => request.chunked = true,
                "expect" => request.expects = true,
                "soak" => {
                    let (place, bytes) = value.split_once(' ').unwrap_or_default();
                    (request.place, request.bytes) = (number(place), number(bytes));
                }
                _ => {}
            }
        }
        Ok(Some(request))
    }

    fn answer(&mut self, request: &Request) -> io::Result<()> {
        match request.path.as_str() {
            "/_ping" => self.whole(200, "OK"),
            "/version" => self.whole(200, VERSION),
            "/volumes/data" => self.whole(200, VOLUME),
            // What is asked before an attach, and before an exec is started.
            "/containers/box/json" | BY_ID => self.whole(200, CONTAINER),
            "/exec/0123/json" => self.whole(200, EXEC),
            "/containers/create" => {
                self.body(request, false)?;
                self.whole(201, CREATED)
            }
            "/containers/json" | "/containers/box/export" => self.pattern(request),
            "/events" | "/containers/box/logs" => self.followed(request),
            "/images/load" | "/build" => {
                let said = if self.body(request, true)? { SAME } else { "something else" };
                self.whole(200, said)
            }
            path if path.ends_with("/attach") || path.ends_with("/start") => {
                self.body(request, false)?;
                self.echo()
            }
            _ => self.whole(404, "not here"),
        }
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", request.method)))
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    fn whole(&mut self, status: u16, body: &str) -> io::Result<()> {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} OK\r\nContent-Length: {length}\r\n\r\n{body}");
        self.send(answer.as_bytes())
    }

    /// With a length from an even place, in chunks from an odd one.
    fn pattern(&mut self, &Request { place, bytes, .. }: &Request) -> io::Result<()> {
        let chunked = place % 2 == 1;
        let framing = if chunked {
            "Transfer-Encoding: chunked".to_owned()
        } else {
            format!("Content-Length: {bytes}")
        };
        self.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n").as_bytes())?;
        let mut sent = 0;
        while sent < bytes {
            let length = usize::try_from(bytes - sent).unwrap_or(usize::MAX).min(32 << 10);
            let piece = piece(place + sent, length);
            if chunked {
                self.chunk(piece)?;
            } else {
                self.send(piece)?;
            }
            sent += length as u64;
        }
        if chunked { self.send(b"0\r\n\r\n") } else { Ok(()) }
    }

    /// A stream that comes bit by bit, and ends after so many bytes.
    fn followed(&mut self, &Request { place, bytes, .. }: &Request) -> io::Result<()> {
        self.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let mut sent = 0;
        while sent < bytes {
            let length = usize::try_from(bytes - sent).unwrap_or(usize::MAX).min(200);
            self.chunk(piece(place + sent, length))?;
            sent += length as u64;
            thread::sleep(PIECE_EVERY);
        }
        self.send(b"0\r\n\r\n")
    }

    fn chunk(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.send(&chunk)
    }

    /// Reads a body; whether it was the pattern, where it should be.
    fn body(&mut self, request: &Request, patterned: bool) -> io::Result<bool> {
        let mut reader = Reader::at(request.place);
        let mut same = true;
        if !request.chunked {
            self.data(request.length, &mut reader, &mut same)?;
            return Ok(!patterned || same);
        }
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line)?;
            let size = chunk_size(&line).ok_or(ErrorKind::InvalidData)?;
            self.data(size, &mut reader, &mut same)?;
            let mut end = [0; 2];
            self.0.read_exact(&mut end)?;
            same &= end == *b"\r\n";
            if size == 0 {
                return Ok(!patterned || same && reader.read() == request.bytes);
            }
        }
    }

    fn data(&mut self, mut left: u64, reader: &mut Reader, same: &mut bool) -> io::Result<()> {
        while left > 0 {
            let bytes = self.0.fill_buf()?;
            let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            *same &= reader.take(&bytes[..count]);
            self.0.consume(count);
            left -= count as u64;
        }
        Ok(())
    }

    /// What `attach` and `exec` become; when the client has said all, so has the daemon.
    fn echo(&mut self) -> io::Result<()> {
        self.send(UPGRADED)?;
        loop {
            let bytes = self.0.fill_buf()?.to_vec();
            if bytes.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.0.consume(bytes.len());
            self.send(&bytes)?;
        }
    }
}
