//! A hijacked connection: raw bytes both ways. Each direction ends on its own (a half-close is
//! standard input's end; output goes on), and no clock runs.

use super::buffer::Buffer;
use super::socket::Socket;
use super::splice::{Conduit, Direction, Relay, Stuck};
use super::turn::{Step, steps};
use crate::http::{BodyCursor, BodyFraming, Trailers};
use std::future::poll_fn;
use std::task::{Poll, ready};

/// One direction.
struct Way {
    direction: Direction,
    relay: Relay,
    buffer: Buffer,
    conduit: Conduit,
    /// Raw bytes: a body without an end of its own.
    body: BodyCursor,
    /// How much came last: whoever sends a lot at once is about to send more.
    last: u64,
    /// The sender has ended and the receiver has been told.
    ended: bool,
}

/// Carries bytes until both sides have ended, or one is wholly gone. `kept` is what the client
/// sent before the daemon had agreed, and what the daemon has sent since.
pub async fn run(client: &mut Socket, daemon: &mut Socket, kept: [Buffer; 2], relay: Relay) {
    let [inbox, outbox] = kept;
    let mut upward = Way::new(Direction::Up, inbox, relay);
    let mut downward = Way::new(Direction::Down, outbox, relay);
    poll_fn(|_| {
        let up = upward.poll(client, daemon);
        let down = downward.poll(daemon, client);
        // Nobody reads what the daemon says: the daemon must learn of it, whatever it waits for.
        if matches!(down, Poll::Ready(Err(Lost))) {
            return Poll::Ready(());
        }
        if downward.ended {
            // The client has all of it. If the daemon reads no more either, so is this over.
            if upward.ended || up.is_ready() || daemon.poll_gone().is_ready() {
                return Poll::Ready(());
            }
            return Poll::Pending;
        }
        // While the daemon takes no input, nothing is read, and a reset would not be seen.
        if upward.ended { client.poll_gone() } else { client.poll_reset() }
    })
    .await;
}

/// The receiver takes no more.
struct Lost;

impl Way {
    fn new(direction: Direction, buffer: Buffer, relay: Relay) -> Self {
        Self {
            direction,
            relay,
            buffer,
            conduit: Conduit::default(),
            body: BodyCursor::new(BodyFraming::UntilClose, Trailers::Pass),
            last: 1,
            ended: false,
        }
    }

    /// Moves bytes until something is to be waited for, or the direction has ended.
    fn poll(&mut self, from: &mut Socket, to: &mut Socket) -> Poll<Result<(), Lost>> {
        let polled = steps(|| self.poll_step(from, to));
        if matches!(polled, Poll::Ready(Err(Lost))) {
            self.buffer = Buffer::default();
        }
        self.buffer.settle();
        polled
    }

    fn poll_step(&mut self, from: &mut Socket, to: &mut Socket) -> Poll<Result<Step, Lost>> {
        if self.ended {
            return Poll::Ready(Ok(Step::Complete));
        }
        if !self.buffer.is_empty() {
            let count = ready!(to.poll_send(self.buffer.filled())).map_err(|_| Lost)?;
            self.buffer.consume(count);
            return Poll::Ready(Ok(Step::Sent));
        }
        if self.conduit.is_under_way() || self.relay.splices_stream(self.direction, self.last) {
            match ready!(self.conduit.poll_move(from, to, &mut self.body)) {
                Ok(0) | Err(Stuck::Sender(_)) => self.end(to),
                Ok(count) => self.last = count as u64,
                Err(Stuck::Receiver(_)) => return Poll::Ready(Err(Lost)),
                Err(Stuck::Unable) => return self.poll_read(from, to),
            }
            return Poll::Ready(Ok(Step::Read));
        }
        self.poll_read(from, to)
    }

    fn poll_read(&mut self, from: &mut Socket, to: &mut Socket) -> Poll<Result<Step, Lost>> {
        match ready!(from.poll_recv(self.buffer.room())) {
            // A sender that has reset the connection has ended too.
            Ok(0) | Err(_) => self.end(to),
            Ok(count) => {
                self.buffer.fill(count);
                self.last = count as u64;
            }
        }
        Poll::Ready(Ok(Step::Read))
    }

    fn end(&mut self, to: &mut Socket) {
        self.ended = true;
        to.end();
    }
}
