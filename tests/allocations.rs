//! A request that is passed on as it is costs no allocation: what its connection needs is made
//! when it begins, and what passes through is borrowed. Counted on the thread of the runtime,
//! whose connection is served as in the program. A client and a daemon stand at its ends.
//!
//! What is left out is what does not belong to a request: accepting, and the clock that ticks once
//! a second.

use dockgate::observe::log::Log;
use dockgate::observe::observer::Observer;
use dockgate::policy::Policy;
use dockgate::process::config::Config;
use dockgate::proxy::Gate;
use dockgate::proxy::connection;
use dockgate::proxy::daemon::Daemon;
use dockgate::proxy::engine::{Info, Judged};
use dockgate::proxy::peer::Peer;
use dockgate::proxy::places::Places;
use dockgate::proxy::roster::Roster;
use dockgate::proxy::share::{ClientShare, Total};
use dockgate::proxy::socket::Socket;
use dockgate::runtime::Runtime;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

const PING: &str = "GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

const LIST: &str = "GET /v1.41/containers/json?all=1 HTTP/1.1\r\nHost: docker\r\n\
                    User-Agent: Docker-Client/29.0.0 (linux)\r\n\r\n";
const LISTED: &str = "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\n\
                      Transfer-Encoding: chunked\r\n\r\n4\r\n[{}]\r\n0\r\n\r\n";

const FORBIDDEN: &str = "GET /volumes HTTP/1.1\r\nHost: docker\r\n\r\n";

/// Requests that are counted, and those before them, with which everything grows to its size.
const COUNTED: u64 = 1000;
const BEFORE: u64 = 20;

/// What a refusal may allocate: its line in the log, its message, its answer.
const REFUSAL_MAX: u64 = 64;

/// Longer than anything here takes: only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The log is begun once for all tests.
static LOG: Once = Once::new();

/// The system's allocator, which counts.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// Where this thread's allocations are counted, if they are.
    static COUNT: Cell<Option<&'static AtomicU64>> = const { Cell::new(None) };
}

fn count_one() {
    // A thread that ends has no such place any more.
    if let Ok(Some(count)) = COUNT.try_with(Cell::get) {
        count.fetch_add(1, Relaxed);
    }
}

#[expect(unsafe_code, reason = "there is no other way to see allocations")]
// SAFETY: each call is passed on to the system's allocator as it came, with the promises that its
// caller made; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller's promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count_one();
        // SAFETY: the caller's promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count_one();
        // SAFETY: the caller's promises; the block is the system's.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises; the block is the system's.
        unsafe { System.dealloc(block, layout) }
    }
}

/// A served connection: the client's end of it, and what its loop's thread has allocated.
struct Served {
    client: UnixStream,
    count: &'static AtomicU64,
    path: PathBuf,
}

impl Served {
    /// A gate in front of a daemon that answers these requests.
    fn new(variables: &[(&str, &str)], answers: &'static [(&str, &str)]) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Relaxed);
        let name = format!("dockgate-allocations-{}-{number}.sock", std::process::id());
        let path = std::env::temp_dir().join(name);
        stand_in(&path, answers);
        let gate = Arc::new(gate(variables, &path));
        let (own, client) = UnixStream::pair().expect("a pair");
        own.set_nonblocking(true).expect("non-blocking mode");
        client.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let count: &'static AtomicU64 = Box::leak(Box::default());
        thread::spawn(move || {
            COUNT.set(Some(count));
            let serve = async {
                let client = Socket::accepted(own.into()).expect("registered");
                let seat = Rc::new(Roster::default()).seat();
                let places = Arc::new(Places::new(1, 0, ClientShare::USUAL));
                let place = places.take(Peer::User(0)).await.expect("a place");
                connection::serve(client, place, gate, seat).await;
            };
            Runtime::new().expect("a runtime").run(serve);
        });
        Self { client, count, path }
    }

    fn ask(&self, request: &str, answer: &str) {
        (&self.client).write_all(request.as_bytes()).expect("sent");
        let mut got = [0; 512];
        (&self.client).read_exact(&mut got[..answer.len()]).expect("an answer");
        assert_eq!(
            got[..answer.len()].escape_ascii().to_string(),
            answer.escape_default().to_string()
        );
    }

