//! What comparisons and counts have in common: the machine made ready, the stand-in daemon, and the
//! list of those who are looked at.

use crate::Failure;
use crate::options::Options;
use crate::processes::{Daemon, Kind, installed};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use std::path::PathBuf;

/// The gate as it is built here.
pub const OURS: &str = env!("CARGO_BIN_EXE_dockgate");

/// Column or row, and what it stands for.
pub struct Subject {
    pub name: String,
    pub kind: Kind,
}

/// A run under way; what was started ends with it.
pub struct Run {
    pub daemon: Daemon,
    signals: SignalFd,
}

impl Run {
    pub fn begin(options: &Options) -> Result<Self, Failure> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        signals.thread_block()?;
        let signals =
            SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        if options.pinned {
            pin()?;
        }
        Ok(Self { daemon: Daemon::start()?, signals })
    }

    /// An interrupt is seen between two measurements, so that everything is tidied up.
    pub fn go_on(&self) -> Result<(), Failure> {
        match self.signals.read_signal()? {
            None => Ok(()),
            Some(_) => Err("interrupted".into()),
        }
    }
}

/// On the last processor: the first has the machine's interrupts. Children inherit it.
fn pin() -> Result<(), Failure> {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this)?;
    let last = (0..CpuSet::count()).rev().find(|cpu| allowed.is_set(*cpu).unwrap_or(false));
    let mut one = CpuSet::new();
    one.set(last.ok_or("no processor")?)?;
    Ok(sched_setaffinity(this, &one)?)
}

/// The fixed ones, and further builds and settings of the gate.
pub fn subjects(options: &Options) -> Result<Vec<Subject>, Failure> {
    let ours = PathBuf::from(OURS);
    let mut subjects = vec![
        Subject { name: "straight".to_owned(), kind: Kind::Straight },
        Subject { name: "copier".to_owned(), kind: Kind::Copier },
    ];
    match installed("haproxy") {
        Some(binary) => {
            subjects.push(Subject { name: "HAProxy".to_owned(), kind: Kind::Haproxy { binary } });
        }
        None => eprintln!("peers: HAProxy is not installed, and left out"),
    }
    let gate = |name: &str, binary: PathBuf, settings| Subject {
        name: name.to_owned(),
        kind: Kind::Gate { binary, settings },
    };
    subjects.push(gate("dockgate", ours.clone(), Vec::new()));
    for binary in &options.gates {
        subjects.push(gate(&binary.display().to_string(), binary.clone(), Vec::new()));
    }
    for words in &options.subjects {
        subjects.push(gate(words, ours.clone(), settings(words)?));
    }
    Ok(subjects)
}

/// `A=1 B=2`
fn settings(words: &str) -> Result<Vec<(String, String)>, Failure> {
    let pair = |word: &str| {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("{word}: no NAME=VALUE"))?;
        Ok((name.to_owned(), value.to_owned()))
    };
    words.split_whitespace().map(pair).collect()
}
