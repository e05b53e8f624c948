//! Random and mutated requests through the gate: whatever they are, the daemon's log afterwards
//! holds what an independent judge says it must, in that order, and nothing that it must not.
//!
//! Every request has a number in its query, those hidden in bodies too, so that each line of the log
//! tells which of them the daemon took for a request.

mod answers;
mod calls;
mod dice;
mod judge;
mod request;
mod target;

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::daemon::{Daemon, Mark};
use crate::engine::{ENGINES, Engine};
use crate::gate::Gate;
use crate::http::Endpoint;
use crate::lab::Lab;
use crate::process::eventually;
use crate::router::Route;
use crate::{ONE_OF_ALL, Proof};
pub use calls::tag;
use calls::{Calls, shown};
pub use dice::Dice;
use judge::Fate;
use request::{Maker, Request};
pub use target::{Target, target};

pub const PROOFS: &[Proof] = &[
    (
        "whatever requests are made of, the daemon runs what the policy allows, all of it, in order",
        what_is_allowed_and_nothing_else,
    ),
    ("what the gate lets through is answered as by the daemon itself", answers::are_the_daemons),
];

/// Requests in all; `DOCKGATE_RANDOM_REQUESTS` makes it more, `DOCKGATE_RANDOM_SEED` others.
const REQUESTS: usize = 50_000;
const SEED: usize = 0x5eed_d0c4;

/// Sent on one connection, at most.
const PIPELINED_MAX: usize = 6;

/// At work at the same time, about.
const CLIENTS: usize = 4;

/// Between two looks at the log.
const ROUND: usize = 500;

const POLICIES: [&str; 5] = [
    "CONTAINERS=1",
    "CONTAINERS=1 IMAGES=1 NETWORKS=1 VOLUMES=1 INFO=1 SYSTEM=1 TASKS=1 SERVICES=1 NODES=1 SECRETS=1 CONFIGS=1 SWARM=1 PLUGINS=1 EXEC=1",
    "CONTAINERS=1 POST=0 ALLOW_START=1 ALLOW_STOP=1 ALLOW_RESTARTS=1",
    "VERSION=0 EVENTS=0",
    "IMAGES=1 NETWORKS=1 VOLUMES=1 POST=1 DELETE=1",
];

/// What a gate stands in front of, and how it tells what it was asked to do.
pub trait Watched {
    /// Whether it has every operation that the gate knows.
    const HAS_ALL: bool;

    /// How it routes.
    fn engine(&self) -> &'static Engine;
    fn socket(&self) -> PathBuf;
    fn mark(&self) -> Mark;
    /// Methods and targets, in order.
    fn all_calls_since(&self, mark: &Mark) -> Vec<String>;
}

impl Watched for Daemon {
    const HAS_ALL: bool = true;

    fn engine(&self) -> &'static Engine {
        self.engine()
    }

    fn socket(&self) -> PathBuf {
        self.socket()
    }

    fn mark(&self) -> Mark {
        self.mark()
    }

    fn all_calls_since(&self, mark: &Mark) -> Vec<String> {
        self.all_calls_since(mark)
    }
}

fn what_is_allowed_and_nothing_else(lab: &Lab) -> Result<(), Failed> {
    let seed = setting("DOCKGATE_RANDOM_SEED", SEED);
    // One engine has most of them; which, changes with the seed.
    let most = ENGINES.iter().rev().nth(seed % ENGINES.len());
    let has_most = most.is_some_and(|engine| engine.name == lab.engine().name);
    let is_alone = std::env::var_os(ONE_OF_ALL).is_none();
    let share = if has_most || is_alone { 1 } else { 5 };
    play_policies(lab.daemon(), "dockerd", share)
}

/// Plays under each of the policies in turn, so many times fewer than are asked for.
pub fn play_policies<E: Watched>(engine: &E, name: &str, share: usize) -> Result<(), Failed> {
    let requests = setting("DOCKGATE_RANDOM_REQUESTS", REQUESTS) / POLICIES.len() / share;
    let seed = setting("DOCKGATE_RANDOM_SEED", SEED);
    println!("{name}: DOCKGATE_RANDOM_SEED={seed}");
    let mut maker = Maker { dice: Dice(seed.max(1).try_into()?), tags: 0 };
    for policy in POLICIES {
        let begin = Instant::now();
        let count = play_policy(engine, policy, requests, &mut maker)
            .map_err(|why| format!("seed {seed}, {policy}: {why}"))?;
        let rate = u128::try_from(count.sent)? * 1000 / begin.elapsed().as_millis().max(1);
        println!("{name}: {count}, {rate} requests/s: {policy}");
        // A gate that lets nothing through would prove nothing.
        if count.reached < requests / 100 {
            return Err(format!("{policy}: only {} requests got through", count.reached).into());
        }
    }
    Ok(())
}

/// What came of the requests under one policy.
#[derive(Default)]
struct Count {
    sent: usize,
    reached: usize,
    operations: BTreeSet<&'static str>,
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { sent, reached, operations } = self;
        let (refused, kinds) = (sent - reached, operations.len());
        write!(f, "{sent} sent, {reached} ran ({kinds} operations), {refused} did not")
    }
}