    /// How much is allocated meanwhile.
    fn allocations(&self, ask: impl Fn()) -> u64 {
        (0..BEFORE).for_each(|_| ask());
        let before = self.count.load(Relaxed);
        assert!(before > 0, "nothing is counted");
        (0..COUNTED).for_each(|_| ask());
        self.count.load(Relaxed) - before
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A gate as the program makes it.
fn gate(variables: &[(&str, &str)], path: &Path) -> Gate {
    let own = |(name, value): &(&str, &str)| (OsString::from(name), OsString::from(value));
    // A write that is let through has a line in the log otherwise.
    let variables = variables.iter().chain(&[("LOG_LEVEL", "warning")]);
    let config = Config::read(variables.map(own)).expect("a configuration");
    LOG.call_once(|| drop(Log::begin(config.log_level, config.log_format)));
    let metrics = config.metrics_listen.map(|_| Arc::default());
    Gate {
        observer: Observer::default().with_metrics(metrics),
        policy: Policy::new(config.policy, config.api_version_min, config.rules),
        limits: config.limits,
        daemon: Daemon::at(path).expect("a path"),
        relay: config.relay,
        info: Info::default(),
        judged: Judged::default(),
        collected: Total::of_bodies(&config.limits),
        begun: Total::of_heads(&config.limits),
    }
}

/// A daemon for one connection.
fn stand_in(path: &Path, answers: &'static [(&str, &str)]) {
    let listener = UnixListener::bind(path).expect("bound");
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("the gate connects");
        let mut room = vec![0; 1 << 20];
        loop {
            let mut filled = 0;
            let answer = loop {
                match socket.read(&mut room[filled..]) {
                    Ok(0) | Err(_) => return,
                    Ok(count) => filled += count,
                }
                let asked = |(asked, _): &&(&str, &str)| asked.as_bytes() == &room[..filled];
                if let Some((_, answer)) = answers.iter().find(asked) {
                    break answer;
                }
            };
            socket.write_all(answer.as_bytes()).expect("answered");
        }
    });
}

const OPEN: &[(&str, &str)] = &[("CONTAINERS", "1")];
const ANSWERS: &[(&str, &str)] = &[(PING, OK), (LIST, LISTED)];

#[test]
fn a_ping_allocates_nothing() {
    let served = Served::new(OPEN, ANSWERS);
    assert_eq!(served.allocations(|| served.ask(PING, OK)), 0);
}

#[test]
fn a_list_of_containers_allocates_nothing() {
    let served = Served::new(OPEN, ANSWERS);
    assert_eq!(served.allocations(|| served.ask(LIST, LISTED)), 0);
}

#[test]
fn what_is_counted_allocates_nothing_either() {
    let served = Served::new(&[OPEN, &[("METRICS_LISTEN", "127.0.0.1:9180")]].concat(), ANSWERS);
    assert_eq!(served.allocations(|| served.ask(LIST, LISTED)), 0);
}

#[test]
fn large_uploads_allocate_next_to_nothing_however_they_are_moved() {
    let body = "x".repeat(300 << 10);
    let head = "POST /images/load HTTP/1.1\r\nHost: docker\r\nContent-Length:";
    let request = format!("{head} {}\r\n\r\n{body}", body.len()).leak();
    for relay in ["auto", "copy", "splice"] {
        let variables = [("IMAGES", "1"), ("POST", "1"), ("RELAY", relay)];
        let served = Served::new(&variables, vec![(&*request, OK)].leak());
        let allocations = served.allocations(|| served.ask(request, OK));
        // A little that has to wait is kept in a place of its own size.
        assert!(allocations < COUNTED / 2, "RELAY={relay}: {allocations}");
    }
}

#[test]
fn a_refusal_allocates_a_little() {
    let served = Served::new(&[], ANSWERS);
    let refused = || {
        (&served.client).write_all(FORBIDDEN.as_bytes()).expect("sent");
        let mut got = [0; 1024];
        let count = (&served.client).read(&mut got).expect("an answer");
        assert!(got[..count].starts_with(b"HTTP/1.1 403 "));
    };
    // The daemon is never asked; nor is its stand-in.
    refused();
    let before = served.count.load(Relaxed);
    (0..3).for_each(|_| refused());
    let each = (served.count.load(Relaxed) - before) / 3;
    assert!((1..=REFUSAL_MAX).contains(&each), "{each} for each refusal");
}
