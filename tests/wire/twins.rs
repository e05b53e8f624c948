//! However bytes are moved, they are the same: random exchanges and tunnels through three gates
//! that differ in nothing but `RELAY`, cut and framed in every way, with peers that are slow.

use super::gate::{Gate, STREAMS, start};
use super::hijack::{UPGRADED, tunnel};
use super::peer::Peer;
use super::stand_in::{OK, PING, StandIn};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

const RELAYS: [&str; 3] = ["auto", "copy", "splice"];

const LOAD: &str = "POST /images/load HTTP/1.1\r\nHost: docker\r\n";
const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n";

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n\r\n";

/// The largest chunk, larger than a gate's buffer.
const CHUNK_BYTES_MAX: usize = 200 << 10;

/// The longest body with a length, and the most of a tunnel: larger than a pipe.
const BULK_BYTES_MAX: usize = 1400 << 10;

/// Bytes that repeat nowhere near. What is sent is a part of it.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut state = 1_u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(step).take(2 << 20).collect()
});

#[derive(Clone, Debug)]
struct Chunk {
    size: usize,
    upper: bool,
    zeros: usize,
}

#[derive(Clone, Debug)]
enum Framing {
    Length(usize),
    Chunked(Vec<Chunk>),
    UntilClose(usize),
}

/// A message's bytes, and where they are cut in sending.
#[derive(Clone, Debug)]
struct Message {
    framing: Framing,
    /// In thousandths of its length.
    cuts: Vec<usize>,
    /// So many of the chunks' beginnings are cut as well, each so many bytes before or after.
    framing_cuts: Vec<RangeInclusive<usize>>,
}

impl Message {
    /// A head that begins like this.
    fn head(&self, begun: &str) -> Vec<u8> {
        match self.framing {
            Framing::Length(length) => format!("{begun}Content-Length: {length}\r\n\r\n"),
            Framing::Chunked(_) => format!("{begun}{CHUNKED}"),
            Framing::UntilClose(_) => format!("{begun}\r\n"),
        }
        .into()
    }

