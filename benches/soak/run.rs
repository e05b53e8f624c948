//! A run: daemon, gate and clients are started, watched, stopped, and looked at once more.

use crate::Failure;
use crate::bed::Hand;
use crate::engine::{self, Engine};
use crate::gate::{Gate, Scrape};
use crate::kinds::{self, Kind};
use crate::options::Options;
use crate::report;
use crate::samples::{Sample, Samples};
use crate::stand_in;
use crate::tally::Tally;
use crate::trail::Trail;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often the gate is looked at, on a long run.
const SAMPLE_EVERY: Duration = Duration::from_secs(10);

/// And at least so often.
const SAMPLES_MIN: u32 = 40;

/// What the gate needs to close a connection that has been answered.
const SETTLING: Duration = Duration::from_millis(300);

/// How long everybody may take to leave.
const QUIET_PATIENCE: Duration = Duration::from_secs(30);

pub fn run(options: &Options) -> Result<(), Failure> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let folder = Folder::new()?;
    let stand_in = folder.0.join("daemon.sock");
    stand_in::start(&stand_in)?;
    let mut faults = soak("Stand-in daemon", kinds::KINDS, &stand_in, &folder.0, options)?;
    if options.engine {
        let engine = Engine::start(&folder.0.join("engine"))?;
        faults.extend(soak("dockerd", engine::KINDS, &engine.socket(), &folder.0, options)?);
    }
    for fault in &faults {
        println!("- FAULT: {fault}");
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("{} faults", faults.len()).into()) }
}

/// A gate in front of this daemon, from its start to its end; the faults that were found.
fn soak(
    title: &str,
    kinds: &'static [Kind],
    daemon: &Path,
    folder: &Path,
    options: &Options,
) -> Result<Vec<String>, Failure> {
    let audit = daemon.with_file_name("audit.sock");
    let trail = Trail::start(&audit)?;
    let mut gate = Gate::start(&options.gate, folder, daemon, &audit)?;
    let tally = Arc::new(Tally::default());
    gate.expect_ready()?;
    thread::sleep(SETTLING);
    let start = Sample::take(&gate, Duration::ZERO)?;
    let load = under_load(options, kinds, &gate, &tally)?;
    let end = in_quiet(&gate, &start, options.time)?;
    let samples = Samples { start, load, end, warm: options.time / 10 };
    let counts = tally.counts().clone();
    report::print(title, options.time, &samples, &counts);

    let mut faults = samples.faults();
    for (kind, count) in &counts.kinds {
        faults.extend(count.told.iter().map(|why| format!("{kind}: {why}")));
    }
    let idle = kinds.iter().filter(|kind| !counts.kinds.contains_key(kind.name));
    faults.extend(idle.map(|kind| format!("{}: never played", kind.name)));
    let scrape = gate.scrape()?;
    faults.extend(counts.disagreements(&scrape.requests));
    let status = gate.stop()?;
    let log = gate.log();
    let panics = log.matches("panicked at").count();
    if !status.success() || panics > 0 {
        let place = log.lines().position(|line| line.contains("panicked at"));
        let lines: Vec<&str> = match place {
            Some(place) => log.lines().skip(place).take(5).collect(),
            None => log.lines().rev().take(5).collect(),
        };
        let told = lines.join("; ");
        faults.push(format!("the gate has ended with {status}, after {panics} panics: {told}"));
    }
    faults.extend(trail_faults(&trail, &scrape, counts.tunnels));
    Ok(faults)
}

/// The gate has ended: all that it recorded is here, or about to be.
fn trail_faults(trail: &Trail, scrape: &Scrape, tunnels: u64) -> Vec<String> {
    let begun = Instant::now();
    let total = |trail: &Trail| trail.told().requests.values().sum::<u64>();
    while total(trail) < scrape.requests.values().sum() && begun.elapsed() < QUIET_PATIENCE {
        thread::sleep(Duration::from_millis(50));
    }
    let told = trail.told();
    println!(
        "The audit trail has {} records of requests, {} of tunnels.\n",
        total(trail),
        told.tunnels
    );
    let mut found = Vec::new();
    if told.requests != scrape.requests {
        found.push(format!(
            "the audit trail has {:?}, and /metrics {:?}",
            told.requests, scrape.requests
        ));
    }
    if told.tunnels != tunnels {
        found.push(format!("the audit trail has {} tunnels, the clients {tunnels}", told.tunnels));
    }
    if (told.unreadable, scrape.audit_lost) != (0, 0) {
        let lost = scrape.audit_lost;
        found.push(format!("{} records can't be read, {lost} are lost", told.unreadable));
    }
    found
}

/// Has everybody play, and samples meanwhile.
fn under_load(
    options: &Options,
    kinds: &'static [Kind],
    gate: &Gate,
    tally: &Arc<Tally>,
) -> Result<Vec<Sample>, Failure> {
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    let every = SAMPLE_EVERY.min(options.time / SAMPLES_MIN);
    thread::scope(|scope| {
        let over = &over;
        let mut seed = 0;
        for kind in kinds {
            for _ in 0..kind.hands {
                seed += 1;
                let hand = Hand::new(seed, tally, [gate.tcp.clone(), gate.unix.clone()]);
                scope.spawn(move || play(kind, hand, options.rate, over));
            }
        }
        let mut samples = Vec::new();
        let mut outcome = Ok(());
        while begun.elapsed() < options.time && outcome.is_ok() {
            thread::sleep(every);
            outcome = Sample::take(gate, begun.elapsed()).map(|sample| samples.push(sample));
        }
        over.store(true, Ordering::Relaxed);
        outcome.map(|()| samples)
    })
}

/// One hand, at its pace. Who is late does not hurry afterwards.
fn play(kind: &Kind, mut hand: Hand, rate: f64, over: &AtomicBool) {
    let every = Duration::from_secs_f64(f64::from(kind.hands) / (kind.per_second * rate));
    // Not all at once.
    let thousandths = u32::try_from(hand.random.between(0, 1000)).unwrap_or_default();
    let mut next = Instant::now() + every * thousandths / 1000;
    while !over.load(Ordering::Relaxed) {
        let now = Instant::now();
        if now < next {
            // The end is waited for by nobody for long.
            thread::sleep((next - now).min(Duration::from_millis(500)));
            continue;
        }
        next = (next + every).max(now);
        let outcome = (kind.play)(&mut hand);
        hand.tally.played(kind.name, outcome.map_err(|failure| failure.to_string()));
    }
}

/// Waits until the gate has let everybody go, and a moment more.
fn in_quiet(gate: &Gate, start: &Sample, at: Duration) -> Result<Sample, Failure> {
    let begun = Instant::now();
    loop {
        thread::sleep(Duration::from_secs(1));
        let sample = Sample::take(gate, at + begun.elapsed())?;
        let quiet = sample.connections == 0 && sample.files <= start.files;
        if quiet || begun.elapsed() > QUIET_PATIENCE {
            return Ok(sample);
        }
    }
}

/// Where sockets and logs are, removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let folder = env::temp_dir().join(format!("dockgate-soak-{}", std::process::id()));
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
