//! One granted request and its answer. What was judged goes to the daemon, what the daemon
//! answers goes to the client, both at once and each as it comes; the pure storey's cursors say
//! where each ends.

use super::buffer::Buffer;
use super::client::Client;
use super::outcome::{DaemonFailure, Outcome};
use super::socket::{Ended, Socket};
use super::turn::Turn;
use crate::http::{Asked, BodyCursor, HeadScan, Hijack, Next, Persistence, ResponseHead, Trailers};
use crate::policy::Grant;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// The longest head that a daemon may answer with, in bytes. Its real ones have a few hundred.
const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;

/// The request on its way to the daemon.
#[derive(Debug)]
pub struct Request {
    /// Sent first: a head and body that had to be collected. Empty where the client's own bytes
    /// are sent as they came.
    pub collected: Buffer,
    /// How many bytes at the front of the inbox are judged and may be sent.
    pub judged: usize,
    /// The body that follows them.
    pub body: BodyCursor,
    /// The gate itself has said `100 Continue`; the daemon's own would be the second.
    pub continued: bool,
}

/// What an exchange has moved.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// The last status that came, 0 if none did.
    pub status: u16,
    /// Whether any byte of the final answer reached the client.
    pub answered: bool,
    /// What has been read from the daemon beyond the answer: a tunnel's first bytes.
    pub outbox: Buffer,
}

struct Exchange<'c> {
    client: &'c mut Socket,
    daemon: &'c mut Socket,
    inbox: &'c mut Buffer,
    request: Request,
    /// Nothing more goes to the daemon: it has ended, or the client has.
    upward_closed: bool,
    outbox: Buffer,
    /// How many bytes at the front of the outbox may be sent.
    cleared: usize,
    stage: Stage,
    asked: Asked,
    status: u16,
    answered: bool,
}

/// Where the answer stands.
enum Stage {
    Head(HeadScan),
    Body(BodyCursor, Persistence),
    Complete(Persistence),
    Tunnel,
}

/// Sends a request and relays its answer. Spends the grant.
pub async fn run(
    grant: Grant,
    request: Request,
    client: &mut Client,
    daemon: &mut Socket,
) -> Report {
    let Client { socket: client, inbox, seat } = client;
    let mut exchange = Exchange {
        client,
        daemon,
        inbox,
        request,
        upward_closed: false,
        outbox: Buffer::default(),
        cleared: 0,
        stage: Stage::Head(HeadScan::default()),
        asked: grant.spend(),
        status: 0,
        answered: false,
    };
    let outcome = poll_fn(|cx| exchange.poll(cx)).await;
    let outcome =
        if outcome == Outcome::Complete && seat.is_draining() { Outcome::Last } else { outcome };
    Report {
        outcome,
        status: exchange.status,
        answered: exchange.answered,
        outbox: exchange.outbox,
    }
}

