//! What a connection tells of its requests.

use super::{Connection, Gate, Incoming, Outcome, Report};
use crate::observe::record::{Record, Traffic, TunnelEnd, TunnelRecord, Verdict};
use crate::observe::who::{Client as _, Who};
use crate::proxy::inquiry::Unanswered;
use crate::proxy::tunnel::Tunnel;
use std::fmt::Display;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What it takes to tell of a request that is given up before anybody has told of it.
pub(super) struct Untold {
    gate: Arc<Gate>,
    client: Who,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let Some(untold) = self.untold.take() else { return };
        untold.gate.observer.tell(&Record {
            client: &untold.client,
            subject: &self.subject,
            verdict: Verdict::Unfinished { sent: self.watch.is_sent() },
            status: 0,
            traffic: Traffic::default(),
            times: self.watch.times(),
            notes: self.notes.as_deref(),
        });
    }
}

/// A tunnel, told of when it ends or is cut.
pub(super) struct Tunnelled<'c> {
    pub(super) connection: &'c mut Connection,
    pub(super) incoming: &'c Incoming,
    pub(super) tunnel: Tunnel,
    pub(super) end: TunnelEnd,
}

impl Tunnelled<'_> {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Connection { client, daemon, .. } = &mut *self.connection;
        self.end = match daemon {
            Some(daemon) => ready!(self.tunnel.poll(cx, &mut client.socket, daemon)),
            None => TunnelEnd::Daemon,
        };
        Poll::Ready(())
    }
}

impl Drop for Tunnelled<'_> {
    fn drop(&mut self) {
        self.connection.tell_tunnel(self.incoming, self.end, self.tunnel.traffic());
    }
}

impl Connection {
    /// For those who want to know of every request, whatever becomes of it.
    pub(super) fn untold(&self) -> Option<Box<Untold>> {
        self.gate.observer.is_auditing().then(|| {
            let client = self.client.socket.who().clone();
            Box::new(Untold { gate: Arc::clone(&self.gate), client })
        })
    }

    /// Tells of a request and what became of it.
    pub(super) fn tell(
        &self,
        incoming: &Incoming,
        verdict: Verdict<'_>,
        status: u16,
        traffic: Option<Traffic>,
    ) {
        incoming.untold.take();
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

    fn tell_tunnel(&self, incoming: &Incoming, end: TunnelEnd, traffic: Traffic) {
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

    pub(super) fn tell_malformed(
        &self,
        name: &'static str,
        status: u16,
        bytes: &[u8],
        why: &dyn Display,
    ) {
        self.gate.observer.tell_malformed(&self.client.socket, name, status, bytes, why);
    }
}
