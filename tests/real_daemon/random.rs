//! Random and mutated requests through the gate: whatever they are, the daemon's log afterwards
//! holds only what the policy allows, by a model that shares nothing with the gate but the list
//! of operations it draws from.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::Gate;
use crate::http::Endpoint;
use crate::lab::Lab;
use dockgate::api::Operation;

pub const PROOFS: &[Proof] = &[(
    "whatever requests are made of, the daemon runs only what the policy allows",
    only_what_is_allowed,
)];

const REQUESTS: u32 = 20_000;
const POLICY: &str = "CONTAINERS=1";

fn only_what_is_allowed(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), POLICY)?;
    let mark = lab.daemon().mark();
    let mut dice = Dice(0x5eed_d0c4);
    for _ in 0..REQUESTS {
        let mut bytes = request(&mut dice, true);
        if dice.one_in(3) {
            bytes.extend(request(&mut dice, true));
        }
        // The gate may cut it off at any point; what the daemon has run is what counts.
        let _ = play(&gate.endpoint(), &bytes, &mut dice);
    }
    let calls = lab.daemon().calls_since(&mark);
    if let Some(call) = calls.iter().find(|call| !is_allowed(call)) {
        return Err(format!("the daemon has run {call}").into());
    }
    // A gate that lets nothing through would prove nothing.
    let kinds = calls.len();
    if kinds < 50 {
        Err(format!("only {kinds} different calls got through").into())
    } else {
        Ok(())
    }
}

/// Sends it in one piece or two, ends, and reads to the end.
fn play(endpoint: &Endpoint, bytes: &[u8], dice: &mut Dice) -> io::Result<()> {
    let Endpoint::Tcp(address) = endpoint else { return Ok(()) };
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    let cut = if dice.one_in(3) { dice.below(bytes.len()) } else { bytes.len() };
    stream.write_all(&bytes[..cut])?;
    stream.write_all(&bytes[cut..])?;
    stream.shutdown(Shutdown::Write)?;
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}

/// A request, mostly well-formed, often with another one inside or behind it.
fn request(dice: &mut Dice, outer: bool) -> Vec<u8> {
    let wild = dice.one_in(4);
    let (method, target) = target(dice);
    let version = match dice.below(12) {
        0 => "HTTP/1.0",
        1 if wild => dice.pick(&["HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 "]),
        _ => "HTTP/1.1",
    };
    let inner = if outer && dice.one_in(2) {
        request(dice, false)
    } else {
        dice.pick(&["", "{}", "xyz"]).into()
    };
    let (framing, body) = framed(dice, &inner, wild);
    let mut lines = vec!["Host: x".to_owned(), framing];
    for line in ODD_LINES {
        if dice.one_in(if wild { 12 } else { 60 }) {
            lines.push((*line).to_owned());
        }
    }
    let count = lines.len();
    lines.swap(0, dice.below(count));
    let end = if wild && dice.one_in(10) { dice.pick(&["\n", "\r", "\r\r\n"]) } else { "\r\n" };
    let mut bytes = format!("{method} {target} {version}{end}").into_bytes();
    for line in lines.iter().filter(|line| !line.is_empty()) {
        bytes.extend(line.as_bytes());
        bytes.extend(end.as_bytes());
    }
    bytes.extend(end.as_bytes());
    bytes.extend(body);
    bytes
}

const ODD_LINES: &[&str] = &[
    "Connection: Upgrade\r\nUpgrade: tcp",
    "Upgrade: h2c",
    "Connection: close",
    "Expect: 100-continue",
    "Content-Type: application/json",
    "Content-Type: application/x-www-form-urlencoded",
    "Host: y",
    "X-HTTP-Method-Override: POST",
    "A: b\r\n c",
    ": empty",
    "X\tY: z",
    "Connection: Content-Length",
];

