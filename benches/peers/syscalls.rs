//! How many system calls each thing costs the process in between, by name, as strace counts them.

use crate::Failure;
use crate::load;
use crate::options::Options;
use crate::processes::{Kind, Peer, Process, installed, spawn};
use crate::run::{self, Run};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::SockAddr;
use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};

/// How often each is done; what happens once beside does not show then.
const TIMES: u32 = 1000;

/// With as many to warm up.
const DONE: f64 = 1100.0;

/// What is counted, and how it is brought about.
struct Unit {
    name: &'static str,
    /// The copier lets everything through.
    refusal: bool,
    act: fn(&SockAddr) -> Result<(), Failure>,
}

const UNITS: [Unit; 4] = [
    Unit {
        name: "a request on a kept connection",
        refusal: false,
        act: |address| load::kept(address, load::PING, 200, TIMES).map(drop),
    },
    Unit {
        name: "a refused one on a kept connection",
        refusal: true,
        act: |address| load::kept(address, load::REFUSED, 403, TIMES).map(drop),
    },
    Unit {
        name: "a new connection and one request",
        refusal: false,
        act: |address| load::made(address, TIMES).map(drop),
    },
    Unit {
        name: "a byte there and back, attached",
        refusal: false,
        act: |address| load::echoed(address, TIMES).map(drop),
    },
];

/// Counts, and prints a table.
pub fn count(options: &Options) -> Result<(), Failure> {
    installed("strace").ok_or("strace is not installed")?;
    let subjects = run::subjects(options)?;
    let run = Run::begin(options)?;
    println!("| | | calls | by name |\n|---|---|---|---|");
    for subject in &subjects {
        for unit in &UNITS {
            run.go_on()?;
            if unit.refusal && matches!(subject.kind, Kind::Straight | Kind::Copier) {
                continue;
            }
            // A fresh one, so that no count has another's rest in it.
            let (peer, _) = Peer::start(&subject.kind, &run.daemon.socket())?;
            let Some(process) = peer.process() else { continue };
            let mut trace = Trace::begin(process)?;
            (unit.act)(&peer.address)?;
            let calls = trace.end()?;
            let all: f64 = calls.iter().map(|call| call.times).sum();
            let names: Vec<String> = calls.iter().filter_map(Call::shown).collect();
            println!("| {} | {} | {all:.1} | {} |", subject.name, unit.name, names.join(", "));
        }
    }
    Ok(())
}

/// One kind of call, and how often it was done for each unit.
struct Call {
    name: String,
    times: f64,
}

impl Call {
    /// None for what hardly ever happens: timers, a buffer that grows.
    fn shown(&self) -> Option<String> {
        (self.times >= 0.05).then(|| format!("{} {:.1}", self.name, self.times))
    }
}

/// strace, attached to a process.
struct Trace {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl Trace {
    fn begin(process: &Process) -> Result<Self, Failure> {
        let mut command = Command::new("strace");
        command.args(["-f", "-c", "-p", &process.id().to_string()]);
        let mut child = spawn(command.stdin(Stdio::null()).stderr(Stdio::piped()))?;
        let stderr = child.stderr.take().ok_or("strace has no output")?;
        let mut trace = Self { child, said: BufReader::new(stderr).lines() };
        match trace.said.next() {
            Some(Ok(line)) if line.contains("attached") => Ok(trace),
            Some(Ok(line)) => Err(line.into()),
            Some(Err(_)) | None => Err("strace does not attach".into()),
        }
    }

    /// Detaches, and reads its table: percent, seconds, each, calls, perhaps errors, the name.
    fn end(&mut self) -> Result<Vec<Call>, Failure> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGINT)?;
        let mut calls = Vec::new();
        for line in self.said.by_ref() {
            let line = line?;
            let words: Vec<&str> = line.split_whitespace().collect();
            let [percent, _, _, count, .., name] = words[..] else { continue };
            let (Ok(_), Ok(count)) = (percent.parse::<f64>(), count.parse::<u32>()) else {
                continue;
            };
            if name != "total" {
                calls.push(Call { name: name.to_owned(), times: f64::from(count) / DONE });
            }
        }
        calls.sort_by(|one, other| other.times.total_cmp(&one.times));
        Ok(calls)
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
