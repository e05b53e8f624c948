//! What the clients have counted: how often each kind was played, what went wrong, and which of the
//! gate's counters must have risen by how much.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A series of the gate's: operation, verdict, reason.
pub type Series = [String; 3];

/// Failures of one kind that are told in full.
const TOLD_MAX: usize = 5;

/// Shared by all clients.
#[derive(Default)]
pub struct Tally(Mutex<Counts>);

#[derive(Clone, Default)]
pub struct Counts {
    /// By kind: how often, and how often not as it should have been.
    pub kinds: BTreeMap<&'static str, Count>,
    /// What must have been counted.
    pub exact: BTreeMap<Series, u64>,
    /// What must have been counted of an operation, whatever became of it.
    pub somehow: BTreeMap<String, u64>,
    /// Tunnels that were opened.
    pub tunnels: u64,
}

#[derive(Clone, Default)]
pub struct Count {
    pub played: u64,
    pub failed: u64,
    /// What was wrong, of the first.
    pub told: Vec<String>,
}

impl Tally {
    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something was asked, and this became of it.
    pub fn expect(&self, operation: &str, verdict: &str, reason: &str) {
        let series = [operation, verdict, reason].map(str::to_owned);
        *self.counts().exact.entry(series).or_default() += 1;
    }

    pub fn allowed(&self, operation: &str) {
        self.expect(operation, "allowed", "-");
    }

    /// Something was asked, and nobody here knows what became of it.
    pub fn expect_somehow(&self, operation: &str) {
        *self.counts().somehow.entry(operation.to_owned()).or_default() += 1;
    }

    /// A tunnel was opened.
    pub fn tunnelled(&self) {
        self.counts().tunnels += 1;
    }

    /// A kind was played.
    pub fn played(&self, kind: &'static str, outcome: Result<(), String>) {
        let mut counts = self.counts();
        let count = counts.kinds.entry(kind).or_default();
        count.played += 1;
        if let Err(why) = outcome {
            count.failed += 1;
            if count.told.len() < TOLD_MAX {
                count.told.push(why);
            }
        }
    }
}

impl Counts {
    /// Where these series of the gate's are others than they should be, in words.
    pub fn disagreements(&self, told: &BTreeMap<Series, u64>) -> Vec<String> {
        let mut found = Vec::new();
        let mut sums: BTreeMap<&String, u64> = BTreeMap::new();
        for (series, &count) in told {
            let [operation, ..] = series;
            if self.somehow.contains_key(operation) {
                *sums.entry(operation).or_default() += count;
            } else {
                let expected = self.exact.get(series).copied().unwrap_or(0);
                if expected != count {
                    found.push(format!("{}: {count}, the clients: {expected}", series.join(" ")));
                }
            }
        }
        for (series, expected) in &self.exact {
            if !told.contains_key(series) {
                found.push(format!("{}: none, the clients: {expected}", series.join(" ")));
            }
        }
        for (operation, &expected) in &self.somehow {
            let count = sums.get(operation).copied().unwrap_or(0);
            if count != expected {
                found.push(format!("{operation}: {count}, the clients: {expected}"));
            }
        }
        found
    }
}
