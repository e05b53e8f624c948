//! A daemon that is killed and comes back, again and again, under load: each request is answered, told
//! of as failed, or cut off; none goes to the daemon twice; and everybody is served in the end. The
//! daemon that dies is a second gate, whose daemon is the test.

use super::gate::{Dir, Gate, OPEN, wait_until};
use super::ledger::Ledger;
use super::peer::{PATIENCE, Peer};
use super::stand_in::{OK, PING, StandIn, WHO};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: usize = 6;
const RESTARTS: usize = 6;

/// How often each token has come.
type Seen = Mutex<BTreeMap<String, usize>>;

fn request(token: &str) -> String {
    format!("POST /containers/{token}/kill HTTP/1.1\r\nHost: docker\r\n\r\n")
}

fn answer(token: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{token}", token.len())
}

/// Answers everybody with its own token, and keeps count.
fn serve(daemon: &StandIn, seen: &Seen, over: &AtomicBool) {
    thread::scope(|scope| {
        while !over.load(Relaxed) {
            let Some(peer) = daemon.accept_if_any() else {
                thread::sleep(Duration::from_millis(1));
                continue;
            };
            scope.spawn(move || {
                loop {
                    let head = peer.read_up_to_blank_line();
                    if head.is_empty() {
                        return;
                    }
                    if head == WHO {
                        let version = "{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\"}";
                        let _ = peer.try_send(answer(version));
                        continue;
                    }
                    if head == PING {
                        let _ = peer.try_send(OK);
                        continue;
                    }
                    let token = head.split('/').nth(2).unwrap_or_default().to_owned();
                    *seen.lock().expect("a count").entry(token.clone()).or_default() += 1;
                    let _ = peer.try_send(answer(&token));
                }
            });
        }
    });
}

/// Says that it is over when dropped.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// What a client has come to.
#[derive(Default)]
struct Fates {
    answered: AtomicUsize,
    failed: AtomicUsize,
    cut: AtomicUsize,
}

fn play(gate: &Gate, name: usize, fates: &Fates, seen: &Seen, over: &AtomicBool) {
    let mut client = gate.client();
    let mut number = 0;
    while !over.load(Relaxed) {
        number += 1;
        let token = format!("t{name}x{number}");
        client.send(request(&token));
        let head = client.read_up_to_blank_line();
        if head.is_empty() {
            fates.cut.fetch_add(1, Relaxed);
            client = gate.client();
        } else if head.starts_with("HTTP/1.1 200 ") {
            client.expect(&token);
            assert_eq!(seen.lock().expect("a count").get(&token), Some(&1), "{token}");
            fates.answered.fetch_add(1, Relaxed);
        } else {
            let is_told = head.starts_with("HTTP/1.1 502 ") || head.starts_with("HTTP/1.1 503 ");
            assert!(is_told, "{head}");
            fates.failed.fetch_add(1, Relaxed);
            client = gate.client();
        }
    }
    client.send(PING);
    client.expect(OK);
}

#[test]
fn a_daemon_that_is_killed_and_comes_back_under_load_gets_nothing_twice() {
    let (dir, own) = (Dir::new(), Dir::new());
    let between = format!("unix://{}", dir.daemon().display());
    let socket = own.daemon().display().to_string();
    let daemon = StandIn::at(&own.daemon());
    let variables = [OPEN, &[("LISTEN", &between), ("SOCKET_PATH", &socket)]].concat();
    let (seen, over, ended) = (Seen::default(), AtomicBool::default(), AtomicBool::default());
    let fates = Fates::default();
    let mut inner = Gate::start(Dir::new(), &variables);
    let gate = Gate::start(dir, OPEN);
    thread::scope(|scope| {
        // Also where this fails: the scope waits for who serves.
        let ending = End(&ended);
        scope.spawn(|| serve(&daemon, &seen, &ended));
        wait_until("the gate to know its daemon", || {
            gate.log().contains("Connected to Docker Engine")
        });
        let ledger = Ledger::open(&gate);
        let clients: Vec<_> = (0..CLIENTS)
            .map(|name| {
                let (gate, fates, seen, over) = (&gate, &fates, &seen, &over);
                scope.spawn(move || play(gate, name, fates, seen, over))
            })
            .collect();
        for _ in 0..RESTARTS {
            more_than(&fates.answered, 20);
            inner.signal("KILL");
            inner.wait();
            inner = Gate::start(Dir::new(), &variables);
        }
        more_than(&fates.answered, 20);
        over.store(true, Relaxed);
        for client in clients {
            client.join().expect("served");
        }
        ledger.close();
        inner.signal("KILL");
        drop(ending);
    });
    let seen = seen.into_inner().expect("a count");
    let twice: Vec<_> = seen.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    // None was answered that had not come; who was cut off or told of a failure can't know.
    let lost = fates.cut.into_inner() + fates.failed.into_inner();
    let answered = fates.answered.into_inner();
    assert!((answered..=answered + lost).contains(&seen.len()), "{answered} {lost} {}", seen.len());
    assert!(lost > 0, "nobody was ever disturbed");
}

/// Waits until so many more have come.
#[track_caller]
fn more_than(count: &AtomicUsize, more: usize) {
    let (before, begun) = (count.load(Relaxed), Instant::now());
    while count.load(Relaxed) < before + more {
        assert!(begun.elapsed() < PATIENCE, "nobody is served");
        thread::sleep(Duration::from_millis(1));
    }
}

impl Peer {
    /// A head as far as it comes; empty if the connection has ended.
    fn read_up_to_blank_line(&self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = self.read_up_to(1);
            if byte.is_empty() {
                return String::new();
            }
            head.extend(byte);
        }
        String::from_utf8(head).unwrap_or_default()
    }
}
