//! What the gate adds: the same request straight on a stand-in daemon's unix socket, and through
//! the gate's binary. The stand-in answers at once, so what is measured is the way.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use support::{Gate, Stream, serve};

mod support;

const PING: &[u8] = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n";
const PONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nOK";

const BULK_BYTES: usize = 64 << 20;
const DOWNLOAD: &[u8] = b"GET /images/x/get HTTP/1.1\r\nHost: x\r\n\r\n";

const ATTACH: &[u8] =
    b"POST /containers/x/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\
    Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n";
const UPGRADED: &[u8] = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

/// How large bodies are passed on: a gate for each.
const RELAYS: [&str; 2] = ["copy", "splice"];

/// A way to the daemon: its name and how to begin it.
type Way<'g> = (&'static str, &'g dyn Fn() -> Box<dyn Stream>);

/// The stand-in: pings, a large answer, a large upload, an echo. One thread a connection.
fn answer(mut connection: UnixStream) -> std::io::Result<()> {
    let mut bytes = vec![0; 256 * 1024];
    let zeros = vec![0; 256 * 1024];
    loop {
        let mut filled = 0;
        while !bytes[..filled].windows(4).any(|end| end == b"\r\n\r\n") {
            let count = connection.read(&mut bytes[filled..])?;
            if count == 0 {
                return Ok(());
            }
            filled += count;
        }
        if bytes.starts_with(ATTACH) {
            return echo(&mut connection);
        }
        if bytes.starts_with(b"POST") {
            let head =
                bytes[..filled].windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(0) + 4;
            let mut left = BULK_BYTES - (filled - head);
            while left > 0 {
                left -= connection.read(&mut bytes)?;
            }
            connection.write_all(PONG)?;
        } else if bytes.starts_with(DOWNLOAD) {
            write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: {BULK_BYTES}\r\n\r\n")?;
            for _ in 0..BULK_BYTES / zeros.len() {
                connection.write_all(&zeros)?;
            }
        } else {
            connection.write_all(PONG)?;
        }
    }
}

fn echo(connection: &mut UnixStream) -> std::io::Result<()> {
    connection.write_all(UPGRADED)?;
    let mut bytes = [0; 4096];
    loop {
        let count = connection.read(&mut bytes)?;
        if count == 0 {
            return Ok(());
        }
        connection.write_all(&bytes[..count])?;
    }
}

fn ping(stream: &mut dyn Stream) {
    let mut answer = [0; PONG.len()];
    stream.write_all(PING).expect("sent");
    stream.read_exact(&mut answer).expect("answered");
}

fn attach(stream: &mut dyn Stream) {
    let mut head = [0; UPGRADED.len()];
    stream.write_all(ATTACH).expect("sent");
    stream.read_exact(&mut head).expect("upgraded");
}

fn there_and_back(stream: &mut dyn Stream) {
    stream.write_all(b"e").expect("sent");
    stream.read_exact(&mut [0]).expect("echoed");
}

fn download(stream: &mut dyn Stream, bytes: &mut [u8]) {
    stream.write_all(DOWNLOAD).expect("sent");
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BULK_BYTES}\r\n\r\n");
    let mut left = head.len() + BULK_BYTES;
    while left > 0 {
        left -= stream.read(bytes).expect("answered");
    }
}

fn upload(stream: &mut dyn Stream, bytes: &[u8]) {
    write!(stream, "POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Length: {BULK_BYTES}\r\n\r\n")
        .expect("sent");
    for _ in 0..BULK_BYTES / bytes.len() {
        stream.write_all(bytes).expect("sent");
    }
    let mut answer = [0; PONG.len()];
    stream.read_exact(&mut answer).expect("answered");
}

/// Small things: what the gate adds to each.
fn latency(criterion: &mut Criterion) {
    let gate = Gate::start(|listener| serve(listener, answer));
    let ways: [Way<'_>; 3] = [
        ("straight on the socket", &|| gate.daemon()),
        ("through the gate, unix", &|| gate.unix()),
        ("through the gate, tcp", &|| gate.tcp()),
    ];

    let mut group = criterion.benchmark_group("ping, connection kept");
    for (way, connect) in ways {
        let mut stream = connect();
        group.bench_function(way, |bench| bench.iter(|| ping(&mut *stream)));
    }
    group.finish();

    let mut group = criterion.benchmark_group("ping, connection made");
    for (way, connect) in ways {
        group.bench_function(way, |bench| bench.iter(|| ping(&mut *connect())));
    }
    group.finish();

    let mut group = criterion.benchmark_group("one byte there and back, attached");
    for (way, connect) in ways {
        let mut stream = connect();
        attach(&mut *stream);
        group.bench_function(way, |bench| bench.iter(|| there_and_back(&mut *stream)));
    }
    group.finish();
}

/// Large things: how many bytes pass in a second.
fn throughput(criterion: &mut Criterion) {
    let gates = RELAYS.map(|relay| {
        (relay, Gate::start_with(&[("RELAY", relay)], |listener| serve(listener, answer)))
    });
    let mut streams = vec![("straight on the socket".to_owned(), gates[0].1.daemon())];
    for (relay, gate) in &gates {
        streams.push((format!("through the gate, unix, {relay}"), gate.unix()));
        streams.push((format!("through the gate, tcp, {relay}"), gate.tcp()));
    }
    let mut bytes = vec![0; 256 * 1024];

    let mut group = criterion.benchmark_group("download of 64 MiB");
    group.sample_size(20).throughput(Throughput::Bytes(BULK_BYTES as u64));
    for (way, stream) in &mut streams {
        group.bench_function(&*way, |bench| bench.iter(|| download(&mut **stream, &mut bytes)));
    }
    group.finish();

    let mut group = criterion.benchmark_group("upload of 64 MiB");
    group.sample_size(20).throughput(Throughput::Bytes(BULK_BYTES as u64));
    for (way, stream) in &mut streams {
        group.bench_function(&*way, |bench| bench.iter(|| upload(&mut **stream, &bytes)));
    }
    group.finish();
}

criterion_group!(benches, latency, throughput);
criterion_main!(benches);
