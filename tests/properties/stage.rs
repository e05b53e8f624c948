//! Where a connection is played: the gate's own code for one client, on its own runtime, and in the
//! same thread a client and a daemon that do a step whenever the gate has nothing more to do. No clock
//! is looked at, and the same script is played the same way.

use super::exchange::Script;
use super::naive_answer::{self, Follows};
use super::naive_head::{self, Body};
use super::naive_lines::Reading;
use super::naive_policy::Policy;
use super::naive_stream;
use dockgate::api::ApiVersion;
use dockgate::observe::observer::Observer;
use dockgate::proxy::daemon::Daemon;
use dockgate::proxy::engine::{Info, Judged};
use dockgate::proxy::peer::Peer;
use dockgate::proxy::places::Places;
use dockgate::proxy::roster::Roster;
use dockgate::proxy::share::{ClientShare, Total};
use dockgate::proxy::socket::Socket;
use dockgate::proxy::splice::Relay;
use dockgate::proxy::{Gate, Limits, connection};
use dockgate::runtime::{Runtime, spawn, yield_now};
use std::cell::Cell;
use std::collections::VecDeque;
use std::fs;
use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::mem;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::Poll;
use std::thread;
use std::time::Duration;

/// The full id of every container. It is no longer than any name: heads don't outgrow their limit.
pub const ID: &str = "0";

/// Turns without a step after which nothing more will happen by itself.
const IDLE_TURNS: usize = 6;

/// What everybody got.
#[derive(Debug, Default)]
pub struct Heard {
    pub client: Vec<u8>,
    pub daemon: Vec<Connection>,
}

impl Heard {
    /// Whether the gate seems to have given an answer of its own.
    pub fn is_refused(&self) -> bool {
        let own = b"{\"message\":\"dockgate: ";
        self.client.windows(own.len()).any(|window| window == own)
    }

    pub fn is_raw(&self) -> bool {
        self.daemon.iter().any(|connection| connection.raw_from.is_some())
    }
}

/// One connection of the daemon's.
#[derive(Debug, Default)]
pub struct Connection {
    pub received: Vec<u8>,
    /// Its answers to what is not the gate's own question.
    pub sent: Vec<Vec<u8>>,
    /// Where it has become a raw stream, as far as the daemon is concerned.
    pub raw_from: Option<usize>,
    /// It has answered before it knew all: it answers nothing more.
    is_early: bool,
    /// How much of what was received has been answered.
    answered: usize,
    stream: Option<UnixStream>,
}

/// The daemon's socket and a gate for each policy.
struct Stage {
    path: PathBuf,
    listener: UnixListener,
    gates: [Arc<Gate>; Policy::ALL.len()],
}

thread_local! {
    static STAGE: Stage = Stage::new();
}

