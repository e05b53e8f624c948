//! Copied or spliced: the measurements behind the constants of `src/proxy/splice.rs`. Bodies of
//! one length after another, and chunks of one size after another, through a gate that copies and
//! a gate that splices everything.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use support::{Gate, Stream, serve};

mod support;

const PONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// Of a body in chunks.
const CHUNKED_BYTES: usize = 32 << 20;

const RELAYS: [&str; 2] = ["copy", "splice"];
const BODIES_KIB: [usize; 7] = [4, 8, 16, 32, 64, 256, 1024];
const CHUNKS_KIB: [usize; 5] = [4, 8, 16, 32, 128];

/// Takes a body to its end, whatever its framing, and answers.
fn answer(mut connection: UnixStream) -> std::io::Result<()> {
    let mut bytes = vec![0; 256 * 1024];
    loop {
        let mut filled = 0;
        let head = loop {
            let count = connection.read(&mut bytes[filled..])?;
            if count == 0 {
                return Ok(());
            }
            filled += count;
            if let Some(end) = bytes[..filled].windows(4).position(|end| end == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
        let length = text.split("Content-Length: ").nth(1).and_then(|rest| rest.lines().next());
        if let Some(length) = length {
            let mut left = length.parse::<usize>().expect("a length") - (filled - head);
            while left > 0 {
                left -= connection.read(&mut bytes)?;
            }
        } else {
            let mut end = bytes[..filled].to_vec();
            while !end.ends_with(LAST_CHUNK) {
                let count = connection.read(&mut bytes)?;
                end.extend_from_slice(&bytes[count.saturating_sub(LAST_CHUNK.len())..count]);
                end.drain(..end.len().saturating_sub(LAST_CHUNK.len()));
            }
        }
        connection.write_all(PONG)?;
    }
}

fn upload(stream: &mut dyn Stream, request: &[u8]) {
    stream.write_all(request).expect("sent");
    stream.read_exact(&mut [0; PONG.len()]).expect("answered");
}

fn with_length(bytes: usize) -> Vec<u8> {
    let mut request =
        format!("POST /images/load HTTP/1.1\r\nHost: x\r\nContent-Length: {bytes}\r\n\r\n")
            .into_bytes();
    request.resize(request.len() + bytes, b'x');
    request
}

fn in_chunks(bytes: usize) -> Vec<u8> {
    let mut request =
        b"POST /images/load HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..CHUNKED_BYTES / bytes {
        request.extend_from_slice(format!("{bytes:x}\r\n").as_bytes());
        request.resize(request.len() + bytes, b'x');
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}

fn uploads(criterion: &mut Criterion) {
    let gates = RELAYS.map(|relay| {
        (relay, Gate::start_with(&[("RELAY", relay)], |listener| serve(listener, answer)))
    });
    for (way, unix) in [("tcp", false), ("unix", true)] {
        let mut streams: Vec<_> = gates
            .iter()
            .map(|(relay, gate)| (*relay, if unix { gate.unix() } else { gate.tcp() }))
            .collect();

        let mut group = criterion.benchmark_group(format!("body with a length, {way}"));
        for kib in BODIES_KIB {
            let request = with_length(kib << 10);
            group.throughput(Throughput::Bytes((kib << 10) as u64));
            for (relay, stream) in &mut streams {
                let name = BenchmarkId::new(*relay, format!("{kib} KiB"));
                group.bench_function(name, |bench| bench.iter(|| upload(&mut **stream, &request)));
            }
        }
        group.finish();

        let mut group = criterion.benchmark_group(format!("body of 32 MiB in chunks, {way}"));
        group.sample_size(20).throughput(Throughput::Bytes(CHUNKED_BYTES as u64));
        for kib in CHUNKS_KIB {
            let request = in_chunks(kib << 10);
            for (relay, stream) in &mut streams {
                let name = BenchmarkId::new(*relay, format!("{kib} KiB"));
                group.bench_function(name, |bench| bench.iter(|| upload(&mut **stream, &request)));
            }
        }
        group.finish();
    }
}

criterion_group!(benches, uploads);
criterion_main!(benches);
