//! One client connection: request after request, each judged before a byte of it goes on. The
//! sole caller of the policy.
//!
//! A client owns at most one connection to the daemon, opened at its first grant, and the two end
//! together: nothing is pooled, so nothing leaks from one client to another.

mod admit;
mod look;
mod reply;
mod tell;

use super::Gate;
use super::answer::Answer;
use super::buffer::Buffer;
use super::client::{Arrival, Client};
use super::daemon::Unreachable;
use super::engine;
use super::exchange::{self, Report};
use super::outcome::{Cutoff, DaemonFailure, Outcome};
use super::places::Place;
use super::roster::Seat;
use super::socket::Socket;
use super::tunnel::Tunnel;
use super::upward::Request;
use crate::admission::verdict::Notes;
use crate::http::{
    BodyCursor, BodyFraming, HeadError, Method, Persistence, RequestHead, Trailers, Version,
};
use crate::observe::record::{Stopwatch, Subject, TunnelEnd};
use crate::observe::who::{Client as _, Who};
use crate::policy::{Decision, Grant, Way};
use std::cell::Cell;
use std::future::poll_fn;
use std::sync::Arc;
use tell::{Tunnelled, Untold};

/// How a client has come. One that has gone meanwhile may have come in any way.
fn way(client: &Socket) -> Way {
    match client.who() {
        Who::Process { .. } => Way::Unix,
        Who::Address(_) | Who::Gone => Way::Tcp,
    }
}

/// What a connection does after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Waits for the next.
    Next,
    /// Closes.
    Close,
    /// Lets the client read what it was sent, then closes.
    Linger,
}

/// Serves one client until it or the daemon ends, and then gives its place back.
///
/// An `async fn` would keep its arguments beside what is made of them, in the memory of each
/// connection.
pub fn serve(
    client: Socket,
    place: Place,
    gate: Arc<Gate>,
    seat: Seat,
) -> impl Future<Output = ()> {
    let connected = gate.observer.connected();
    let client = Client::new(client, seat, Arc::clone(place.account()));
    let mut connection = Connection { client, daemon: None, kept: false, gate };
    async move {
        while connection.serve_one().await {}
        // Its descriptors go before its place.
        drop(connection);
        drop(connected);
        drop(place);
    }
}

struct Connection {
    client: Client,
    daemon: Option<Socket>,
    /// The daemon has answered a request of the client's on this connection.
    kept: bool,
    gate: Arc<Gate>,
}

/// A judged request: what is kept of it when its head's bytes are gone.
struct Incoming {
    method: Method,
    version: Version,
    framing: BodyFraming,
    /// What goes to the daemon, if it may.
    request: Request,
    persistence: Persistence,
    expects_continue: bool,
    subject: Subject,
    watch: Stopwatch,
    /// What is to be said of its arguments.
    notes: Option<Box<Notes>>,
    /// `None` when it has been told of, or need not be.
    untold: Cell<Option<Box<Untold>>>,
}

impl Incoming {
    /// Whether its body is known to have more bytes than that.
    fn is_longer_than(&self, bytes: usize) -> bool {
        matches!(self.framing, BodyFraming::Length(length) if length > bytes as u64)
    }
}

impl Connection {
    /// One request; whether another may follow.
    async fn serve_one(&mut self) -> bool {
        let Gate { limits, begun, .. } = &*self.gate;
        let arrival = self.client.head(self.daemon.as_mut(), limits, begun).await;
        let then = match arrival {
            Arrival::Head(length) if self.gate.policy.own().unknown().is_some() => {
                Box::pin(self.carry_out_unknown(length)).await
            }
            Arrival::Head(length) => self.carry_out_head(length).await,
            Arrival::Malformed(error) => self.malformed(error).await,
            Arrival::Late => self.cut_off_head(Cutoff::HeadLate).await,
            Arrival::Crowded(excess) => self.cut_off_head(Cutoff::of_heads(excess)).await,
            Arrival::Ended => Then::Close,
        };
        if then == Then::Linger {
            self.daemon = None;
            self.client.linger().await;
        }
        then == Then::Next
    }

    /// Judges the head at the front of the inbox, and carries out what it asks for.
    async fn carry_out_head(&mut self, length: usize) -> Then {
        let (mut incoming, decision) = match self.judge(length) {
            Ok(judged) => judged,
            Err(error) => return Box::pin(self.malformed(error)).await,
        };
        let granted = self.admit(length, &mut incoming, decision).await;
        match granted {
            Ok(grant) => self.exchange(grant, &mut incoming).await,
            Err(then) => then,
        }
    }

    /// Judges the head at the front of the inbox.
    fn judge(&self, length: usize) -> Result<(Incoming, Decision), HeadError> {
        let head = RequestHead::parse(&self.client.inbox.filled()[..length])?;
        let decision = self.gate.policy.judge_arrived(&head, || way(&self.client.socket));
        let subject = self.gate.observer.subject(&head, &decision);
        let incoming = Incoming {
            method: head.method,
            version: head.version,
            framing: head.framing,
            request: Request {
                collected: Buffer::of(self.client.account.owner),
                judged: 0,
                body: BodyCursor::new(head.framing, Trailers::Refuse),
                continued: false,
            },
            persistence: head.persistence,
            expects_continue: head.expects_continue,
            watch: Stopwatch::begin(self.gate.observer.wants_times(&subject)),
            notes: None,
            untold: Cell::new(self.untold()),
            subject,
        };
        Ok((incoming, decision))
    }