impl Stage {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("dockgate-stage-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        let listener = UnixListener::bind(&path).expect("bound");
        listener.set_nonblocking(true).expect("non-blocking mode");
        let limits = Limits {
            head_bytes_max: naive_head::HEAD_BYTES_MAX,
            json_bytes_max: 1024,
            head_time_max: Duration::from_secs(60),
            idle_time_max: Duration::from_secs(60),
            client_share: ClientShare::USUAL,
        };
        let gates = Policy::ALL.map(|policy| {
            let (settings, rules) = policy.told();
            let version_min = ApiVersion { major: 1, minor: 24 };
            Arc::new(Gate {
                policy: dockgate::policy::Policy::new(settings, version_min, rules),
                limits,
                daemon: Daemon::at(&path).expect("a path"),
                observer: Observer::default(),
                relay: Relay::Auto,
                info: Info::default(),
                judged: Judged::default(),
                collected: Total::of_bodies(&limits),
                begun: Total::of_heads(&limits),
            })
        });
        Self { path, listener, gates }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Plays a script to its end.
pub fn play(script: &Script<'_>) -> Heard {
    STAGE.with(|stage| {
        let listener = stage.listener.try_clone().expect("a descriptor");
        while listener.accept().is_ok() {}
        let index = Policy::ALL.iter().position(|&policy| policy == script.policy);
        let gate = Arc::clone(&stage.gates[index.expect("one of them")]);
        let (client, served) = UnixStream::pair().expect("a pair");
        for end in [&client, &served] {
            end.set_nonblocking(true).expect("non-blocking mode");
        }
        let play = Play {
            client: Some(client),
            listener,
            answers: script.answers.iter().map(|answer| answer.to_vec()).collect(),
            heard: Heard::default(),
        };
        let (pieces, bytes) = (script.pieces.to_vec(), script.client.to_vec());
        let future = async move { play.run(served, gate, &pieces, &bytes).await };
        Runtime::new().expect("a runtime").run(future)
    })
}

/// A play under way.
struct Play {
    client: Option<UnixStream>,
    listener: UnixListener,
    answers: VecDeque<Vec<u8>>,
    heard: Heard,
}

impl Play {
    async fn run(
        mut self,
        served: UnixStream,
        gate: Arc<Gate>,
        pieces: &[u8],
        bytes: &[u8],
    ) -> Heard {
        let end = Rc::new(Cell::new(None));
        let roster = Rc::new(Roster::default());
        spawn({
            let end = Rc::clone(&end);
            async move {
                // The runtime catches a panic: this tells of it.
                let told = Told(end);
                let socket = Socket::accepted(served.into()).expect("registered");
                let places = Arc::new(Places::new(1, 0, ClientShare::USUAL));
                let taken = places.take(Peer::User(0)).await;
                let place = taken.expect("a place");
                connection::serve(socket, place, gate, roster.seat()).await;
                drop(told);
            }
        });
        let mut rest = bytes;
        let lengths = pieces.iter().map(|&piece| usize::from(piece)).chain([usize::MAX]);
        for length in lengths {
            let (piece, after) = rest.split_at(length.clamp(1, rest.len().max(1)).min(rest.len()));
            if self.client.as_mut().is_some_and(|client| client.write_all(piece).is_err()) {
                break;
            }
            rest = after;
            self.settle().await;
        }
        if let Some(client) = &self.client {
            let _ = client.shutdown(Shutdown::Write);
        }
        self.settle().await;
        self.client = None;
        self.settle().await;
        assert_eq!(
            end.get(),
            Some(true),
            "the client is gone, and its connection has not ended well"
        );
        self.heard
    }

    /// Lets everybody act until nobody has anything to do.
    async fn settle(&mut self) {
        let mut idle = 0;
        while idle < IDLE_TURNS {
            let mut again = true;
            poll_fn(|cx| if mem::take(&mut again) { yield_now(cx) } else { Poll::Ready(()) }).await;
            idle = if self.step() { 0 } else { idle + 1 };
        }
    }

    /// What the client and the daemon do with what they have got; whether there was anything.
    fn step(&mut self) -> bool {
        let mut has_acted = false;
        if let Ok((stream, _)) = self.listener.accept() {
            stream.set_nonblocking(true).expect("non-blocking mode");
            self.heard.daemon.push(Connection { stream: Some(stream), ..Connection::default() });
            has_acted = true;
        }
        for connection in &mut self.heard.daemon {
            has_acted |= read(connection.stream.as_mut(), &mut connection.received);
            connection.answer(&mut self.answers);
        }
        has_acted |= read(self.client.as_mut(), &mut self.heard.client);
        has_acted
    }
}

/// Reads what there is; whether there was something.
fn read(stream: Option<&mut UnixStream>, into: &mut Vec<u8>) -> bool {
    let mut room = [0; 4096];
    let count = stream.and_then(|stream| stream.read(&mut room).ok()).unwrap_or(0);
    into.extend_from_slice(&room[..count]);
    count > 0
}

impl Connection {
    /// Answers what has come whole.
    fn answer(&mut self, answers: &mut VecDeque<Vec<u8>>) {
        while self.raw_from.is_none() && !self.is_early && self.stream.is_some() {
            let new = &self.received[self.answered..];
            if let Some((path, after)) = naive_stream::after_question(new) {
                let answer = answer_to(path);
                self.answered = self.received.len() - after.len();
                self.say(answer.as_bytes());
                continue;
            }
            let Some(request) = naive_stream::requests(new).into_iter().next() else { return };
            let is_early = answers.front().is_some_and(|answer| answer.starts_with(b"?"));
            if !request.is_whole && !is_early {
                return;
            }
            let path = request.path();
            let hijacks = request.head.method == "POST" && path.ends_with("/attach")
                || request.head.method == "POST"
                    && path.starts_with("/exec/")
                    && path.ends_with("/start");
            let asked = match request.head.method.as_str() {
                "HEAD" => b'h',
                _ if hijacks => b's',
                _ if path.ends_with("/attach/ws") => b'u',
                _ => b'g',
            };
            let is_whole = request.is_whole;
            self.answered += request.bytes.len();
            let default = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
                [..if asked == b'h' { 38 } else { 40 }]
                .to_vec();
            let answer = answers.pop_front().unwrap_or(default);
            let ends = answer.starts_with(b"!");
            let answer = if ends || is_early { &answer[1..] } else { &answer[..] };
            self.raw_from = becomes_raw(answer, asked).then_some(self.answered);
            self.is_early = !is_whole;
            self.sent.push(answer.to_vec());
            self.say(answer);
            if ends {
                self.stream = None;
            }
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        // Whoever is gone hears nothing.
        let _ = self.stream.as_mut().map(|stream| stream.write_all(bytes));
    }
}

/// What the daemon says to a question of the gate's: there is an ordinary container of every name,
/// and nothing else.
fn answer_to(path: &str) -> String {
    let (status, body) = match path.split('/').next() {
        Some("containers") => (200, format!("{{\"Id\":\"{ID}\",\"Mounts\":[]}}")),
        Some("exec") => (200, format!("{{\"ContainerID\":\"{ID}\"}}")),
        Some("info") => (200, "{\"DefaultRuntime\":\"runc\"}".to_owned()),
        _ => (404, "{}".to_owned()),
    };
    format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Whether an answer turns the connection into a raw stream.
fn becomes_raw(mut answer: &[u8], asked: u8) -> bool {
    while let Reading::Whole(head, length) = naive_answer::read(answer, asked) {
        match head.follows {
            Follows::Another => answer = &answer[length..],
            Follows::AnotherProtocol => return true,
            Follows::Body(Body::None | Body::Length(_) | Body::Chunked)
            | Follows::AllUntilTheEnd
            | Follows::WhatNobodyAskedFor => return false,
        }
    }
    false
}

/// Tells how the connection's task has ended: well, or by a panic.
struct Told(Rc<Cell<Option<bool>>>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.set(Some(!thread::panicking()));
    }
}
