//! What clients do, and how long it takes them: one function for each kind of load, which knows
//! nothing about what stands behind the address.

use crate::Failure;
use crate::client::Client;
use crate::daemon::{CHUNK, CHUNK_BYTES, LIST_BYTES, chunk};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use socket2::SockAddr;
use std::time::{Duration, Instant, SystemTime};

pub const PING: &[u8] = b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";
pub const LIST: &[u8] = b"GET /v1.41/containers/json HTTP/1.1\r\nHost: docker\r\n\r\n";
/// Nothing in the policy opens secrets.
pub const REFUSED: &[u8] = b"GET /v1.41/secrets HTTP/1.1\r\nHost: docker\r\n\r\n";
const EVENTS: &[u8] = b"GET /v1.41/events HTTP/1.1\r\nHost: docker\r\n\r\n";
const ATTACH: &[u8] = b"POST /v1.41/containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\n\
    Host: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n";

/// The same create that the benchmark of judging examines.
const CREATED: &str = include_str!("../support/create.json");
const CREATED_BYTES: usize = 4 << 10;

/// What a client of bulk reads or writes at once.
const BULK_BYTES: usize = 256 << 10;

/// How a body's end is told.
#[derive(Clone, Copy)]
pub enum Framing {
    Chunks,
    Length,
}

/// A create with a body of 4 KiB, which names no volume: one that exists already is looked at, a
/// request to the daemon for each.
pub fn create() -> Result<Vec<u8>, Failure> {
    let mut body: serde_json::Value = serde_json::from_str(CREATED)?;
    body["HostConfig"]["Binds"] = serde_json::json!([]);
    let mounts = body["HostConfig"]["Mounts"].as_array_mut().ok_or("a create without mounts")?;
    mounts.retain(|mount| mount["Type"] != "volume");
    let length = body.to_string().len() + r#","PADDING=""#.len();
    let padding = format!("PADDING={}", "x".repeat(CREATED_BYTES - length));
    body["Env"].as_array_mut().ok_or("a create without variables")?.push(padding.into());
    let head = format!(
        "POST /v1.41/containers/create?name=web HTTP/1.1\r\nHost: docker\r\n\
        Content-Type: application/json\r\nContent-Length: {CREATED_BYTES}\r\n\r\n"
    );
    Ok(format!("{head}{body}").into_bytes())
}

/// How long each of `count` took; the first tenth of as many more warms everything up.
fn timed(
    count: u32,
    mut act: impl FnMut() -> Result<(), Failure>,
) -> Result<Vec<Duration>, Failure> {
    for _ in 0..count / 10 {
        act()?;
    }
    let mut times = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        act()?;
        times.push(begin.elapsed());
    }
    Ok(times)
}

/// One request after another on one connection, each answered with that status.
pub fn kept(
    address: &SockAddr,
    request: &[u8],
    status: u16,
    count: u32,
) -> Result<Vec<Duration>, Failure> {
    let mut client = Client::with_room(address, LIST_BYTES + 1024)?;
    timed(count, || expect(status, client.ask(request)?.status))
}

/// A connection for each request.
pub fn made(address: &SockAddr, count: u32) -> Result<Vec<Duration>, Failure> {
    timed(count, || expect(200, Client::connect(address)?.ask(PING)?.status))
}

/// Requests answered in that time, each of the clients having one under way.
pub fn crowded(address: &SockAddr, clients: u32, time: Duration) -> Result<u32, Failure> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let mut connections = Vec::new();
    for number in 0..u64::from(clients) {
        let mut client = Client::connect(address)?;
        expect(200, client.ask(PING)?.status)?;
        client.rewind();
        epoll.add(&client, EpollEvent::new(EpollFlags::EPOLLIN, number))?;
        connections.push(client);
    }
    for client in &mut connections {
        client.send(PING)?;
    }
    let (begin, mut answered) = (Instant::now(), 0);
    let mut events = [EpollEvent::empty(); 64];
    while begin.elapsed() < time {
        let count = epoll.wait(&mut events, 1000_u16)?;
        for event in &events[..count] {
            let client = &mut connections[usize::try_from(event.data())?];
            if client.step()? {
                answered += 1;
                client.send(PING)?;
            }
        }
    }
    Ok(answered)
}

