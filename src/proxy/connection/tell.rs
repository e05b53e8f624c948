//! What a connection tells of its requests.

use super::{Connection, Incoming, Outcome, Report, Unanswered};
use crate::observe::record::{Record, Traffic, TunnelEnd, TunnelRecord, Verdict};

impl Connection {
    /// Tells of a request and what became of it.
    pub(super) fn tell(
        &self,
        incoming: &Incoming,
        verdict: Verdict<'_>,
        status: u16,
        traffic: Option<Traffic>,
    ) {
        self.gate.observer.tell(&Record {
            client: &self.client.socket,
            subject: &incoming.subject,
            verdict,
            status,
            traffic: traffic.unwrap_or_default(),
            times: incoming.watch.times(),
            notes: incoming.notes.as_deref(),
        });
    }

    pub(super) fn tell_outcome(&self, incoming: &Incoming, report: &Report) {
        let why;
        let (verdict, status) = match &report.outcome {
            // It is told of where it is answered.
            Outcome::BadBody(_) if !report.answered => return,
            Outcome::BadBody(error) => (Verdict::Malformed(error.name()), report.status),
            Outcome::DaemonFailed(failure) => {
                why = failure.to_string();
                (Verdict::Failed(&why), if report.answered { report.status } else { 502 })
            }
            Outcome::ClientGone => (Verdict::Abandoned, report.status),
            Outcome::Complete | Outcome::Last | Outcome::Early | Outcome::Tunnel => {
                (Verdict::Allowed, report.status)
            }
        };
        self.tell(incoming, verdict, status, Some(report.traffic));
    }

    pub(super) fn tell_tunnel(&self, incoming: &Incoming, end: TunnelEnd, traffic: Traffic) {
        self.gate.observer.tell_tunnel(&TunnelRecord {
            client: &self.client.socket,
            subject: &incoming.subject,
            end,
            traffic,
            time: incoming.watch.times().map(|times| times.whole),
        });
    }

    pub(super) fn tell_unanswered(&self, incoming: &Incoming, path: &str, why: Unanswered) {
        let client = &self.client.socket;
        self.gate.observer.tell_unanswered(client, &incoming.subject, path, &why);
    }

    pub(super) fn tell_malformed(&self, name: &'static str, status: u16, bytes: &[u8]) {
        self.gate.observer.tell_malformed(&self.client.socket, name, status, bytes);
    }
}
