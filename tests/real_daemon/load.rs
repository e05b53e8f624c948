//! Many connections, connections that vanish, bodies larger than any buffer: nothing is dropped, nothing stays behind.

use std::io;
use std::process::Child;
use std::thread;
use std::time::Duration;

use libtest_mimic::Failed;

use crate::Proof;
use crate::gate::{Gate, descriptors};
use crate::http::{Connection, Endpoint};
use crate::lab::Lab;
use crate::process::{eventually, run_within, signal};

const IDLE_CONNECTIONS: usize = 1_000;
const BUSY_CONNECTIONS: usize = 100;
const EXCHANGES_EACH: usize = 20;
const FOLLOWERS: usize = 50;
/// Far less than the body, and far more than the buffers of a few connections.
const GROWTH_KIB_MAX: u64 = 4 * 1024;
const TWO_GIB: u64 = 2 * 1024 * 1024 * 1024;
const CARRIED_WITHIN: Duration = Duration::from_secs(300);
/// Docker 20.10 keeps an attached connection until the container ends, even if its client was on the socket itself.
const ATTACH: &str = "/containers/box/attach?stream=1&stdin=1&stdout=1";
/// What is closed is closed at once; this is for a busy machine.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);

pub const PROOFS: &[Proof] = &[
    ("a thousand idle connections and a hundred busy ones are all served", everybody_is_served),
    ("followers of a silent log that are killed leave no descriptor behind", killed_followers),
    ("streams whose client closes leave no descriptor behind", closed_streams),
    ("two GiB go to a process's stdin in constant memory", |lab| {
        is_carried(lab, "head -c $SIZE /dev/zero | docker exec -i box wc -c")
    }),
    ("two GiB come from a process's stdout in constant memory", |lab| {
        is_carried(lab, "docker exec box head -c $SIZE /dev/zero | wc -c")
    }),
    ("two GiB are uploaded in chunks in constant memory", |lab| {
        // An archive that ends at once: the daemon reads the zeros after it, and keeps nothing.
        is_carried(
            lab,
            "{ head -c $SIZE /dev/zero; echo $SIZE >&2; } 2>size | docker cp - box:/tmp && cat size",
        )
    }),
    ("two GiB are downloaded in chunks in constant memory", |lab| {
        is_carried(
            lab,
            "docker exec box truncate -s $SIZE /sparse && docker cp box:/sparse - | tail -c +513 | head -c $SIZE | wc -c",
        )
    }),
];

fn everybody_is_served(lab: &Lab) -> Result<(), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), "CONTAINERS=1")?;
    let mut idle =
        (0..IDLE_CONNECTIONS).map(|_| pinged(&gate.endpoint())).collect::<io::Result<Vec<_>>>()?;
    let busy: Vec<_> = (0..BUSY_CONNECTIONS)
        .map(|_| {
            let endpoint = gate.endpoint();
            thread::spawn(move || is_busy(&endpoint))
        })
        .collect();
    for thread in busy {
        thread.join().map_err(|_| "a busy client panicked")??;
    }
    for connection in &mut idle {
        ping(connection)?;
    }
    drop(idle);
    gate.stop()?;
    Ok(())
}

fn is_busy(endpoint: &Endpoint) -> io::Result<()> {
    let mut connection = endpoint.connect()?;
    for _ in 0..EXCHANGES_EACH {
        let list = connection.ask("GET", "/containers/json", "")?;
        if (list.status, list.body.trim()) != (200, "[]") {
            return Err(io::Error::other(list.body));
        }
    }
    Ok(())
}

fn pinged(endpoint: &Endpoint) -> io::Result<Connection> {
    let mut connection = endpoint.connect()?;
    ping(&mut connection)?;
    Ok(connection)
}

fn ping(connection: &mut Connection) -> io::Result<()> {
    let pong = connection.ask("GET", "/_ping", "")?;
    if pong.status == 200 { Ok(()) } else { Err(io::Error::other(pong.body)) }
}

fn killed_followers(lab: &Lab) -> Result<(), Failed> {
    let (gate, open) = with_a_silent_container(lab)?;
    let follow = || lab.command(&gate.endpoint(), "exec docker logs --follow box").spawn();
    let mut followers = (0..FOLLOWERS).map(|_| follow()).collect::<io::Result<Vec<Child>>>()?;
    let arrived = open.grow_by(FOLLOWERS);
    for follower in &mut followers {
        signal(follower, "KILL");
        follower.wait()?;
    }
    arrived?;
    open.shrink_back()
}