impl Exchange<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let upward = match self.poll_upward(cx) {
            Poll::Ready(Err(outcome)) => return Poll::Ready(outcome),
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        };
        match self.poll_downward(cx) {
            Poll::Ready(Err(outcome)) => return Poll::Ready(outcome),
            Poll::Ready(Ok(())) => return self.after_answer(upward),
            Poll::Pending => {}
        }
        if upward.is_ready() {
            return self.poll_client_end();
        }
        // While the daemon takes nothing, nothing is read, and a reset would not be seen.
        self.client.poll_reset().map(|()| Outcome::ClientGone)
    }

    /// Client to daemon: what is judged, then more of the body.
    fn poll_upward(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Outcome>> {
        let mut turn = Turn::begin();
        while !self.upward_closed {
            let (first, judged) = (self.request.collected.filled(), self.request.judged);
            if !first.is_empty() || judged > 0 {
                let bytes = if first.is_empty() { &self.inbox.filled()[..judged] } else { first };
                match self.daemon.poll_send(bytes) {
                    Poll::Pending => {
                        self.inbox.settle();
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(count)) => self.sent_upward(count),
                    // It takes no more, but its answer may already be here.
                    Poll::Ready(Err(_)) => self.upward_closed = true,
                }
            } else if self.request.body.is_complete() {
                self.inbox.settle();
                return Poll::Ready(Ok(()));
            } else if !self.inbox.is_empty() {
                match self.request.body.read(self.inbox.filled()) {
                    Ok(count) => self.request.judged = count,
                    Err(error) => return Poll::Ready(Err(Outcome::BadBody(error))),
                }
            } else {
                let room = self.inbox.room();
                match self.client.poll_recv(room) {
                    Poll::Pending => {
                        self.inbox.settle();
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(0)) => self.end_upward(),
                    Poll::Ready(Ok(count)) => {
                        self.inbox.fill(count);
                        if turn.is_over(cx) {
                            return Poll::Pending;
                        }
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(Outcome::ClientGone)),
                }
            }
        }
        self.inbox.settle();
        Poll::Ready(Ok(()))
    }

    fn sent_upward(&mut self, count: usize) {
        if self.request.collected.is_empty() {
            self.inbox.consume(count);
            self.request.judged -= count;
        } else {
            self.request.collected.consume(count);
            self.request.collected.settle();
        }
    }

    /// The client has ended: so does what the daemon gets, and it acts as on its own socket.
    fn end_upward(&mut self) {
        self.upward_closed = true;
        self.daemon.end();
    }

    /// Daemon to client: heads, then the body, to its end.
    fn poll_downward(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Outcome>> {
        let mut turn = Turn::begin();
        loop {
            if self.cleared > 0 {
                match self.client.poll_send(&self.outbox.filled()[..self.cleared]) {
                    Poll::Pending => {
                        self.outbox.settle();
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(count)) => {
                        // An interim answer is none: the final one is still owed.
                        self.answered |= !matches!(self.stage, Stage::Head(_));
                        self.outbox.consume(count);
                        self.cleared -= count;
                    }
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(Outcome::ClientGone)),
                }
            } else if matches!(self.stage, Stage::Complete(_) | Stage::Tunnel) {
                return Poll::Ready(Ok(()));
            } else if !self.clear_more()? {
                let room = self.outbox.room();
                match self.daemon.poll_recv(room) {
                    Poll::Pending => {
                        self.outbox.settle();
                        return Poll::Pending;
                    }
                    // A reset is an end too: it comes when the daemon leaves bytes unread.
                    Poll::Ready(Ok(0) | Err(_)) => self.daemon_ended()?,
                    Poll::Ready(Ok(count)) => {
                        self.outbox.fill(count);
                        if turn.is_over(cx) {
                            return Poll::Pending;
                        }
                    }
                }
            }
        }
    }

    /// Judges what is in the outbox; whether that brought the answer on.
    fn clear_more(&mut self) -> Result<bool, Outcome> {
        match &mut self.stage {
            Stage::Head(scan) => {
                let found = scan.find(self.outbox.filled(), ANSWER_HEAD_BYTES_MAX);
                match found.map_err(|error| failed(DaemonFailure::Head(error)))? {
                    Some(length) => self.read_head(length).map(|()| true),
                    None => Ok(false),
                }
            }
            Stage::Body(body, persistence) => {
                let count = body
                    .read(self.outbox.filled())
                    .map_err(|error| failed(DaemonFailure::Body(error)))?;
                let complete = body.is_complete();
                if complete {
                    self.stage = Stage::Complete(*persistence);
                }
                self.cleared = count;
                Ok(count > 0 || complete)
            }
            Stage::Complete(_) | Stage::Tunnel => Ok(true),
        }
    }

    /// A whole head is at the front of the outbox. It goes out together with what there is of
    /// its body.
    fn read_head(&mut self, length: usize) -> Result<(), Outcome> {
        let head = ResponseHead::parse(&self.outbox.filled()[..length], self.asked)
            .map_err(|error| failed(DaemonFailure::Head(error)))?;
        self.status = head.status;
        match head.next {
            Next::Interim => {
                self.stage = Stage::Head(HeadScan::default());
                if head.status == 100 && std::mem::take(&mut self.request.continued) {
                    self.outbox.consume(length);
                } else {
                    self.cleared = length;
                }
            }
            Next::Body(framing) => {
                let persistence = head.persistence;
                let mut body = BodyCursor::new(framing, Trailers::Pass);
                let count = body
                    .read(&self.outbox.filled()[length..])
                    .map_err(|error| failed(DaemonFailure::Body(error)))?;
                self.cleared = length + count;
                self.stage = if body.is_complete() {
                    Stage::Complete(persistence)
                } else {
                    Stage::Body(body, persistence)
                };
            }
            Next::Tunnel => {
                self.cleared = self.outbox.filled().len();
                self.stage = Stage::Tunnel;
            }
            Next::Unasked => return Err(failed(DaemonFailure::Unasked)),
        }
        Ok(())
    }

    /// The daemon has closed: legal only at the end of an answer that lasts until then.
    fn daemon_ended(&mut self) -> Result<(), Outcome> {
        match &self.stage {
            Stage::Head(_) if self.outbox.is_empty() && self.status == 0 => {
                Err(failed(DaemonFailure::Silent))
            }
            Stage::Head(_) => Err(failed(DaemonFailure::Truncated)),
            Stage::Body(body, _) => {
                body.close().map_err(|_| failed(DaemonFailure::Truncated))?;
                self.stage = Stage::Complete(Persistence::Close);
                Ok(())
            }
            Stage::Complete(_) | Stage::Tunnel => Ok(()),
        }
    }

    /// The answer is with the client. What is left of the request still has to go, if the daemon
    /// will have it.
    fn after_answer(&mut self, upward: Poll<()>) -> Poll<Outcome> {
        match self.stage {
            // What is granted goes first, even if the daemon has agreed before it was all there.
            Stage::Tunnel if upward.is_pending() => Poll::Pending,
            Stage::Tunnel => Poll::Ready(Outcome::Tunnel),
            Stage::Complete(Persistence::Close) if upward.is_ready() && !self.upward_closed => {
                Poll::Ready(Outcome::Last)
            }
            Stage::Complete(Persistence::Close) => Poll::Ready(Outcome::Early),
            // More than the answer has come: whose would that be?
            Stage::Complete(_) if !self.outbox.is_empty() => Poll::Ready(Outcome::Last),
            Stage::Complete(Persistence::KeepAlive) if upward.is_pending() => {
                self.daemon.poll_ended().map(|_| Outcome::Early)
            }
            Stage::Complete(Persistence::KeepAlive) if self.upward_closed => {
                Poll::Ready(Outcome::Early)
            }
            Stage::Complete(Persistence::KeepAlive) => {
                self.outbox.settle();
                Poll::Ready(Outcome::Complete)
            }
            Stage::Head(_) | Stage::Body(..) => Poll::Pending,
        }
    }

    /// The request is with the daemon, the answer is not complete: does the client still wait?
    fn poll_client_end(&mut self) -> Poll<Outcome> {
        // Until the daemon has said whether it hijacks, an end of the client's is held back with
        // everything else of it: it may be the stream's.
        let held = self.asked.hijack != Hijack::Never && matches!(self.stage, Stage::Head(_));
        // An end behind another request is that one's.
        if held || !self.inbox.is_empty() || self.upward_closed {
            return self.client.poll_gone().map(|()| Outcome::ClientGone);
        }
        match self.client.poll_ended() {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ended::Gone) => Poll::Ready(Outcome::ClientGone),
            Poll::Ready(Ended::Half) => {
                self.end_upward();
                self.client.poll_gone().map(|()| Outcome::ClientGone)
            }
        }
    }
}

fn failed(failure: DaemonFailure) -> Outcome {
    Outcome::DaemonFailed(failure)
}