    /// Its body, and those places in it where the framing between two chunks begins.
    fn body(&self) -> (Vec<u8>, Vec<usize>) {
        let mut bytes = Vec::new();
        let mut edges = Vec::new();
        match &self.framing {
            Framing::Length(length) | Framing::UntilClose(length) => {
                bytes.extend(&NOISE[..*length]);
            }
            Framing::Chunked(chunks) => {
                for chunk in chunks {
                    bytes.extend(chunk.size_line().bytes());
                    let begin = bytes.len() % CHUNK_BYTES_MAX;
                    bytes.extend(&NOISE[begin..begin + chunk.size]);
                    edges.push(bytes.len());
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        (bytes, edges)
    }

    /// The whole in the pieces that it is sent in.
    fn pieces(&self, begun: &str) -> Vec<Vec<u8>> {
        let (mut bytes, (body, edges)) = (self.head(begun), self.body());
        let head = bytes.len();
        bytes.extend(body);
        let mut cuts: Vec<usize> = self.cuts.iter().map(|cut| cut * bytes.len() / 1000).collect();
        for (edge, around) in edges.into_iter().rev().zip(&self.framing_cuts) {
            cuts.extend([head + edge - around.start(), head + edge + around.end()]);
        }
        in_pieces(&bytes, cuts)
    }
}

impl Chunk {
    fn size_line(&self) -> String {
        let Self { size, upper, zeros } = self;
        let digits = if *upper { format!("{size:X}") } else { format!("{size:x}") };
        format!("{}{digits}\r\n", "0".repeat(*zeros))
    }
}

fn in_pieces(bytes: &[u8], mut cuts: Vec<usize>) -> Vec<Vec<u8>> {
    cuts.push(bytes.len());
    cuts.sort_unstable();
    let mut begin = 0;
    cuts.into_iter()
        .filter_map(|cut| {
            let piece = bytes.get(begin..cut).filter(|piece| !piece.is_empty())?.to_vec();
            begin = cut;
            Some(piece)
        })
        .collect()
}

/// How a case goes beside its bytes.
#[derive(Clone, Debug)]
struct Manner {
    /// The daemon does not read for a moment, so that pipes and buffers fill.
    daemon_waits: bool,
    client_waits: bool,
    /// The daemon answers when it has seen the head.
    answers_early: bool,
}

fn sizes(max: usize) -> impl Strategy<Value = usize> {
    // Small ones, those around what is spliced, and large ones.
    prop_oneof![1..40_usize, 16_000..17_000_usize, 130_000..132_000_usize, 1..=max]
}

fn chunk() -> impl Strategy<Value = Chunk> {
    (sizes(CHUNK_BYTES_MAX), any::<bool>(), 0..4_usize).prop_map(|(size, upper, zeros)| Chunk {
        size,
        upper,
        zeros,
    })
}

fn chunks() -> impl Strategy<Value = Vec<Chunk>> {
    prop_oneof![4 => prop::collection::vec(chunk(), 0..12), 1 => crumbs()]
}

/// Many small chunks behind one that no buffer takes as a whole: a pipe has room for some hundred
/// pieces, however small they are.
fn crumbs() -> impl Strategy<Value = Vec<Chunk>> {
    let plain = |size| Chunk { size, upper: false, zeros: 0 };
    let small = (20..80_usize).prop_map(plain);
    prop::collection::vec(small, 200..500).prop_map(move |mut chunks| {
        chunks.insert(0, plain(CHUNK_BYTES_MAX));
        chunks
    })
}

fn message(framing: impl Strategy<Value = Framing>) -> impl Strategy<Value = Message> {
    let around = (0..6_usize, 0..6_usize).prop_map(|(before, after)| before..=after);
    let cuts = prop::collection::vec(0..=1000_usize, 0..8);
    (framing, cuts, prop::collection::vec(around, 0..6))
        .prop_map(|(framing, cuts, framing_cuts)| Message { framing, cuts, framing_cuts })
}

fn request() -> impl Strategy<Value = Message> {
    message(prop_oneof![
        1 => sizes(BULK_BYTES_MAX).prop_map(Framing::Length),
        2 => chunks().prop_map(Framing::Chunked),
    ])
}

fn answer() -> impl Strategy<Value = Message> {
    message(prop_oneof![
        2 => sizes(BULK_BYTES_MAX).prop_map(Framing::Length),
        2 => chunks().prop_map(Framing::Chunked),
        1 => sizes(BULK_BYTES_MAX).prop_map(Framing::UntilClose),
    ])
}

fn manner() -> impl Strategy<Value = Manner> {
    let seldom = || prop::bool::weighted(0.2);
    (seldom(), seldom(), seldom()).prop_map(|(daemon_waits, client_waits, answers_early)| Manner {
        daemon_waits,
        client_waits,
        answers_early,
    })
}

/// Holds a property of so many random cases in each of the three modes.
fn holds<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(&S::Value, &Gate, &StandIn)) {
    let gates = RELAYS.map(|relay| {
        let mut variables = STREAMS.to_vec();
        variables.push(("RELAY", relay));
        (relay, start(&variables))
    });
    // A case is small by its description already, and each try costs what it takes to wait.
    let config =
        Config { cases, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(strategy, |case| {
        for (relay, (gate, daemon)) in &gates {
            eprintln!("RELAY={relay}");
            property(&case, gate, daemon);
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
}

fn wait_if(waits: bool) {
    if waits {
        thread::sleep(Duration::from_millis(20));
    }
}

/// Each piece on its own, most likely.
fn send(peer: &Peer, pieces: &[Vec<u8>]) {
    for piece in pieces {
        peer.send(piece);
        thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn an_exchange_is_the_same_however_it_is_moved() {
    holds(100, &(request(), answer(), manner()), |(request, answer, manner), gate, daemon| {
        let until_close = matches!(answer.framing, Framing::UntilClose(_));
        let early = manner.answers_early && !until_close;
        let mut sent = request.pieces(LOAD);
        let (head, (body, _)) = (request.head(LOAD), request.body());
        // The next request comes right behind.
        sent.push(PING.into());
        let answered = answer.pieces(ANSWER);
        let client = gate.client();
        thread::scope(|scope| {
            scope.spawn(|| send(&client, &sent));
            scope.spawn(|| {
                wait_if(manner.client_waits);
                client.expect(answered.concat());
                if until_close {
                    client.expect_end();
                } else {
                    client.expect(OK);
                }
            });
            let connection = daemon.accept_with(&head);
            wait_if(manner.daemon_waits);
            thread::scope(|scope| {
                let answering = early.then(|| scope.spawn(|| send(&connection, &answered)));
                connection.expect(&body);
                if answering.is_none() {
                    if manner.daemon_waits {
                        connection.expect_silence();
                    }
                    send(&connection, &answered);
                }
            });
            if !until_close {
                connection.expect(PING);
                connection.send(OK);
            }
        });
    });
}

/// What one side of a tunnel says.
#[derive(Clone, Debug)]
struct Speech {
    length: usize,
    cuts: Vec<usize>,
    ends: bool,
}

impl Speech {
    fn bytes(&self) -> &[u8] {
        &NOISE[..self.length]
    }

    fn say(&self, peer: &Peer) {
        let cuts = self.cuts.iter().map(|cut| cut * self.length / 1000).collect();
        send(peer, &in_pieces(self.bytes(), cuts));
        if self.ends {
            peer.end();
        }
    }

    #[track_caller]
    fn hear(&self, peer: &Peer) {
        peer.expect(self.bytes());
        if self.ends {
            peer.expect_end();
        }
    }
}

fn speech() -> impl Strategy<Value = Speech> {
    let cuts = prop::collection::vec(0..=1000_usize, 0..12);
    (sizes(BULK_BYTES_MAX), cuts, any::<bool>()).prop_map(|(length, cuts, ends)| Speech {
        length,
        cuts,
        ends,
    })
}

#[test]
fn a_tunnel_is_the_same_however_it_is_moved() {
    holds(100, &(speech(), speech(), manner()), |(input, output, manner), gate, daemon| {
        let (client, connection) = tunnel(gate.client(), daemon);
        thread::scope(|scope| {
            scope.spawn(|| input.say(&client));
            scope.spawn(|| output.say(&connection));
            scope.spawn(|| {
                wait_if(manner.client_waits);
                output.hear(&client);
            });
            wait_if(manner.daemon_waits);
            input.hear(&connection);
        });
        // Whoever has not ended may still speak.
        if !input.ends {
            client.send("more");
            connection.expect("more");
        }
        if !output.ends {
            connection.send(UPGRADED);
            client.expect(UPGRADED);
        }
    });
}

/// What no chunk begins with, how much of it is none the less framing, and why it is refused.
const BAD: [(&str, usize, &str); 8] = [
    ("\r\n5;x=y\r\nhello\r\n0\r\n\r\n", 3, "chunk-extension"),
    ("\r\n\r\nhello\r\n0\r\n\r\n", 2, "chunk-size"),
    ("\r\n+5\r\nhello\r\n0\r\n\r\n", 2, "chunk-size"),
    ("\r\n 5\r\nhello\r\n0\r\n\r\n", 2, "chunk-size"),
    ("\r\n5\nhello\r\n0\r\n\r\n", 3, "chunk-line-end"),
    ("\r\n00000000000000005\r\nhello\r\n0\r\n\r\n", 18, "chunk-size"),
    ("XY5\r\nhello\r\n0\r\n\r\n", 0, "chunk-line-end"),
    ("\r\n0\r\nTrailer: x\r\n\r\n", 5, "trailer"),
];

#[test]
fn after_framing_with_two_readings_the_daemon_gets_nothing_however_bytes_are_moved() {
    let cases = (
        prop::collection::vec(chunk(), 0..4),
        16_000..CHUNK_BYTES_MAX,
        prop::sample::select(&BAD[..]),
        prop::collection::vec(0..=1000_usize, 0..4),
        prop::option::of(0..=10_usize),
        manner(),
    );
    holds(100, &cases, |(chunks, large, bad, cuts, near, manner), gate, daemon| {
        let (bad, framing, name) = bad;
        let mut chunks = chunks.clone();
        chunks.push(Chunk { size: *large, upper: false, zeros: 0 });
        let good =
            Message { framing: Framing::Chunked(chunks), cuts: vec![], framing_cuts: vec![] };
        let (mut bytes, edges) = good.body();
        let last = *edges.last().expect("a chunk");
        bytes.truncate(last);
        bytes.extend(bad.bytes());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut * bytes.len() / 1000).collect();
        cuts.extend(near.map(|near| last + near.min(bad.len())));
        let client = gate.client();
        let head = good.head(LOAD);
        client.send(&head);
        let connection = daemon.accept_with(&head);
        thread::scope(|scope| {
            scope.spawn(|| {
                send(&client, &in_pieces(&bytes, cuts));
                let answer = client.answer();
                assert_eq!(answer.status, 400);
                let message = answer.message();
                assert!(message.ends_with(&format!("({name})")), "{message}");
                client.expect_end();
            });
            wait_if(manner.daemon_waits);
            let got = connection.read_to_end();
            assert!(got.len() <= last + framing, "{} bytes, {last} were good", got.len());
            assert!(bytes.starts_with(&got), "other bytes than were sent");
        });
    });
}
