//! Who is told of requests: the log, and whoever else wants to know. Workers share it.

use super::access;
use super::audit::Audit;
use super::flood::Floods;
use super::metrics::{Held, Metrics};
use super::record::{Details, Record, Subject, TunnelRecord, Verdict};
use super::who::Client;
use crate::admission::verdict::Notes;
use crate::http::RequestHead;
use crate::policy::Decision;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Whoever is told.
#[derive(Debug, Default)]
pub struct Observer {
    /// How many requests have been given a number.
    told: AtomicU64,
    /// What is counted, where anybody asks.
    metrics: Option<Arc<Metrics>>,
    /// The audit trail, where one is kept.
    audit: Option<Audit>,
    /// Keeps what is refused again and again from filling the log.
    pub floods: Floods,
}

impl Observer {
    /// This one, counting too, where `metrics` are wanted.
    #[must_use]
    pub fn with_metrics(self, metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..self }
    }

    /// Tells the audit trail too.
    #[must_use]
    pub fn with_audit(self, audit: Option<Audit>) -> Self {
        Self { audit, ..self }
    }

    /// Whether every judged request has to be told of, whatever became of it.
    #[must_use]
    pub fn is_auditing(&self) -> bool {
        self.audit.is_some()
    }

    /// Whether a request may go to the daemon as far as its record is concerned: that has a place
    /// now, or needs none.
    #[must_use]
    pub fn reserve(&self, subject: &Subject) -> bool {
        let audit = self.audit.as_ref().filter(|audit| subject.writes && audit.is_required());
        let (Some(audit), Some(details)) = (audit, &subject.details) else { return true };
        audit.reserve().is_some_and(|place| details.reserved.set(place).is_ok())
    }

    /// The subject of a request, spelled out only where somebody will be told of it.
    #[must_use]
    pub fn subject(&self, head: &RequestHead<'_>, decision: &Decision) -> Subject {
        let mut subject = Subject::of(decision);
        // What is examined may still be refused, and the answer says what was.
        let may_be_refused = !matches!(decision, Decision::Allow(_));
        if may_be_refused || self.is_auditing() || access::is_told(&subject) {
            subject.details = Some(Box::new(Details::of(head, self.number())));
        }
        subject
    }

    fn number(&self) -> u64 {
        self.told.fetch_add(1, Relaxed) + 1
    }

    /// Whether anybody wants to know how long a request takes.
    #[must_use]
    pub fn wants_times(&self, subject: &Subject) -> bool {
        self.metrics.is_some() || self.is_auditing() || access::is_told(subject)
    }

    /// A client is connected, for as long as what is returned is kept.
    #[must_use]
    pub fn connected(&self) -> Option<Held> {
        self.metrics.as_ref().map(|metrics| metrics.connections.hold())
    }

    /// A connection has become a tunnel, for as long as what is returned is kept.
    #[must_use]
    pub fn tunnelled(&self) -> Option<Held> {
        self.metrics.as_ref().map(|metrics| metrics.tunnels.hold())
    }

    /// The daemon could not be reached.
    pub fn missed_daemon(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.daemon_connect_failures.count();
        }
    }

    /// Tells of arguments that pass, before they go on.
    pub fn note(&self, client: &dyn Client, subject: &Subject, notes: &Notes) {
        access::tell_notes(client, subject, notes);
    }

    /// Tells of a request.
    pub fn tell(&self, record: &Record<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.count(record);
        }
        if let Some(audit) = &self.audit {
            audit.tell(record);
        }
        let is_told = match record.verdict {
            Verdict::Allowed | Verdict::Abandoned | Verdict::Unfinished { .. } => true,
            Verdict::Refused(_) | Verdict::Malformed(_) => {
                self.floods.admit(record.client, record.subject, record.verdict.reason())
            }
            Verdict::Failed(_) => self.floods.admit(record.client, record.subject, access::FAILED),
        };
        if is_told {
            access::tell(record);
        }
    }

    /// Tells why the daemon could not be asked about a request's arguments.
    pub fn tell_unanswered(
        &self,
        client: &dyn Client,
        subject: &Subject,
        path: &str,
        why: &dyn fmt::Display,
    ) {
        if self.floods.admit(client, subject, access::UNANSWERED) {
            access::tell_unanswered(client, subject, path, why);
        }
    }

    /// Tells of bytes that are no request: of what came only a method and a path are told, it may as
    /// well be the body of a request that went wrong.
    pub fn tell_malformed(
        &self,
        client: &dyn Client,
        name: &'static str,
        status: u16,
        bytes: &[u8],
        why: &dyn fmt::Display,
    ) {
        self.record_malformed(client, name, status, bytes);
        if self.floods.admit(client, &Subject::UNKNOWN, name) {
            access::tell_malformed(client, name, status, bytes, why);
        }
    }

    /// Tells of a connection that is refused before anything of it is read.
    pub fn tell_excess(&self, client: &dyn Client, name: &'static str, status: u16) {
        self.record_malformed(client, name, status, b"");
        if self.floods.admit(client, &Subject::UNKNOWN, name) {
            access::tell_excess(client, name, status);
        }
    }

    fn record_malformed(&self, client: &dyn Client, name: &'static str, status: u16, bytes: &[u8]) {
        if let Some(metrics) = &self.metrics {
            metrics.count_malformed(name);
        }
        if let Some(audit) = &self.audit {
            let request = access::method_and_path(bytes);
            audit.tell_malformed(self.number(), client, name, status, &request);
        }
    }

    /// Tells of the end of a tunnel.
    pub fn tell_tunnel(&self, record: &TunnelRecord<'_>) {
        if let Some(metrics) = &self.metrics {
            metrics.count_tunnel(record);
        }
        access::tell_tunnel(record);
        if let Some(audit) = &self.audit {
            audit.tell_tunnel(record);
        }
    }
}
