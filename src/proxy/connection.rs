//! One client connection: request after request, each judged before a byte of it goes on. The
//! sole caller of the policy.
//!
//! A client owns at most one connection to the daemon, opened at its first grant, and the two end
//! together: nothing is pooled, so nothing leaks from one client to another.

mod look;
mod reply;
mod tell;

use super::Gate;
use super::answer::Answer;
use super::buffer::Buffer;
use super::client::{Arrival, Client, Uncollected};
use super::daemon::Unreachable;
use super::engine;
use super::exchange::{self, Report};
use super::inquiry::{self, Unanswered};
use super::outcome::{Cutoff, DaemonFailure, Outcome};
use super::places::Place;
use super::roster::Seat;
use super::socket::Socket;
use super::tunnel::Tunnel;
use super::upward::Request;
use crate::admission::lookup::{Question, ReferencePlace, Resolved};
use crate::admission::verdict::{Notes, Passed};
use crate::http::{
    BodyCursor, BodyFraming, HeadError, Method, Persistence, RequestHead, Trailers, Version,
    reframe,
};
use crate::observe::record::{Stopwatch, Subject, TunnelEnd};
use crate::observe::who::{Client as _, Who};
use crate::policy::{Decision, Examination, Grant, Inquiry, Way};
use core::ops::Range;
use look::Looked;
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
pub async fn serve(client: Socket, place: Place, gate: Arc<Gate>, seat: Seat) {
    let _connected = gate.observer.connected();
    let client = Client::new(client, seat, Arc::clone(place.account()));
    let mut connection = Connection { client, daemon: None, kept: false, gate };
    while connection.serve_one().await {}
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

/// A head with the full ids of the containers that it refers to; `name` is where its target has the
/// name that stands for one. `None` where one can't be put in its place.
fn with_ids(
    mut head: Vec<u8>,
    name: Option<&Range<usize>>,
    resolved: &[Resolved],
) -> Option<Vec<u8>> {
    for Resolved { id, place, .. } in resolved {
        head = match place {
            ReferencePlace::Path => reframe::with_name(&head, name?, id),
            ReferencePlace::Query(parameter) => reframe::with_parameter(&head, parameter, id),
            // The body has it already.
            ReferencePlace::Body { .. } | ReferencePlace::Nowhere => head,
        };
    }
    Some(head)
}

impl Connection {
    /// One request; whether another may follow.
    async fn serve_one(&mut self) -> bool {
        let Gate { limits, begun, .. } = &*self.gate;
        let arrival = self.client.head(self.daemon.as_mut(), limits, begun).await;
        let then = match arrival {
            Arrival::Head(length) => {
                let learned = if self.gate.policy.own().unknown().is_some() {
                    Box::pin(engine::learn_own(self.gate.policy.own(), &self.gate.daemon)).await
                } else {
                    Ok(())
                };
                match self.judge(length) {
                    Ok((mut incoming, decision)) => match learned {
                        Err(why) if !matches!(decision, Decision::Refuse(_)) => {
                            self.client.inbox.consume(length);
                            Box::pin(self.fail(why, &mut incoming)).await
                        }
                        Ok(()) | Err(_) => self.carry_out(length, &mut incoming, decision).await,
                    },
                    Err(error) => self.malformed(error).await,
                }
            }
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

    /// What is rare is boxed: a connection's task has the size of its largest path, and thousands
    /// of them wait.
    async fn carry_out(
        &mut self,
        length: usize,
        incoming: &mut Incoming,
        decision: Decision,
    ) -> Then {
        match decision {
            Decision::Refuse(refusal) => {
                self.client.inbox.consume(length);
                Box::pin(self.refuse(&refusal, incoming)).await
            }
            Decision::Allow(grant) => {
                // What is here of the body is judged too, so that both go in one write.
                let rest = &self.client.inbox.filled()[length..];
                match incoming.request.body.read(rest) {
                    Ok(count) => incoming.request.judged = length + count,
                    Err(error) => return Box::pin(self.bad_body(error, incoming)).await,
                }
                self.exchange(grant, incoming).await
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

    /// Collects the body, has it judged, and sends head and body in one piece.
    async fn examine(
        &mut self,
        examination: Examination,
        head: Vec<u8>,
        incoming: &mut Incoming,
    ) -> Then {
        let mut limits = self.gate.limits;
        limits.json_bytes_max = examination.body_bytes_max(limits.json_bytes_max);
        if incoming.is_longer_than(limits.json_bytes_max) {
            return self.refuse(&examination.too_long(limits.json_bytes_max), incoming).await;
        }
        if incoming.expects_continue
            && self.client.inbox.is_empty()
            && !self.client.send(b"HTTP/1.1 100 Continue\r\n\r\n").await
        {
            return Then::Close;
        }
        let gate = Arc::clone(&self.gate);
        let account = Arc::clone(&self.client.account);
        let mut share = gate.collected.share(&account);
        let body = match self.client.collect(&mut incoming.request.body, &limits, &mut share).await
        {
            Ok(body) => body,
            Err(Uncollected::Bad(error)) => return self.bad_body(error, incoming).await,
            Err(Uncollected::Ended) => return Then::Close,
            Err(Uncollected::TooLong) => {
                let refusal = examination.too_long(limits.json_bytes_max);
                return self.refuse(&refusal, incoming).await;
            }
            Err(Uncollected::Crowded(excess)) => {
                return self.cut_off(Cutoff::of_bodies(excess), incoming).await;
            }
            Err(Uncollected::Late) => return self.cut_off(Cutoff::BodyLate, incoming).await,
        };
        match examination.judge(body) {
            Err(refusal) => self.refuse(&refusal, incoming).await,
            Ok(inquiry) => match self.settle(inquiry, head, incoming).await {
                Err(then) => then,
                Ok((grant, passed, head)) => {
                    let keeps = incoming.framing == BodyFraming::Chunked && !grant.may_hijack();
                    let whole = reframe::with_body(&head, &passed.body, keeps);
                    drop(share);
                    incoming.request.collected = Buffer::holding(whole, self.client.account.owner);
                    incoming.request.continued = incoming.expects_continue;
                    self.exchange(grant, incoming).await
                }
            },
        }
    }

    /// Asks the daemon what the request's head alone does not say, and sends the request as it
    /// comes.
    async fn inquire(
        &mut self,
        mut inquiry: Inquiry,
        head: Vec<u8>,
        incoming: &mut Incoming,
    ) -> Then {
        let mut seen = Vec::new();
        loop {
            let (grant, mut whole) = match self.settle(inquiry, head.clone(), incoming).await {
                Ok((grant, _, head)) => (grant, head),
                Err(then) => return then,
            };
            match self.look(grant, &mut seen, incoming).await {
                Err(then) => return then,
                Ok(Looked::Fine(grant)) => {
                    whole.append(&mut seen);
                    incoming.request.collected = Buffer::holding(whole, self.client.account.owner);
                    return self.exchange(grant, incoming).await;
                }
                Ok(Looked::Late) => match self.inquire_again(&head) {
                    Some(again) => inquiry = again,
                    None => return Then::Close,
                },
            }
        }
    }

    /// Has an inquiry's questions answered, concludes it, and tells what there is to tell. The head
    /// names what was judged: another may bear its name by now.
    async fn settle(
        &mut self,
        mut inquiry: Inquiry,
        head: Vec<u8>,
        incoming: &mut Incoming,
    ) -> Result<(Grant, Passed, Vec<u8>), Then> {
        while let Some((question, asked)) = inquiry.question() {
            if inquiry.asks_about().is_some_and(|id| self.gate.judged.has(id)) {
                inquiry.answer_as_before();
                continue;
            }
            let is_info = matches!(question, Question::Engine(_));
            if let Some(body) = self.gate.info.get().filter(|_| is_info) {
                inquiry.answer(Some((200, &body)));
                continue;
            }
            let fresh = match self.reach().await {
                Ok(fresh) => fresh,
                Err(why) => return Err(self.fail(why, incoming).await),
            };
            let Some(daemon) = &mut self.daemon else { return Err(Then::Close) };
            match inquiry::ask(question, asked, &mut self.client, daemon).await {
                Ok(answer) => {
                    if answer.persistence == Persistence::Close {
                        self.daemon = None;
                    }
                    if is_info && answer.status == 200 {
                        self.gate.info.keep(&answer.body);
                    }
                    inquiry.answer(Some((answer.status, &answer.body)));
                }
                Err(Unanswered::ClientGone) => return Err(Then::Close),
                // A kept connection has ended. Nothing has been sent that could not be again.
                Err(Unanswered::Silent) if !fresh => self.daemon = None,
                Err(why @ (Unanswered::Silent | Unanswered::Daemon(_))) => {
                    self.tell_unanswered(incoming, &question.path(), why);
                    self.daemon = None;
                    inquiry.answer(None);
                }
            }
        }
        let name = inquiry.name();
        match inquiry.close() {
            Err(refusal) => Err(self.refuse(&refusal, incoming).await),
            Ok((grant, mut passed)) => {
                let notes = std::mem::take(&mut passed.notes);
                if notes.would_refuse.is_none() {
                    self.gate.judged.keep(&passed.resolved);
                }
                if !notes.is_empty() {
                    self.gate.observer.note(&self.client.socket, &incoming.subject, &notes);
                    incoming.notes = Some(Box::new(notes));
                }
                let head = with_ids(head, name.as_ref(), &passed.resolved);
                Ok((grant, passed, head.ok_or(Then::Close)?))
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
                poll_fn(|_| tunnelled.poll()).await;
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