/// The framing field and the body: right, or wrong in a way that somebody once took.
fn framed(dice: &mut Dice, inner: &[u8], wild: bool) -> (String, Vec<u8>) {
    let length = inner.len();
    let chunk = |size: String, end: &str, last: &str| {
        [size.as_bytes(), end.as_bytes(), inner, b"\r\n", last.as_bytes()].concat()
    };
    let chunked = || {
        if length == 0 {
            b"0\r\n\r\n".to_vec()
        } else {
            chunk(format!("{length:x}"), "\r\n", "0\r\n\r\n")
        }
    };
    if !wild {
        return match dice.below(3) {
            0 => (String::new(), inner.to_vec()),
            1 => (format!("Content-Length: {length}"), inner.to_vec()),
            _ => ("Transfer-Encoding: chunked".to_owned(), chunked()),
        };
    }
    match dice.below(4) {
        0 => {
            let name = dice.pick(&[
                "Content-Length: ",
                "Content-Length : ",
                "Content-Length: +",
                "content-length:\t0",
            ]);
            (format!("{name}{length}"), inner.to_vec())
        }
        1 => {
            let line = dice.pick(&[
                "Transfer-Encoding: CHUNKED",
                "Transfer-Encoding: xchunked",
                "Transfer-Encoding: chunked, identity",
                "Transfer-Encoding:\u{b}chunked",
                "X: y\r\n Transfer-Encoding: chunked",
            ]);
            (line.to_owned(), chunked())
        }
        2 => {
            // Two lengths: by the one all of it is body, by the other it ends before `inner`.
            let body = [b"0\r\n\r\n", inner].concat();
            let length = [0, 3, body.len()][dice.below(3)];
            (format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"), body)
        }
        _ => {
            let body = match dice.below(4) {
                0 => chunk(format!("{length:x};a=b"), "\r\n", "0\r\n\r\n"),
                1 => chunk(format!("{length:x}"), "\n", "0\r\n\r\n"),
                2 => chunk(format!("{length:x}"), "\r\n", "0\r\nA: b\r\n\r\n"),
                _ => [b"0\r\n\r\n", inner].concat(),
            };
            ("Transfer-Encoding: chunked".to_owned(), body)
        }
    }
}

/// A method and a target: of a real operation, and then perhaps not quite.
fn target(dice: &mut Dice) -> (&'static str, String) {
    if dice.one_in(3) {
        let path = dice.pick(&[
            "/containers/json",
            "/v1.41/containers/json",
            "/version",
            "/containers/box/json",
        ]);
        return ("GET", path.to_owned());
    }
    // Streams that nobody ends, and what takes its time, would only make this slow.
    let slow = |template: &str| {
        ["/events", "/debug", "/distribution", "/images/search", "/auth"]
            .iter()
            .any(|start| template.starts_with(start))
    };
    let lines: Vec<_> = Operation::TABLE.iter().filter(|line| !slow(line.template)).collect();
    let line = lines[dice.below(lines.len())];
    let mut path = String::new();
    for segment in line.template.split('/').skip(1) {
        path.push('/');
        path.push_str(if segment.starts_with('{') {
            dice.pick(&["box", "nobody", "a%2Fb", "a/b", "..", "%2e%2e", "json", "create", "x%00"])
        } else {
            segment
        });
    }
    if dice.one_in(2) {
        let version = dice.pick(&[
            "1.41", "1.41", "1.41", "1.24", "1.23", "01.41", "1.41.", "1.041", "1%2e41", "1.999",
        ]);
        path = format!("/v{version}{path}");
    }
    if dice.one_in(8) {
        let at = dice.below(path.len());
        let encoded = format!("%{:02x}", path.as_bytes()[at]);
        let twice = format!("%25{:02x}", path.as_bytes()[at]);
        let odd = dice.pick(&[
            &encoded, &twice, "/", "//", "/./", "/../", "\\", ";", "#", "?", "%2f", "\t", " ", "%",
            "\0",
        ]);
        path.replace_range(at..=at, odd);
    }
    if dice.one_in(5) {
        path.push_str(dice.pick(&[
            "?all=1",
            "?",
            "?a=b;c",
            "?x=%zz",
            "#x",
            "/",
            "/..",
            "?a=/containers/create",
        ]));
    }
    if dice.one_in(40) {
        path.insert_str(0, dice.pick(&["http://x", "unix://", "/"]));
    }
    let method = if dice.one_in(8) {
        dice.pick(&["GET", "POST", "HEAD", "OPTIONS", "get", "CONNECT"])
    } else {
        line.method.as_str()
    };
    (method, path)
}

/// The policy's own model, as a user would write it down.
fn is_allowed(call: &str) -> bool {
    const READS: [&str; 8] =
        ["json", "archive", "changes", "checkpoints", "export", "logs", "stats", "top"];
    let Some((method, target)) = call.split_once(' ') else { return false };
    let path = target.split('?').next().unwrap_or_default().replace("%2e", ".").replace("%2E", ".");
    let mut segments: Vec<String> = path.split('/').skip(1).map(decoded).collect();
    if segments[0].starts_with("v1.") {
        let minor: u32 = segments[0]["v1.".len()..].parse().unwrap_or(0);
        if minor < 24 {
            return false;
        }
        segments.remove(0);
    }
    let words: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (method, words.as_slice()) {
        ("GET" | "HEAD", ["_ping"])
        | ("GET", ["containers", "json"] | ["version"])
        | ("HEAD", ["containers", _, "archive"]) => true,
        ("GET", ["containers", name, read]) => !name.is_empty() && READS.contains(read),
        _ => false,
    }
}

fn decoded(segment: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = segment.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(hexadecimal) {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            Some(_) | None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[expect(clippy::disallowed_methods, reason = "a plus sign is seen to")]
fn hexadecimal(digits: &str) -> Option<u8> {
    if digits.starts_with('+') { None } else { u8::from_str_radix(digits, 16).ok() }
}

/// The same numbers each time (xorshift), so that a failure can be looked at again.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or(0) % bound.max(1)
    }

    pub fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}