fn closed_streams(lab: &Lab) -> Result<(), Failed> {
    for (method, target) in [
        ("GET", "/containers/box/logs?follow=1&stdout=1"),
        ("GET", "/containers/box/stats?stream=1"),
        ("GET", "/events"),
        ("POST", "/containers/box/wait"),
        ("POST", ATTACH),
    ] {
        let (gate, mut open) = with_a_silent_container(lab)?;
        let stream = || -> io::Result<Connection> {
            let mut connection = gate.endpoint().connect()?;
            let head = connection.open(method, target, "")?;
            if head.status == 200 {
                Ok(connection)
            } else {
                Err(io::Error::other(head.status.to_string()))
            }
        };
        let streams = (0..FOLLOWERS).map(|_| stream()).collect::<io::Result<Vec<_>>>()?;
        open.grow_by(FOLLOWERS)?;
        drop(streams);
        if target == ATTACH {
            open.daemon = None;
        }
        open.shrink_back().map_err(|error| format!("{method} {target}: {error:?}"))?;
        lab.daemon().sweep()?;
    }
    Ok(())
}

fn with_a_silent_container(lab: &Lab) -> Result<(Gate, Open), Failed> {
    let gate = Gate::start(&lab.daemon().socket(), "CONTAINERS=1 EXEC=1 POST=1 ENGINE_FIXED=*")?;
    let started = lab.shell(
        &lab.daemon().endpoint(),
        "docker run -d -i --name box --network none bb sleep 300",
    )?;
    if started.code != Some(0) {
        return Err(started.stderr().into());
    }
    let open = Open::now(&gate, lab)?;
    Ok((gate, open))
}

/// How many descriptors the two processes had open before the clients came.
struct Open {
    gate: (u32, usize),
    /// `None` where the daemon is known to keep them, gate or no gate.
    daemon: Option<(u32, usize)>,
}

impl Open {
    fn now(gate: &Gate, lab: &Lab) -> io::Result<Self> {
        let count = |pid| Ok::<_, io::Error>((pid, descriptors(pid)?));
        Ok(Self { gate: count(gate.pid())?, daemon: Some(count(lab.daemon().pid())?) })
    }

    /// Both sides hold at least one more for each client: the clients have arrived.
    fn grow_by(&self, clients: usize) -> Result<(), Failed> {
        self.reach("the clients have not arrived", |before, now| now >= before + clients)
    }

    fn shrink_back(&self) -> Result<(), Failed> {
        self.reach("descriptors stay behind", |before, now| now <= before)
    }

    fn reach(
        &self,
        otherwise: &str,
        is_reached: impl Fn(usize, usize) -> bool,
    ) -> Result<(), Failed> {
        let sides = [("the gate", Some(self.gate)), ("the daemon", self.daemon)];
        let watched = sides.into_iter().filter_map(|(name, side)| side.map(|side| (name, side)));
        for (name, (pid, before)) in watched {
            let reached = eventually(CLOSED_WITHIN, || Ok(is_reached(before, descriptors(pid)?)));
            reached.map_err(|_| {
                format!("{otherwise} in {name}: {before}, then {:?}", descriptors(pid))
            })?;
        }
        Ok(())
    }
}

/// Runs `line` through a gate, which must print how many bytes have arrived and leave the gate as small as it was.
fn is_carried(lab: &Lab, line: &str) -> Result<(), Failed> {
    let (gate, _) = with_a_silent_container(lab)?;
    // What the first exchange needs is not growth.
    lab.shell(&gate.endpoint(), "echo warm | docker exec -i box cat")?;
    let before = gate.peak_memory_kib()?;
    let mut command = lab.command(&gate.endpoint(), &format!("SIZE={TWO_GIB}; {line}"));
    let carried = run_within(&mut command, CARRIED_WITHIN)?;
    if carried.stdout().trim() != TWO_GIB.to_string() {
        return Err(format!(
            "exit code {:?}: {} {}",
            carried.code,
            carried.stdout(),
            carried.stderr()
        )
        .into());
    }
    let growth = gate.peak_memory_kib()? - before;
    if growth > GROWTH_KIB_MAX {
        return Err(format!("the gate grew by {growth} KiB from {before} KiB").into());
    }
    Ok(())
}
