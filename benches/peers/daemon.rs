//! The stand-in daemon: dockerd's answers, as cheap as they can be, so that what is measured is
//! the way to them. A thread serves one connection at a time, with blocking calls: two system
//! calls for a request.

use crate::body::{self, BULK_BYTES};
use std::fs::{self, Permissions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Builder};
use std::time::{Duration, SystemTime};

/// The answer to `GET /containers/json`, in bytes.
pub const LIST_BYTES: usize = 64 << 10;

/// How often an event is sent.
pub const EVENT_EVERY: Duration = Duration::from_millis(250);

/// What dockerd writes at once when it streams.
pub const CHUNK_BYTES: usize = 32 << 10;

/// Threads that stay although others wait already.
const WAITING_MAX: usize = 64;

/// As 5,000 clients want 5,000 of them.
const STACK_BYTES: usize = 128 << 10;

static LIST: [u8; LIST_BYTES] = [b' '; LIST_BYTES];

/// A chunk's payload.
pub static CHUNK: [u8; CHUNK_BYTES] = [b'x'; CHUNK_BYTES];

const COMMON: &str = "Api-Version: 1.41\r\nDocker-Experimental: false\r\nOstype: linux\r\n\
    Server: Docker/20.10.24 (linux)\r\n";
const UPGRADED: &str = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\
    Content-Type: application/vnd.docker.raw-stream\r\nUpgrade: tcp\r\n\r\n";

/// Serves until it is ended.
pub fn serve(socket: &Path) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    // A gate that was started as root goes on as nobody.
    fs::set_permissions(socket, Permissions::from_mode(0o666))?;
    let (listener, waiting) = (&listener, &AtomicUsize::new(0));
    thread::scope(|scope| wait_for_clients(scope, listener, waiting))
}

/// One thread always waits for the next client: whoever takes the last place makes another wait.
fn wait_for_clients<'s>(
    scope: &'s thread::Scope<'s, '_>,
    listener: &'s UnixListener,
    waiting: &'s AtomicUsize,
) -> io::Result<()> {
    while waiting.fetch_add(1, Ordering::Relaxed) < WAITING_MAX {
        let (stream, _) = listener.accept()?;
        if waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, || wait_for_clients(scope, listener, waiting))?;
        }
        // A client that leaves ends its connection, and is no failure.
        let _ = Connection::new(stream).serve();
    }
    waiting.fetch_sub(1, Ordering::Relaxed);
    Ok(())
}

struct Connection {
    stream: BufReader<UnixStream>,
}

/// What matters of a request.
#[derive(Default)]
struct Request {
    method: String,
    path: String,
    /// What `?bytes=` asks for.
    bytes: u64,
    length: u64,
    chunked: bool,
    close: bool,
}

impl Connection {
    fn new(stream: UnixStream) -> Self {
        Self { stream: BufReader::with_capacity(2 * CHUNK_BYTES, stream) }
    }

    fn serve(mut self) -> io::Result<()> {
        while let Some(request) = self.request()? {
            self.answer(&request)?;
            if request.close {
                break;
            }
        }
        Ok(())
    }

