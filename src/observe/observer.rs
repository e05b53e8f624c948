//! Who is told of requests: the log, and whoever else wants to know. Workers share it.

use super::access;
use super::flood::Floods;
use super::record::{Details, Record, Subject, TunnelRecord, Verdict};
use super::who::Client;
use crate::admission::verdict::Notes;
use crate::http::RequestHead;
use crate::policy::Decision;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Whoever is told.
#[derive(Debug, Default)]
pub struct Observer {
    /// How many requests have been given a number.
    told: AtomicU64,
    /// Keeps what is refused again and again from filling the log.
    pub floods: Floods,
}

impl Observer {
    /// The subject of a request, spelled out only where somebody will be told of it.
    #[must_use]
    pub fn subject(&self, head: &RequestHead<'_>, decision: &Decision) -> Subject {
        let mut subject = Subject::of(decision);
        // What is examined may still be refused, and the answer says what was.
        let may_be_refused = !matches!(decision, Decision::Allow(_));
        if may_be_refused || access::is_told(&subject) {
            let id = self.told.fetch_add(1, Relaxed) + 1;
            subject.details = Some(Box::new(Details::of(head, id)));
        }
        subject
    }

    /// Whether anybody wants to know how long a request takes.
    #[must_use]
    pub fn wants_times(&self, subject: &Subject) -> bool {
        access::is_told(subject)
    }

    /// Tells of arguments that pass, before they go on.
    pub fn note(&self, client: &dyn Client, subject: &Subject, notes: &Notes) {
        access::tell_notes(client, subject, notes);
    }

    /// Tells of a request.
    pub fn tell(&self, record: &Record<'_>) {
        let is_told = match record.verdict {
            Verdict::Allowed | Verdict::Abandoned => true,
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
    ) {
        if self.floods.admit(client, &Subject::UNKNOWN, name) {
            access::tell_malformed(client, name, status, bytes);
        }
    }

    /// Tells of the end of a tunnel.
    pub fn tell_tunnel(&self, record: &TunnelRecord<'_>) {
        access::tell_tunnel(record);
    }
}
