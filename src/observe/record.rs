//! A request as it is told of, by log, audit and metrics alike: one record for each, made when
//! what became of it is known. No query, no header but two that name it, no body: they may hold
//! secrets.

use super::audit::Reserved;
use super::text::shown;
use super::who::Client;
use crate::admission::verdict::Notes;
use crate::api::{Effect, Operation};
use crate::http::RequestHead;
use crate::policy::{Decision, Refusal};
use std::cell::OnceCell;
use std::time::{Duration, Instant};

/// Bytes of one direction, by how they were moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Through this process.
    pub copied: u64,
    /// From socket to socket.
    pub spliced: u64,
}

impl Moved {
    /// All.
    #[must_use]
    pub fn total(self) -> u64 {
        self.copied.saturating_add(self.spliced)
    }
}

/// Bytes both ways, heads included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// To the daemon.
    pub up: Moved,
    /// To the client.
    pub down: Moved,
}

/// What is known of a request from its head.
#[derive(Debug)]
pub struct Subject {
    /// What it asks for, where that is an operation.
    pub operation: Option<Operation>,
    /// Whether that changes something.
    pub writes: bool,
    /// What is spelled out only where somebody will be told.
    pub details: Option<Box<Details>>,
}

/// What the one or the other sink says of a request.
#[derive(Debug)]
pub struct Details {
    /// Its number, unlike any other of this process's.
    pub id: u64,
    /// Method and path, without the query, fit to be shown.
    pub request: Box<str>,
    /// What the client calls it, where it does.
    pub trace: Option<Box<Trace>>,
    /// The place of its record, where it may not go on without one (`AUDIT_REQUIRED`).
    pub reserved: OnceCell<Reserved>,
}

/// What a client calls a request, passed on to the daemon as it came.
#[derive(Debug)]
pub struct Trace {
    /// Its `traceparent` (W3C Trace Context), fit to be shown; empty if there is none.
    pub traceparent: String,
    /// Its `X-Request-Id`, fit to be shown; empty if there is none.
    pub request_id: String,
}

impl Details {
    /// Of a request with this number.
    #[must_use]
    pub fn of(head: &RequestHead<'_>, id: u64) -> Self {
        let field = |name| head.field(name).map(shown).unwrap_or_default();
        let trace =
            Trace { traceparent: field(b"traceparent"), request_id: field(b"x-request-id") };
        let is_named = !trace.traceparent.is_empty() || !trace.request_id.is_empty();
        let method = head.bytes.split(|&byte| byte == b' ').next().unwrap_or_default();
        let request = format!("{} {}", shown(method), shown(head.target.raw_path));
        let trace = is_named.then(|| Box::new(trace));
        Self { id, request: request.into(), trace, reserved: OnceCell::new() }
    }

    /// The method alone.
    #[must_use]
    pub fn method(&self) -> &str {
        self.request.split(' ').next().unwrap_or_default()
    }

    /// The path alone.
    #[must_use]
    pub fn path(&self) -> &str {
        self.request.split_once(' ').unwrap_or_default().1
    }
}

impl Subject {
    /// Of bytes that are no request.
    pub const UNKNOWN: Self = Self { operation: None, writes: false, details: None };

    /// Of a request, without details.
    #[must_use]
    pub fn of(decision: &Decision) -> Self {
        let operation = decision.operation();
        let writes = operation.is_some_and(|operation| operation.line().effect == Effect::Writes);
        Self { operation, writes, details: None }
    }

    /// The operation's name, or `-`.
    #[must_use]
    pub fn operation_name(&self) -> &'static str {
        self.operation.map_or("-", |operation| operation.id())
    }

    /// Method and path; the operation's name where they have not been kept.
    #[must_use]
    pub fn request(&self) -> &str {
        match &self.details {
            Some(details) => &details.request,
            None => self.operation_name(),
        }
    }
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub enum Verdict<'r> {
    /// It went to the daemon, which answered it.
    Allowed,
    /// It went to the daemon; the client did not stay for the end of the answer.
    Abandoned,
    /// It was refused.
    Refused(&'r Refusal),
    /// It, or its body, has no single reading, or did not come in time: the rule's name.
    Malformed(&'static str),
    /// It was allowed, and failed for the daemon's sake, or the gate's: why.
    Failed(&'r str),
    /// Nobody will answer it any more: its client has left before all of it was here, or the gate
    /// ends. Told to the audit alone.
    Unfinished {
        /// Whether it had gone to the daemon.
        sent: bool,
    },
}

impl Verdict<'_> {
    /// One word.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Abandoned => "abandoned",
            Self::Refused(_) => "refused",
            Self::Malformed(_) => "malformed",
            Self::Failed(_) => "failed",
            Self::Unfinished { sent: true } => "unfinished",
            Self::Unfinished { sent: false } => "withdrawn",
        }
    }

    /// The rule that refused, or `-`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.name(),
            Self::Malformed(name) => name,
            Self::Allowed | Self::Abandoned | Self::Failed(_) | Self::Unfinished { .. } => "-",
        }
    }
}

