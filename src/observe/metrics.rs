//! What is counted of requests, for whoever asks for metrics. The way of a request that passes
//! takes no lock and looks nothing up: it has its counters by its operation's place in the table.
//!
//! Labels are names out of our own tables. That they are `&'static str` is what bounds them: no
//! path, no client and nothing else that a client could invent can become one.

use super::histogram::Histogram;
use super::record::{Moved, Record, Subject, Times, Traffic, TunnelRecord, Verdict};
use crate::admission::{self, Cause};
use crate::api::Operation;
use crate::policy::{self, Reason, Refusal};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Something that is counted.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, count: u64) {
        if count > 0 {
            self.0.fetch_add(count, Relaxed);
        }
    }

    /// How many.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// One more, for as long as what is returned is kept.
    #[must_use]
    pub fn hold(self: &Arc<Self>) -> Held {
        self.count();
        Held(Arc::clone(self))
    }
}

/// Something that is open at the moment; it is no longer counted when dropped.
#[derive(Debug)]
pub struct Held(Arc<Counter>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Relaxed);
    }
}

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    /// By [`Operation::index`].
    pub(super) passed: Box<[Passed]>,
    pub(super) stopped: Mutex<Stopped>,
    pub(super) reads: Latency,
    pub(super) writes: Latency,
    pub(super) up: Bytes,
    pub(super) down: Bytes,
    /// Clients that are connected.
    pub connections: Arc<Counter>,
    /// Hijacked connections that are open.
    pub tunnels: Arc<Counter>,
    /// Requests for which no connection to the daemon could be had.
    pub daemon_connect_failures: Counter,
    /// Records that an audit log should have and has not.
    pub audit_lost: Arc<Counter>,
}

/// Requests for one operation that were let through.
#[derive(Debug, Default)]
pub(super) struct Passed {
    pub(super) allowed: Counter,
    pub(super) abandoned: Counter,
    pub(super) failed: Counter,
}

/// Requests that were not.
#[derive(Debug, Default)]
pub(super) struct Stopped {
    /// By operation, verdict and reason.
    pub(super) requests: BTreeMap<[&'static str; 3], u64>,
    /// By the variable that would have to be set.
    pub(super) denials: BTreeMap<&'static str, u64>,
}

/// How long requests take that the daemon answers.
#[derive(Debug, Default)]
pub(super) struct Latency {
    /// What the gate adds.
    pub(super) added: Histogram,
    /// What the daemon takes until its answer begins.
    pub(super) daemon: Histogram,
}

/// Bytes of one direction.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    pub(super) copied: Counter,
    pub(super) spliced: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            passed: Operation::TABLE.iter().map(|_| Passed::default()).collect(),
            stopped: Mutex::default(),
            reads: Latency::default(),
            writes: Latency::default(),
            up: Bytes::default(),
            down: Bytes::default(),
            connections: Arc::default(),
            tunnels: Arc::default(),
            daemon_connect_failures: Counter::default(),
            audit_lost: Arc::default(),
        }
    }
}

impl Metrics {
    /// Nothing yet, but the records that an audit trail counts as lost.
    #[must_use]
    pub fn with_losses(audit_lost: Option<Arc<Counter>>) -> Self {
        Self { audit_lost: audit_lost.unwrap_or_default(), ..Self::default() }
    }

    /// Counts a request.
    pub fn count(&self, record: &Record<'_>) {
        let &Record { subject, verdict, .. } = record;
        let passed = subject.operation.and_then(|operation| self.passed.get(operation.index()));
        match (verdict, passed) {
            (Verdict::Allowed, Some(passed)) => passed.allowed.count(),
            (Verdict::Abandoned | Verdict::Unfinished { .. }, Some(passed)) => {
                passed.abandoned.count();
            }
            (Verdict::Failed(_), Some(passed)) => passed.failed.count(),
            (Verdict::Refused(_) | Verdict::Malformed(_), _) | (_, None) => {
                self.count_stopped(subject.operation, verdict);
            }
        }
        self.add(record.traffic);
        if let Some(times) = record.times {
            self.take(subject, times);
        }
    }

    /// Counts bytes that are no request.
    pub fn count_malformed(&self, name: &'static str) {
        self.count_stopped(None, Verdict::Malformed(name));
    }

    /// Counts what a tunnel has carried.
    pub fn count_tunnel(&self, record: &TunnelRecord<'_>) {
        self.add(record.traffic);
    }

    fn add(&self, Traffic { up, down }: Traffic) {
        for (bytes, Moved { copied, spliced }) in [(&self.up, up), (&self.down, down)] {
            bytes.copied.add(copied);
            bytes.spliced.add(spliced);
        }
    }

    fn take(&self, subject: &Subject, times: Times) {
        // Of what the daemon has not answered there is nothing to say.
        if !times.daemon.is_zero() {
            let latency = if subject.writes { &self.writes } else { &self.reads };
            latency.added.observe(times.own);
            latency.daemon.observe(times.daemon);
        }
    }

    fn count_stopped(&self, operation: Option<Operation>, verdict: Verdict<'_>) {
        let operation = operation.map_or("-", Operation::id);
        let mut stopped = self.stopped();
        *stopped.requests.entry([operation, verdict.name(), verdict.reason()]).or_default() += 1;
        if let Verdict::Refused(refusal) = verdict {
            for variable in missing(refusal) {
                *stopped.denials.entry(variable).or_default() += 1;
            }
        }
    }

    pub(super) fn stopped(&self) -> MutexGuard<'_, Stopped> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The variables that a refusal names, each once.
fn missing(refusal: &Refusal) -> BTreeSet<&'static str> {
    if let Reason::Withheld(missing) = &refusal.reason {
        missing.iter().map(policy::Variable::name).collect()
    } else {
        refusal.findings().filter_map(|finding| variable(finding.cause)).collect()
    }
}

fn variable(cause: Cause) -> Option<&'static str> {
    match cause {
        Cause::Withheld(variable) | Cause::Required(variable) => Some(variable.name()),
        Cause::UnknownField => Some(admission::Variable::UnknownFields.name()),
        Cause::Closed
        | Cause::Json(_)
        | Cause::RepeatedKey
        | Cause::BadValue
        | Cause::Query
        | Cause::Missing
        | Cause::Unanswered
        | Cause::Unresolved => None,
        Cause::Shield => Some(admission::Variable::EngineFixed.name()),
    }
}
