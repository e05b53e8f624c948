//! What the gate looks like from outside at one moment, and what of that may not grow.

use crate::Failure;
use crate::gate::Gate;
use std::time::Duration;

/// What the gate may have more of in quiet than at most when it was warm and at work.
const GROWTH_KIB_MAX: u64 = 512;

/// The allocator's free memory goes up and down; a leak goes up.
const DRIFT_KIB_MAX: u64 = 512;

/// Pipes that a worker keeps from one upload to the next (`src/proxy/pipe.rs`).
const PIPES_MAX: usize = 4;

#[derive(Clone, Copy)]
pub struct Sample {
    /// Since the start of the load.
    pub at: Duration,
    pub resident_kib: u64,
    pub threads: u64,
    pub files: usize,
    pub pipes: usize,
    pub connections: u64,
    pub tunnels: u64,
    /// Of its metrics.
    pub series: usize,
    /// Requests that it has counted so far.
    pub requests: u64,
    pub cpu: Duration,
}

impl Sample {
    pub fn take(gate: &Gate, at: Duration) -> Result<Self, Failure> {
        // Before it is asked: that takes a connection.
        let (files, pipes) = gate.descriptors()?;
        let scrape = gate.scrape()?;
        Ok(Self {
            at,
            resident_kib: gate.status("VmRSS")?,
            threads: gate.status("Threads")?,
            files,
            pipes,
            connections: scrape.connections,
            tunnels: scrape.tunnels,
            series: scrape.lines,
            requests: scrape.requests.values().sum(),
            cpu: gate.cpu()?,
        })
    }
}

/// Everything that was sampled.
pub struct Samples {
    /// Before the load.
    pub start: Sample,
    /// Under load.
    pub load: Vec<Sample>,
    /// When it is quiet again.
    pub end: Sample,
    /// From when on it is warm.
    pub warm: Duration,
}

impl Samples {
    /// Those after warming up.
    fn warmed(&self) -> Vec<Sample> {
        self.load.iter().filter(|sample| sample.at >= self.warm).copied().collect()
    }

    /// One each of the beginning, of when it was warm, of the quarters, and of the end.
    pub fn shown(&self) -> Vec<(&'static str, Sample)> {
        let warmed = self.warmed();
        let part = |quarter: usize| warmed.get((warmed.len() * quarter / 4).max(1) - 1).copied();
        let names = ["warm", "1st quarter", "half", "3rd quarter", "end of load"];
        let mut shown = vec![("start", self.start)];
        let parts = names.into_iter().zip(0..);
        shown.extend(parts.filter_map(|(name, quarter)| Some((name, part(quarter)?))));
        shown.push(("quiet", self.end));
        shown
    }

    /// What has grown or stayed, in words.
    pub fn faults(&self) -> Vec<String> {
        let mut found = Vec::new();
        let warmed = self.warmed();
        let resident = |samples: &[Sample]| -> Vec<u64> {
            let mut sizes: Vec<u64> = samples.iter().map(|sample| sample.resident_kib).collect();
            sizes.sort_unstable();
            sizes
        };
        let quarter = warmed.len().div_ceil(4);
        let first = resident(&warmed[..quarter]);
        let last = resident(&warmed[warmed.len() - quarter..]);
        // The first quarter has the figures of a gate that is warm.
        let most = first.last().copied().unwrap_or(0);
        if self.end.resident_kib > most + GROWTH_KIB_MAX {
            let end = self.end.resident_kib;
            found.push(format!("RSS in quiet is {end} KiB, and was at most {most} KiB when warm"));
        }
        let median = |sizes: &[u64]| sizes.get(sizes.len() / 2).copied().unwrap_or(0);
        if median(&last) > median(&first) + DRIFT_KIB_MAX {
            let (first, last) = (median(&first), median(&last));
            found.push(format!("RSS has drifted from {first} KiB to {last} KiB"));
        }
        if self.end.files != self.start.files {
            let (start, end) = (self.start.files, self.end.files);
            found.push(format!("{end} files are open in quiet, and were {start} at the start"));
        }
        if self.end.pipes > PIPES_MAX {
            found.push(format!("{} pipes are kept", self.end.pipes));
        }
        if (self.end.connections, self.end.tunnels) != (0, 0) {
            let (connections, tunnels) = (self.end.connections, self.end.tunnels);
            found.push(format!("it says {connections} connections and {tunnels} tunnels in quiet"));
        }
        if self.end.threads != self.start.threads {
            found
                .push(format!("{} threads, {} at the start", self.end.threads, self.start.threads));
        }
        found
    }
}