/// All there is to tell of a request.
#[expect(missing_debug_implementations, reason = "a connection is shown by its name")]
pub struct Record<'r> {
    /// Whose it was.
    pub client: &'r dyn Client,
    /// What it asked for.
    pub subject: &'r Subject,
    /// What became of it.
    pub verdict: Verdict<'r>,
    /// The status that the client was answered with, 0 if with none.
    pub status: u16,
    /// Bytes of it and of its answer that went on.
    pub traffic: Traffic,
    /// How long it took; `None` where nobody wanted to know.
    pub times: Option<Times>,
    /// What is to be said of arguments that passed.
    pub notes: Option<&'r Notes>,
}

/// How long a request took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// From its head's last byte to the end of its answer.
    pub whole: Duration,
    /// From its being sent to the daemon to the head of the daemon's answer.
    pub daemon: Duration,
    /// What the gate added: from its head's last byte to its being sent, and from the head of the
    /// answer to that head's being passed on.
    pub own: Duration,
}

/// Takes a request's times. It reads no clock where nobody wants to know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stopwatch {
    begun: Option<Instant>,
    sent: Option<Instant>,
    heard: Option<Instant>,
    passed: Option<Instant>,
}

impl Stopwatch {
    /// Begins, where `wanted`.
    #[must_use]
    pub fn begin(wanted: bool) -> Self {
        Self { begun: wanted.then(Instant::now), ..Self::default() }
    }

    /// The request goes to the daemon.
    pub fn sent(&mut self) {
        self.take(|watch| &mut watch.sent);
    }

    /// The daemon answers.
    pub fn heard(&mut self) {
        self.take(|watch| &mut watch.heard);
    }

    /// The answer goes to the client.
    pub fn passed(&mut self) {
        self.take(|watch| &mut watch.passed);
    }

    fn take(&mut self, moment: impl FnOnce(&mut Self) -> &mut Option<Instant>) {
        if self.begun.is_some() {
            moment(self).get_or_insert_with(Instant::now);
        }
    }

    /// Whether it has gone to the daemon, as far as anybody wanted to know.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        self.sent.is_some()
    }

    /// The times, at the end; `None` where nobody wanted them.
    #[must_use]
    pub fn times(&self) -> Option<Times> {
        let begun = self.begun?;
        let between = |from: Option<Instant>, to: Option<Instant>| match (from, to) {
            (Some(from), Some(to)) => to.saturating_duration_since(from),
            (None, _) | (_, None) => Duration::ZERO,
        };
        Some(Times {
            whole: begun.elapsed(),
            daemon: between(self.sent, self.heard),
            own: between(Some(begun), self.sent) + between(self.heard, self.passed),
        })
    }
}

/// How a tunnel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelEnd {
    /// Both sides had said all.
    Both,
    /// The client was gone.
    Client,
    /// The daemon was.
    Daemon,
    /// The gate has ended.
    Gate,
}

impl TunnelEnd {
    /// In words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Both => "both sides",
            Self::Client => "the client",
            Self::Daemon => "the daemon",
            Self::Gate => "the gate",
        }
    }
}

/// All there is to tell of a tunnel at its end.
#[expect(missing_debug_implementations, reason = "a connection is shown by its name")]
pub struct TunnelRecord<'r> {
    /// Whose it was.
    pub client: &'r dyn Client,
    /// The request that had opened it.
    pub subject: &'r Subject,
    /// How it ended.
    pub end: TunnelEnd,
    /// Raw bytes both ways.
    pub traffic: Traffic,
    /// How long it took, its request included; `None` where nobody wanted to know.
    pub time: Option<Duration>,
}
