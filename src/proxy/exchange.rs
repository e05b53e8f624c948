//! One granted request and its answer. What was judged goes to the daemon, what the daemon
//! answers goes to the client, both at once and each as it comes; the pure storey's cursors say
//! where each ends.

use super::buffer::Buffer;
use super::client::Client;
use super::daemon::ANSWER_HEAD_BYTES_MAX;
use super::outcome::{DaemonFailure, Outcome};
use super::socket::{Ended, Socket};
use super::splice::{Conduit, Direction, Relay, Stuck};
use super::turn::{Progress, steps};
use super::upward::{Request, Upward};
use crate::http::{Asked, BodyCursor, HeadScan, Hijack, Next, Persistence, ResponseHead, Trailers};
use crate::observe::record::{Moved, Stopwatch, Traffic};
use crate::policy::Grant;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};

/// What an exchange has moved.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// The last status that came, 0 if none did.
    pub status: u16,
    /// Whether any byte of the final answer reached the client.
    pub answered: bool,
    /// What went on, both ways.
    pub traffic: Traffic,
    /// What has been read from the daemon beyond the answer: a tunnel's first bytes.
    pub outbox: Buffer,
}

struct Exchange<'c> {
    client: &'c mut Socket,
    daemon: &'c mut Socket,
    inbox: &'c mut Buffer,
    up: Upward<'c>,
    down: Conduit,
    relay: Relay,
    outbox: Buffer,
    /// How many bytes at the front of the outbox may be sent.
    cleared: usize,
    stage: Stage,
    asked: Asked,
    status: u16,
    answered: bool,
    /// What has gone to the client.
    moved: Moved,
    watch: &'c mut Stopwatch,
}

/// Where the answer stands.
enum Stage {
    Head(HeadScan),
    Body(BodyCursor, Persistence),
    Complete(Persistence),
    Tunnel,
}

/// Sends a request and relays its answer. Spends the grant.
///
/// An `async fn` would keep its arguments beside the exchange that is made of them.
pub fn run<'c>(
    grant: Grant,
    request: &'c mut Request,
    client: &'c mut Client,
    daemon: &'c mut Socket,
    relay: Relay,
    watch: &'c mut Stopwatch,
) -> impl Future<Output = Report> + use<'c> {
    let Client { socket: client, inbox, seat, account } = client;
    watch.sent();
    let mut exchange = Exchange {
        client,
        daemon,
        inbox,
        up: Upward::new(request, relay),
        down: Conduit::of(account.owner),
        relay,
        outbox: Buffer::of(account.owner),
        cleared: 0,
        stage: Stage::Head(HeadScan::default()),
        asked: grant.spend(),
        status: 0,
        answered: false,
        moved: Moved::default(),
        watch,
    };
    async move {
        let outcome = poll_fn(|cx| exchange.poll(cx)).await;
        let is_last = outcome == Outcome::Complete && seat.is_draining();
        Report {
            outcome: if is_last { Outcome::Last } else { outcome },
            status: exchange.status,
            answered: exchange.answered,
            traffic: Traffic { up: exchange.up.moved, down: exchange.moved },
            outbox: exchange.outbox,
        }
    }
}