    /// Judges and carries out what comes before the gate knows its own container: what would reach the
    /// daemon waits until it does, and is judged again.
    async fn carry_out_unknown(&mut self, length: usize) -> Then {
        match self.judge(length) {
            Err(error) => return self.malformed(error).await,
            Ok((mut incoming, Decision::Refuse(refusal))) => {
                self.client.inbox.consume(length);
                return self.refuse(&refusal, &mut incoming).await;
            }
            Ok((mut incoming, _)) => {
                let learned = engine::learn_own(self.gate.policy.own(), &self.gate.daemon).await;
                if let Err(why) = learned {
                    self.client.inbox.consume(length);
                    return self.fail(why, &mut incoming).await;
                }
                // It is told of as it is judged now.
                incoming.untold.take();
            }
        }
        self.carry_out_head(length).await
    }

    /// Comes to a grant, or answers the client itself.
    ///
    /// What is rare is boxed: a connection's task has the size of its largest path, and thousands of
    /// them wait. What has led to a grant is freed before the exchange, which may last for days.
    async fn admit(
        &mut self,
        length: usize,
        incoming: &mut Incoming,
        decision: Decision,
    ) -> Result<Grant, Then> {
        match decision {
            Decision::Refuse(refusal) => {
                self.client.inbox.consume(length);
                Err(Box::pin(self.refuse(&refusal, incoming)).await)
            }
            Decision::Allow(grant) => {
                // What is here of the body is judged too, so that both go in one write.
                let rest = &self.client.inbox.filled()[length..];
                match incoming.request.body.read(rest) {
                    Ok(count) => {
                        incoming.request.judged = length + count;
                        Ok(grant)
                    }
                    Err(error) => Err(Box::pin(self.bad_body(error, incoming)).await),
                }
            }
            Decision::Examine(examination) => {
                let head = self.client.inbox.filled()[..length].to_vec();
                self.client.inbox.consume(length);
                Box::pin(self.examine(*examination, head, incoming)).await
            }
            Decision::Inquire(inquiry) => {
                let head = self.client.inbox.filled()[..length].to_vec();
                self.client.inbox.consume(length);
                Box::pin(self.inquire(*inquiry, head, incoming)).await
            }
        }
    }

    /// Connects to the daemon, where that is not yet so; whether it was.
    async fn reach(&mut self) -> Result<bool, Unreachable> {
        if self.daemon.is_some() {
            return Ok(false);
        }
        let reached = self.gate.daemon.connect().await;
        self.daemon = Some(reached.inspect_err(|_| self.gate.observer.missed_daemon())?);
        self.kept = false;
        Ok(true)
    }

    /// Sends a granted request to the daemon and its answer back.
    async fn exchange(&mut self, grant: Grant, incoming: &mut Incoming) -> Then {
        if !self.gate.observer.reserve(&incoming.subject) {
            self.client.inbox.consume(incoming.request.judged);
            return Box::pin(self.refuse(&grant.unrecorded(), incoming)).await;
        }
        if let Err(why) = self.reach().await {
            self.client.inbox.consume(incoming.request.judged);
            return Box::pin(self.fail(why, incoming)).await;
        }
        let Some(daemon) = &mut self.daemon else { return Then::Close };
        let Incoming { request, watch, .. } = &mut *incoming;
        let relay = self.gate.relay;
        let report = exchange::run(grant, request, &mut self.client, daemon, relay, watch).await;
        self.tell_outcome(incoming, &report);
        let Report { outcome, answered, outbox, .. } = report;
        match outcome {
            Outcome::Complete if incoming.persistence == Persistence::KeepAlive => {
                self.kept = true;
                Then::Next
            }
            Outcome::Complete | Outcome::Last => self.close_kindly(),
            Outcome::ClientGone => Then::Close,
            Outcome::Early => Then::Linger,
            Outcome::Tunnel => {
                let _tunnelled = self.gate.observer.tunnelled();
                let empty = Buffer::of(self.client.account.owner);
                let inbox = std::mem::replace(&mut self.client.inbox, empty);
                let tunnel = Tunnel::new(inbox, outbox, self.gate.relay);
                let mut tunnelled =
                    Tunnelled { connection: self, incoming, tunnel, end: TunnelEnd::Gate };
                poll_fn(|cx| tunnelled.poll(cx)).await;
                drop(tunnelled);
                // Input that nobody has read must not cost the client its last output.
                Then::Linger
            }
            // What has begun to reach the client can only be cut off.
            Outcome::BadBody(_) | Outcome::DaemonFailed(_) if answered => Then::Close,
            Outcome::BadBody(error) => {
                self.daemon = None;
                Box::pin(self.bad_body(error, incoming)).await
            }
            // On the daemon's own socket, a kept connection that has just ended is tried again by
            // the client; so it is here, where nothing but that end is passed on.
            Outcome::DaemonFailed(DaemonFailure::Silent) if self.kept => Then::Close,
            Outcome::DaemonFailed(failure) => {
                self.daemon = None;
                let answer = Answer { status: 502, message: failure.to_string() };
                Box::pin(self.answer_last(&answer, incoming.method)).await
            }
        }
    }

    /// Bytes that nobody has read would reset the connection, and the answer be lost with it.
    fn close_kindly(&self) -> Then {
        if self.client.is_unread() { Then::Linger } else { Then::Close }
    }
}
