//! What judging a request costs, part by part, without any I/O.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use dockgate::admission::{Examiner, Rules, json};
use dockgate::api::{ApiVersion, Call, Operation};
use dockgate::http::{
    Asked, BodyCursor, BodyFraming, HeadScan, Hijack, Method, RequestHead, ResponseHead, Target,
    Trailers,
};
use dockgate::policy::{Policy, Settings, Variable};
use std::hint::black_box;

/// As docker CLI sends it.
const CLI: &[u8] = b"GET /v1.47/containers/json?all=1&filters=%7B%22label%22%3A%7B%22a%22%3Atrue%7D%7D HTTP/1.1\r\n\
    Host: api.moby.localhost\r\nUser-Agent: Docker-Client/28.2.2 (linux)\r\n\r\n";

/// As Traefik and other long-lived clients send it, with more header lines.
const LONG: &[u8] = b"GET /v1.24/containers/530a8f88daf97a11a83949c0dcac15f6120a0970538685c7c514f5104c4988f2/json HTTP/1.1\r\n\
    Host: docker-socket-proxy:2375\r\nUser-Agent: python-requests/2.31.0\r\nAccept-Encoding: gzip, deflate\r\n\
    Accept: */*\r\nConnection: keep-alive\r\nContent-Length: 0\r\nX-Request-Id: 7f9c24e8\r\n\r\n";

const HEAD_BYTES_MAX: usize = 64 * 1024;

fn policy(variables: &[Variable]) -> Policy {
    let settings = variables
        .iter()
        .fold(Settings::default(), |settings, &variable| settings.with(variable, true));
    Policy::new(settings, ApiVersion { major: 1, minor: 24 }, Rules::new())
}

/// As dockerd answers `GET /_ping`.
const PING: &[u8] = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nCache-Control: no-cache, no-store, must-revalidate\r\n\
    Content-Length: 2\r\nContent-Type: text/plain; charset=utf-8\r\nDocker-Experimental: false\r\nOstype: linux\r\n\
    Pragma: no-cache\r\nServer: Docker/20.10.24+dfsg1 (linux)\r\nSwarm: inactive\r\nDate: Sun, 22 Nov 2026 00:00:00 GMT\r\n\r\n";

fn heads(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("head");
    for (name, head) in [("request", CLI), ("longer request", LONG), ("response", PING)] {
        group.bench_function(format!("find the end of a {name}"), |bench| {
            bench.iter(|| HeadScan::default().find(black_box(head), HEAD_BYTES_MAX));
        });
    }
    for (name, head) in [("request", CLI), ("longer request", LONG)] {
        group.bench_function(format!("parse a {name}"), |bench| {
            bench.iter(|| RequestHead::parse(black_box(head)));
        });
    }
    let asked = Asked { head: false, hijack: Hijack::Never };
    group.bench_function("parse a response", |bench| {
        bench.iter(|| ResponseHead::parse(black_box(PING), asked));
    });
    group.finish();
}

fn targets(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("target");
    for (name, head) in [("request", CLI), ("longer request", LONG)] {
        let raw = RequestHead::parse(head).expect("a proper head").target.raw;
        group.bench_function(format!("of a {name}"), |bench| {
            bench.iter(|| Target::parse(black_box(raw)));
        });
    }
    group.bench_function("with escapes", |bench| {
        bench.iter(|| Target::parse(black_box(b"/v1.47/images/a.b%3A5000%2Fc/json")));
    });
    group.finish();
}

fn paths(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("classify");
    for path in
        ["/_ping", "/v1.47/containers/json", "/v1.47/images/a.b:5000/c/d/json", "/v1.47/volumes/x"]
    {
        let target = Target::parse(path.as_bytes()).expect("a clean path");
        group.bench_function(path, |bench| {
            bench.iter(|| Call::of(black_box(Method::Get), black_box(&target)));
        });
    }
    group.finish();
}

fn decisions(criterion: &mut Criterion) {
    let policy = policy(&[Variable::Containers]);
    let mut group = criterion.benchmark_group("decide");
    let head = RequestHead::parse(CLI).expect("a proper head");
    group.bench_function("classify and decide", |bench| {
        bench.iter(|| policy.judge(black_box(&head)));
    });
    group.bench_function("find, parse, classify and decide", |bench| {
        bench.iter(|| {
            let length = HeadScan::default().find(black_box(CLI), HEAD_BYTES_MAX);
            let head = RequestHead::parse(&CLI[..length.ok().flatten().unwrap_or(0)]);
            head.map(|head| policy.judge(&head))
        });
    });
    group.finish();
}

fn bodies(criterion: &mut Criterion) {
    // What docker build sends: chunks as Go's io.Copy makes them.
    let mut body = Vec::new();
    for _ in 0..32 {
        body.extend_from_slice(b"8000\r\n");
        body.resize(body.len() + 0x8000, 0);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    let mut group = criterion.benchmark_group("chunked cursor");
    group.bench_function("1 MiB in chunks of 32 KiB", |bench| {
        bench.iter_batched_ref(
            || BodyCursor::new(BodyFraming::Chunked, Trailers::Refuse),
            |cursor| cursor.read(black_box(&body)),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// What docker CLI sends for a `docker run` with some 25 options.
const CREATE: &[u8] = include_bytes!("support/create.json");

fn admission(criterion: &mut Criterion) {
    let rules = Rules::new();
    let examiner = Examiner::find(Operation::ContainerCreate).expect("it is examined");
    let found = examiner.examine(&rules, CREATE);
    assert!(found.findings.is_empty() && found.unknown.is_empty(), "{found:?}");
    let mut group = criterion.benchmark_group("admission");
    group.bench_function("read ContainerCreate of 4 KiB", |bench| {
        bench.iter(|| json::read(black_box(CREATE)));
    });
    group.bench_function("examine ContainerCreate of 4 KiB", |bench| {
        bench.iter(|| examiner.examine(&rules, black_box(CREATE)));
    });
    group.finish();
}

criterion_group!(benches, heads, targets, paths, decisions, bodies, admission);
criterion_main!(benches);