impl Exchange<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        let upward = match self.up.poll(cx, self.client, self.daemon, self.inbox) {
            Poll::Ready(Err(outcome)) => return Poll::Ready(outcome),
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Pending => Poll::Pending,
        };
        match self.poll_downward(cx) {
            Poll::Ready(Err(outcome)) => return Poll::Ready(outcome),
            Poll::Ready(Ok(())) => return self.after_answer(cx, upward),
            Poll::Pending => {}
        }
        if upward.is_ready() {
            return self.poll_client_end(cx);
        }
        // While the daemon takes nothing, nothing is read, and a reset would not be seen.
        self.client.poll_reset(cx).map(|()| Outcome::ClientGone)
    }

    /// Daemon to client: heads, then the body, to its end.
    fn poll_downward(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Outcome>> {
        let polled = steps(cx, |cx| self.poll_down_step(cx));
        self.outbox.settle();
        polled
    }

    fn poll_down_step(&mut self, cx: &mut Context<'_>) -> Poll<Result<Progress, Outcome>> {
        if self.down.is_under_way() {
            return self.poll_down_splice(cx);
        }
        if self.cleared > 0 {
            let Ok(count) =
                ready!(self.client.poll_send(cx, &self.outbox.filled()[..self.cleared]))
            else {
                return Poll::Ready(Err(Outcome::ClientGone));
            };
            // An interim answer is none: the final one is still owed.
            self.answered |= !matches!(self.stage, Stage::Head(_));
            self.watch.passed();
            self.moved.copied += count as u64;
            self.outbox.consume(count);
            self.cleared -= count;
            return Poll::Ready(Ok(Progress::Sent));
        }
        if matches!(self.stage, Stage::Complete(_) | Stage::Tunnel) {
            return Poll::Ready(Ok(Progress::Complete));
        }
        if self.clear_more()? {
            return Poll::Ready(Ok(Progress::Sent));
        }
        if let Stage::Body(body, _) = &self.stage
            && self.outbox.is_empty()
            && self.relay.splices_body(Direction::Down, body)
        {
            return self.poll_down_splice(cx);
        }
        self.poll_down_read(cx)
    }

    fn poll_down_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Progress, Outcome>> {
        // A reset is an end too: it comes when the daemon leaves bytes unread.
        if let Ok(0) | Err(_) = ready!(self.daemon.poll_fill(cx, &mut self.outbox)) {
            self.daemon_ended()?;
        }
        Poll::Ready(Ok(Progress::Read))
    }

    fn poll_down_splice(&mut self, cx: &mut Context<'_>) -> Poll<Result<Progress, Outcome>> {
        let Stage::Body(body, _) = &mut self.stage else { return Poll::Ready(Ok(Progress::Sent)) };
        match ready!(self.down.poll_move(cx, self.daemon, self.client, body)) {
            Ok(0) | Err(Stuck::Sender(_)) => self.daemon_ended()?,
            Ok(count) => self.moved.spliced += count as u64,
            Err(Stuck::Receiver(_)) => return Poll::Ready(Err(Outcome::ClientGone)),
            Err(Stuck::Unable) => return self.poll_down_read(cx),
        }
        Poll::Ready(Ok(Progress::Read))
    }

    /// Judges what is in the outbox; whether that brought the answer on.
    fn clear_more(&mut self) -> Result<bool, Outcome> {
        match &mut self.stage {
            Stage::Head(scan) => {
                let filled = self.outbox.filled();
                let found = ResponseHead::find(scan, filled, ANSWER_HEAD_BYTES_MAX, self.asked);
                match found.map_err(|error| failed(DaemonFailure::Head(error)))? {
                    Some(head) => self.heard(&head).map(|()| true),
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
    fn heard(&mut self, head: &ResponseHead) -> Result<(), Outcome> {
        let length = head.length;
        self.status = head.status;
        self.watch.heard();
        match head.next {
            Next::Interim => {
                self.stage = Stage::Head(HeadScan::default());
                if head.status == 100 && std::mem::take(&mut self.up.request.continued) {
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
    fn after_answer(&mut self, cx: &mut Context<'_>, upward: Poll<()>) -> Poll<Outcome> {
        match self.stage {
            // What is granted goes first, even if the daemon has agreed before it was all there.
            Stage::Tunnel if upward.is_pending() => Poll::Pending,
            Stage::Tunnel => Poll::Ready(Outcome::Tunnel),
            Stage::Complete(Persistence::Close) if upward.is_ready() && !self.up.is_closed => {
                Poll::Ready(Outcome::Last)
            }
            Stage::Complete(Persistence::Close) => Poll::Ready(Outcome::Early),
            // More than the answer has come: whose would that be?
            Stage::Complete(_) if !self.outbox.is_empty() => Poll::Ready(Outcome::Last),
            Stage::Complete(Persistence::KeepAlive) if upward.is_pending() => {
                self.daemon.poll_ended(cx).map(|_| Outcome::Early)
            }
            Stage::Complete(Persistence::KeepAlive) if self.up.is_closed => {
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
    fn poll_client_end(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        // Until the daemon has said whether it hijacks, an end of the client's is held back with
        // everything else of it: it may be the stream's.
        let held = self.asked.hijack != Hijack::Never && matches!(self.stage, Stage::Head(_));
        // An end behind another request is that one's.
        if held || !self.inbox.is_empty() || self.up.is_closed {
            return self.client.poll_gone(cx).map(|()| Outcome::ClientGone);
        }
        match self.client.poll_ended(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ended::Gone) => Poll::Ready(Outcome::ClientGone),
            Poll::Ready(Ended::Half) => {
                self.up.end(self.daemon);
                self.client.poll_gone(cx).map(|()| Outcome::ClientGone)
            }
        }
    }
}

fn failed(failure: DaemonFailure) -> Outcome {
    Outcome::DaemonFailed(failure)
}