/// A connection that has become a container's terminal.
pub fn attached(address: &SockAddr) -> Result<Client, Failure> {
    let mut client = Client::connect(address)?;
    expect(101, client.ask(ATTACH)?.status)?;
    Ok(client)
}

/// One byte there and back.
pub fn echoed(address: &SockAddr, count: u32) -> Result<Vec<Duration>, Failure> {
    let mut client = attached(address)?;
    timed(count, || {
        client.rewind();
        client.send(b"e")?;
        client.fill()?;
        Ok(())
    })
}

/// How long after the daemon has sent them events arrive.
pub fn delays(address: &SockAddr, count: usize) -> Result<Vec<Duration>, Failure> {
    let mut client = Client::connect(address)?;
    client.send(EVENTS)?;
    client.head()?;
    let mut delays = Vec::new();
    while delays.len() < count {
        client.rewind();
        client.fill()?;
        let now = SystemTime::UNIX_EPOCH.elapsed()?;
        // One in a read: the next follows long after.
        let text = String::from_utf8_lossy(client.read());
        let Some((_, sent)) = text.split_once("\"sent\":") else { continue };
        let sent = sent.split('}').next().unwrap_or_default().parse()?;
        delays.push(now.saturating_sub(Duration::from_micros(sent)));
    }
    Ok(delays)
}

/// How long it takes to be sent as many bytes.
pub fn download(address: &SockAddr, framing: Framing, bytes: u64) -> Result<Duration, Failure> {
    let target = match framing {
        Framing::Chunks => "containers/x/logs",
        Framing::Length => "images/x/get",
    };
    let request = format!(
        "GET /v1.41/{target}?bytes={bytes} HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
    );
    let mut client = Client::with_room(address, BULK_BYTES)?;
    let begin = Instant::now();
    client.send(request.as_bytes())?;
    let answer = client.head()?;
    expect(200, answer.status)?;
    let beside = client.read().len() - answer.head;
    // Frames included: whoever cuts the stream into other chunks may.
    let read = client.drain()? + beside as u64;
    if read < bytes {
        return Err(format!("{read} bytes of {bytes} came").into());
    }
    Ok(begin.elapsed())
}

/// How long it takes until as many bytes are taken.
pub fn upload(address: &SockAddr, framing: Framing, bytes: u64) -> Result<Duration, Failure> {
    let (field, piece, payload, end) = match framing {
        Framing::Chunks => {
            let piece = chunk(&CHUNK);
            ("Transfer-Encoding: chunked".to_owned(), piece, CHUNK_BYTES, "0\r\n\r\n")
        }
        Framing::Length => {
            (format!("Content-Length: {bytes}"), vec![b'x'; BULK_BYTES], BULK_BYTES, "")
        }
    };
    let head = format!(
        "POST /v1.41/images/load HTTP/1.1\r\nHost: docker\r\nContent-Type: application/x-tar\r\n\
        {field}\r\n\r\n"
    );
    let mut client = Client::connect(address)?;
    let begin = Instant::now();
    client.send(head.as_bytes())?;
    for _ in 0..bytes / payload as u64 {
        client.send(&piece)?;
    }
    client.send(end.as_bytes())?;
    let answer = client.answer()?;
    expect(200, answer.status)?;
    let said = String::from_utf8_lossy(&client.read()[answer.head..]).into_owned();
    if said != format!("{{\"bytes\":{bytes}}}") {
        return Err(format!("of {bytes} bytes arrived: {said}").into());
    }
    Ok(begin.elapsed())
}

fn expect(status: u16, got: u16) -> Result<(), Failure> {
    if got == status { Ok(()) } else { Err(format!("answered {got}, not {status}").into()) }
}
