//! A granted request on its way to the daemon: what is judged, then its body, exactly to its end.

use super::buffer::Buffer;
use super::outcome::Outcome;
use super::socket::Socket;
use super::splice::{Conduit, Direction, FRAMING_BYTES, Relay, Stuck};
use super::turn::{Progress, steps};
use crate::http::BodyCursor;
use crate::observe::record::Moved;
use std::task::{Context, Poll, ready};

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

/// How far a request has come.
pub(super) struct Upward<'c> {
    pub(super) request: &'c mut Request,
    /// What has gone to the daemon.
    pub(super) moved: Moved,
    /// Nothing more goes to the daemon: it has ended, or the client has.
    pub(super) is_closed: bool,
    /// The client has; what is under way still goes to the daemon.
    has_ended: bool,
    relay: Relay,
    conduit: Conduit,
    /// Chunks are so large that they are spliced: of the framing between them no more is read than
    /// need be.
    in_large_chunks: bool,
}

impl<'c> Upward<'c> {
    pub(super) fn new(request: &'c mut Request, relay: Relay) -> Self {
        let conduit = Conduit::of(request.collected.owner());
        Self {
            request,
            moved: Moved::default(),
            is_closed: false,
            has_ended: false,
            relay,
            conduit,
            in_large_chunks: false,
        }
    }

    /// Sends on until the request is with the daemon, or nothing more can go there.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Socket,
        daemon: &mut Socket,
        inbox: &mut Buffer,
    ) -> Poll<Result<(), Outcome>> {
        let polled = steps(cx, |cx| self.poll_step(cx, client, daemon, inbox));
        inbox.settle();
        polled
    }

    fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Socket,
        daemon: &mut Socket,
        inbox: &mut Buffer,
    ) -> Poll<Result<Progress, Outcome>> {
        let Request { collected, judged, body, .. } = &mut *self.request;
        if self.is_closed {
            return Poll::Ready(Ok(Progress::Complete));
        }
        if self.conduit.is_under_way() {
            return self.poll_splice(cx, client, daemon, inbox);
        }
        if !collected.is_empty() || *judged > 0 {
            let own = !collected.is_empty();
            let bytes = if own { collected.filled() } else { &inbox.filled()[..*judged] };
            match ready!(daemon.poll_send(cx, bytes)) {
                Ok(count) => {
                    self.moved.copied += count as u64;
                    if own {
                        collected.consume(count);
                        collected.settle();
                    } else {
                        inbox.consume(count);
                        *judged -= count;
                    }
                }
                // It takes no more, but its answer may already be here.
                Err(_) => self.is_closed = true,
            }
            return Poll::Ready(Ok(Progress::Sent));
        }
        if body.is_complete() {
            return Poll::Ready(Ok(Progress::Complete));
        }
        if !inbox.is_empty() {
            *judged = body.read(inbox.filled()).map_err(Outcome::BadBody)?;
            return Poll::Ready(Ok(Progress::Sent));
        }
        if self.in_large_chunks || self.relay.splices_body(Direction::Up, body) {
            return self.poll_splice(cx, client, daemon, inbox);
        }
        self.poll_read(cx, client, daemon, inbox)
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Socket,
        daemon: &mut Socket,
        inbox: &mut Buffer,
    ) -> Poll<Result<Progress, Outcome>> {
        match ready!(client.poll_fill(cx, inbox)) {
            Ok(0) => self.end(daemon),
            Ok(_) => {}
            Err(_) => return Poll::Ready(Err(Outcome::ClientGone)),
        }
        Poll::Ready(Ok(Progress::Read))
    }

    /// Fills the pipe, then has the daemon take what is in it.
    fn poll_splice(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Socket,
        daemon: &mut Socket,
        inbox: &mut Buffer,
    ) -> Poll<Result<Progress, Outcome>> {
        while self.conduit.has_room() {
            match self.poll_fill(cx, client, inbox) {
                Poll::Ready(Ok(Fill::More)) => {}
                Poll::Ready(Ok(Fill::Enough)) => break,
                Poll::Ready(Ok(Fill::Unable)) => return self.poll_read(cx, client, daemon, inbox),
                Poll::Ready(Err(outcome)) => return Poll::Ready(Err(outcome)),
                Poll::Pending if self.conduit.is_under_way() => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        if ready!(self.conduit.poll_drain(cx, daemon)).is_err() {
            self.is_closed = true;
        } else if self.has_ended {
            self.end(daemon);
        }
        Poll::Ready(Ok(Progress::Read))
    }

    /// Puts into the pipe what comes next: data that need not be read, or the framing between two
    /// chunks, of which what is judged is what was read.
    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Socket,
        inbox: &mut Buffer,
    ) -> Poll<Result<Fill, Outcome>> {
        let body = &mut self.request.body;
        let blind = body.blind();
        let splices = self.relay.splices_body(Direction::Up, body);
        let is_framing = blind == 0 && !body.is_complete();
        self.in_large_chunks = splices || self.in_large_chunks && is_framing;
        if !self.in_large_chunks || self.has_ended || !inbox.is_empty() {
            return Poll::Ready(Ok(Fill::Enough));
        }
        if splices {
            return match ready!(self.conduit.poll_fill(cx, client, body)) {
                Ok(0) => Poll::Ready(Ok(self.ended())),
                // Less than there is to come: there is no more for the moment, or no room.
                Ok(count) => {
                    self.moved.spliced += count as u64;
                    let fill = if (count as u64) < blind { Fill::Enough } else { Fill::More };
                    Poll::Ready(Ok(fill))
                }
                Err(Stuck::Unable) => Poll::Ready(Ok(Fill::Unable)),
                Err(_) => Poll::Ready(Err(Outcome::ClientGone)),
            };
        }
        let room = inbox.room();
        let framing_bytes = FRAMING_BYTES.min(room.len());
        match ready!(client.poll_recv(cx, &mut room[..framing_bytes])) {
            Ok(0) => return Poll::Ready(Ok(self.ended())),
            Ok(count) => inbox.fill(count),
            Err(_) => return Poll::Ready(Err(Outcome::ClientGone)),
        }
        let judged = body.read(inbox.filled()).map_err(Outcome::BadBody)?;
        if !self.conduit.put(&inbox.filled()[..judged]) {
            // It goes on its own, when the pipe is empty.
            self.request.judged = judged;
            return Poll::Ready(Ok(Fill::Enough));
        }
        self.moved.copied += judged as u64;
        inbox.consume(judged);
        Poll::Ready(Ok(Fill::More))
    }

    fn ended(&mut self) -> Fill {
        self.has_ended = true;
        Fill::Enough
    }

    /// The client has ended: so does what the daemon gets, and it acts as on its own socket.
    pub(super) fn end(&mut self, daemon: &mut Socket) {
        self.is_closed = true;
        daemon.end();
    }
}

/// What filling a pipe has done.
enum Fill {
    /// Something is in it, and more may be to be had.
    More,
    /// It is to be emptied now.
    Enough,
    /// There is none, or it can't be filled: copy.
    Unable,
}
