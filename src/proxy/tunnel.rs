//! A hijacked connection: raw bytes both ways. Each direction ends on its own (a half-close is
//! standard input's end; output goes on), and no clock runs.

use super::buffer::Buffer;
use super::socket::Socket;
use super::splice::{Conduit, Direction, Relay, Stuck};
use super::turn::{Progress, steps};
use crate::http::{BodyCursor, BodyFraming, Trailers};
use crate::observe::record::{Moved, Traffic, TunnelEnd};
use std::task::{Context, Poll, ready};

/// One direction.
struct Way {
    direction: Direction,
    relay: Relay,
    buffer: Buffer,
    conduit: Conduit,
    /// How much came last: whoever sends a lot at once is about to send more.
    last: u64,
    /// The sender has ended and the receiver has been told.
    ended: bool,
    moved: Moved,
}

/// Both directions.
pub struct Tunnel {
    upward: Way,
    downward: Way,
}

impl Tunnel {
    /// `inbox` holds what the client sent before the daemon had agreed, `outbox` what the daemon has
    /// sent since.
    #[must_use]
    pub fn new(inbox: Buffer, outbox: Buffer, relay: Relay) -> Self {
        Self {
            upward: Way::new(Direction::Up, inbox, relay),
            downward: Way::new(Direction::Down, outbox, relay),
        }
    }

    /// What has gone on.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic { up: self.upward.moved, down: self.downward.moved }
    }

    /// Carries bytes until both sides have ended, or one is wholly gone.
    pub fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Socket,
        daemon: &mut Socket,
    ) -> Poll<TunnelEnd> {
        let up = self.upward.poll(cx, client, daemon);
        let down = self.downward.poll(cx, daemon, client);
        // Nobody reads what the daemon says: the daemon must learn of it, whatever it waits for.
        if matches!(down, Poll::Ready(Err(Lost))) {
            return Poll::Ready(TunnelEnd::Client);
        }
        if self.downward.ended {
            // The client has all of it. If the daemon reads no more either, so is this over.
            if self.upward.ended {
                return Poll::Ready(TunnelEnd::Both);
            }
            if up.is_ready() || daemon.poll_gone(cx).is_ready() {
                return Poll::Ready(TunnelEnd::Daemon);
            }
            return Poll::Pending;
        }
        // While the daemon takes no input, nothing is read, and a reset would not be seen.
        let gone = if self.upward.ended { client.poll_gone(cx) } else { client.poll_reset(cx) };
        gone.map(|()| TunnelEnd::Client)
    }
}

/// The receiver takes no more.
struct Lost;

impl Way {
    fn new(direction: Direction, buffer: Buffer, relay: Relay) -> Self {
        Self {
            direction,
            relay,
            conduit: Conduit::of(buffer.owner()),
            buffer,
            last: 1,
            ended: false,
            moved: Moved::default(),
        }
    }

    /// Moves bytes until something is to be waited for, or the direction has ended.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Socket,
        to: &mut Socket,
    ) -> Poll<Result<(), Lost>> {
        let polled = steps(cx, |cx| self.poll_step(cx, from, to));
        if matches!(polled, Poll::Ready(Err(Lost))) {
            self.buffer.consume(usize::MAX);
        }
        self.buffer.settle();
        polled
    }

    fn poll_step(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Socket,
        to: &mut Socket,
    ) -> Poll<Result<Progress, Lost>> {
        if self.ended {
            return Poll::Ready(Ok(Progress::Complete));
        }
        if !self.buffer.is_empty() {
            let count = ready!(to.poll_send(cx, self.buffer.filled())).map_err(|_| Lost)?;
            self.buffer.consume(count);
            self.moved.copied += count as u64;
            return Poll::Ready(Ok(Progress::Sent));
        }
        if self.conduit.is_under_way() || self.relay.splices_stream(self.direction, self.last) {
            // Raw bytes are a body without an end of its own.
            let mut body = BodyCursor::new(BodyFraming::UntilClose, Trailers::Pass);
            match ready!(self.conduit.poll_move(cx, from, to, &mut body)) {
                Ok(0) | Err(Stuck::Sender(_)) => self.end(to),
                Ok(count) => {
                    self.last = count as u64;
                    self.moved.spliced += count as u64;
                }
                Err(Stuck::Receiver(_)) => return Poll::Ready(Err(Lost)),
                Err(Stuck::Unable) => return self.poll_read(cx, from, to),
            }
            return Poll::Ready(Ok(Progress::Read));
        }
        self.poll_read(cx, from, to)
    }

    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut Socket,
        to: &mut Socket,
    ) -> Poll<Result<Progress, Lost>> {
        match ready!(from.poll_fill(cx, &mut self.buffer)) {
            // A sender that has reset the connection has ended too.
            Ok(0) | Err(_) => self.end(to),
            Ok(count) => self.last = count as u64,
        }
        Poll::Ready(Ok(Progress::Read))
    }

    fn end(&mut self, to: &mut Socket) {
        self.ended = true;
        to.end();
    }
}