fn play_policy<E: Watched>(
    engine: &E,
    policy: &str,
    requests: usize,
    maker: &mut Maker,
) -> Result<Count, Box<dyn std::error::Error>> {
    let gate = Gate::start(&engine.socket(), policy)?;
    let router = engine.engine().router();
    let mut count = Count::default();
    while count.sent < requests {
        let mark = engine.mark();
        let mut conversations = Vec::new();
        let mut in_round = 0;
        while in_round < ROUND.min(requests) {
            let length = 1 + maker.dice.below(PIPELINED_MAX);
            let conversation: Vec<_> = (0..length).map(|_| maker.request()).collect();
            in_round += conversation.len();
            conversations.push(conversation);
        }
        let answers = play_all(&gate.endpoint(), &conversations, maker.dice.0);
        if E::HAS_ALL {
            for (conversation, answers) in conversations.iter().zip(&answers) {
                nothing_was_unknown(engine.engine(), conversation, answers)?;
            }
        }
        let fates: Vec<_> = conversations
            .iter()
            .map(|requests| judge::judge(&router, policy, requests, E::HAS_ALL))
            .collect();
        let due = |calls: &Calls| {
            let all = conversations.iter().flatten().zip(fates.iter().flatten());
            all.filter(|(_, fate)| **fate == Fate::Must).all(|(request, _)| calls.has(request.tag))
        };
        let mut calls = Calls::default();
        // A missing one is told of below, with what was sent.
        let _ = eventually(Duration::from_secs(5), || {
            calls = Calls::of(&engine.all_calls_since(&mark));
            Ok(due(&calls))
        });
        for (conversation, fates) in conversations.iter().zip(&fates) {
            calls.settle(conversation, fates)?;
            for request in conversation.iter().filter(|request| calls.has(request.tag)) {
                count.reached += 1;
                let target = &request.target;
                if let Route::Operation { id, .. } =
                    router.route(target.method, target.text.as_bytes())
                {
                    count.operations.insert(id);
                }
            }
        }
        calls.nothing_is_left(&conversations)?;
        count.sent += in_round;
    }
    Ok(count)
}

/// Plays conversations, some at the same time; what was answered to each.
fn play_all(endpoint: &Endpoint, conversations: &[Vec<Request>], seed: u64) -> Vec<Vec<u8>> {
    let share = conversations.len().div_ceil(CLIENTS);
    thread::scope(|scope| {
        let clients: Vec<_> = conversations
            .chunks(share)
            .zip(seed..)
            .map(|(share, seed)| {
                let mut dice = Dice(seed.max(1));
                scope.spawn(move || {
                    let answers = share.iter().map(|requests| play(endpoint, requests, &mut dice));
                    answers.collect::<Vec<_>>()
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap_or_default()).collect()
    })
}

/// Sends it in pieces, ends, and reads to the end. The gate may cut it off at any point.
fn play(endpoint: &Endpoint, requests: &[Request], dice: &mut Dice) -> Vec<u8> {
    let mut answers = Vec::new();
    let _ = exchange(endpoint, requests, dice, &mut answers);
    answers
}

fn exchange(
    endpoint: &Endpoint,
    requests: &[Request],
    dice: &mut Dice,
    answers: &mut Vec<u8>,
) -> io::Result<()> {
    let Endpoint::Tcp(address) = endpoint else { return Ok(()) };
    let bytes: Vec<u8> = requests.iter().flat_map(|request| request.bytes.clone()).collect();
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let cuts = [0, 0, 1, 3, 20][dice.below(5)];
    let mut ends: Vec<usize> = (0..cuts).map(|_| dice.below(bytes.len())).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut begin = 0;
    for end in ends {
        stream.write_all(&bytes[begin..end])?;
        begin = end;
    }
    stream.shutdown(Shutdown::Write)?;
    stream.read_to_end(answers)?;
    Ok(())
}

/// Whether nothing was passed on that the daemon has no route for, or would send elsewhere: it logs
/// neither, but its answer says so. What other daemons have is no mistake.
fn nothing_was_unknown(
    engine: &Engine,
    requests: &[Request],
    answers: &[u8],
) -> Result<(), String> {
    let text = String::from_utf8_lossy(answers);
    // The gate sends elsewhere too; only the daemon says when it did.
    let mut redirects = text.split("HTTP/1.1 301 ").skip(1);
    let is_redirected = redirects
        .any(|rest| rest.split("\r\n\r\n").next().is_some_and(|head| head.contains("Date:")));
    let said = is_redirected
        .then_some("301")
        .or_else(|| ["page not found", "URI: "].into_iter().find(|word| text.contains(word)));
    let is_elsewhere = |request: &Request| {
        let route = crate::router::route(request.target.method, request.target.text.as_bytes());
        matches!(route, Route::Operation { id, .. } if engine.absent.contains(&id))
    };
    match said {
        Some(word) if !requests.iter().any(is_elsewhere) => {
            Err(format!("passed on, and answered with {word:?}:\n{}{text}", shown(requests)))
        }
        Some(_) | None => Ok(()),
    }
}

fn setting(name: &str, default: usize) -> usize {
    let value = std::env::var(name).ok();
    value.and_then(|text| text.replace('_', "").parse().ok()).unwrap_or(default)
}