    /// The next one's head; none once the client has left.
    fn request(&mut self) -> io::Result<Option<Request>> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split(' ');
        let method = words.next().unwrap_or_default().to_owned();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.strip_prefix("/v1.41").unwrap_or(path).to_owned();
        let bytes = query.strip_prefix("bytes=").and_then(|n| n.parse().ok()).unwrap_or(0);
        let mut request = Request { method, path, bytes, ..Request::default() };
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            // HAProxy writes names small.
            match name.to_ascii_lowercase().as_str() {
                "content-length" => request.length = value.parse().unwrap_or(0),
                "transfer-encoding" => request.chunked = true,
                "connection" => request.close = value.eq_ignore_ascii_case("close"),
                _ => {}
            }
        }
        Ok(Some(request))
    }

    fn answer(&mut self, request: &Request) -> io::Result<()> {
        match request.path.as_str() {
            "/_ping" => self.whole(request, "text/plain; charset=utf-8", b"OK"),
            "/version" => self.whole(request, "application/json", VERSION),
            "/containers/json" => self.whole(request, "application/json", &LIST),
            "/events" => self.events(),
            "/images/load" => self.load(request),
            "/containers/create" => self.create(request),
            path if path.starts_with("/containers/") && path.ends_with("/json") => {
                self.whole(request, "application/json", CONTAINER)
            }
            path if path.ends_with("/logs") => self.stream_chunks(request.bytes),
            path if path.ends_with("/get") => self.stream_length(request.bytes),
            path if path.ends_with("/attach") => self.echo(),
            path if path.starts_with("/exec/") => self.echo(),
            _ => self.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    fn whole(&mut self, request: &Request, kind: &str, body: &[u8]) -> io::Result<()> {
        self.reply("200 OK", request, kind, body)
    }

    fn reply(&mut self, status: &str, to: &Request, kind: &str, body: &[u8]) -> io::Result<()> {
        let length = body.len();
        let mut answer = Vec::with_capacity(512 + length);
        write!(
            answer,
            "HTTP/1.1 {status}\r\n{COMMON}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        )?;
        if to.method != "HEAD" {
            answer.extend_from_slice(body);
        }
        self.send(&answer)
    }

    fn begin_chunks(&mut self) -> io::Result<()> {
        let head = format!(
            "HTTP/1.1 200 OK\r\n{COMMON}Content-Type: application/octet-stream\r\n\
            Transfer-Encoding: chunked\r\n\r\n"
        );
        self.send(head.as_bytes())
    }

    /// Whole chunks, each in a call of its own, as dockerd flushes them.
    fn stream_chunks(&mut self, bytes: u64) -> io::Result<()> {
        self.begin_chunks()?;
        let chunk = chunk(&CHUNK);
        for _ in 0..bytes / CHUNK_BYTES as u64 {
            self.send(&chunk)?;
        }
        self.send(b"0\r\n\r\n")
    }

    fn stream_length(&mut self, bytes: u64) -> io::Result<()> {
        let head = format!("HTTP/1.1 200 OK\r\n{COMMON}Content-Length: {bytes}\r\n\r\n");
        self.send(head.as_bytes())?;
        let bulk = vec![b'x'; BULK_BYTES];
        for _ in 0..bytes / BULK_BYTES as u64 {
            self.send(&bulk)?;
        }
        Ok(())
    }

    /// Each says when it was sent; they end when the client leaves.
    fn events(&mut self) -> io::Result<()> {
        self.begin_chunks()?;
        loop {
            thread::sleep(EVENT_EVERY);
            let now = SystemTime::UNIX_EPOCH.elapsed().map_err(io::Error::other)?;
            self.send(&chunk(format!("{{\"sent\":{}}}\n", now.as_micros()).as_bytes()))?;
        }
    }

    /// Reads an upload, and says how long it was.
    fn load(&mut self, request: &Request) -> io::Result<()> {
        let length = body::skip(&mut self.stream, request.length, request.chunked)?;
        self.whole(request, "application/json", format!("{{\"bytes\":{length}}}").as_bytes())
    }

    /// Reads what the container is to be, and says that it is there.
    fn create(&mut self, request: &Request) -> io::Result<()> {
        body::skip(&mut self.stream, request.length, request.chunked)?;
        self.reply("201 Created", request, "application/json", CREATED)
    }

    /// What `attach` and `exec` become.
    fn echo(&mut self) -> io::Result<()> {
        self.send(UPGRADED.as_bytes())?;
        let mut bytes = [0; 4096];
        loop {
            let count = self.stream.read(&mut bytes)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.send(&bytes[..count])?;
        }
    }
}

/// The bytes as one chunk.
pub fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}

const VERSION: &[u8] = br#"{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12","Os":"linux","Arch":"amd64"}"#;

/// What any container is: the gate looks at it before it lets somebody attach.
const CONTAINER: &[u8] = br#"{"Id":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","Config":{},"HostConfig":{}}"#;
const CREATED: &[u8] =
    br#"{"Id":"c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00","Warnings":[]}"#;
