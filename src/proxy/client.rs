//! The client's side of a connection: its bytes as they come, up to where they are judged, and
//! what the gate says to it itself. Everything here has a deadline, since nothing of it is on its
//! way to the daemon.

use super::Limits;
use super::buffer::Buffer;
use super::roster::{Due, Seat};
use super::socket::Socket;
use crate::http::{BodyCursor, FramingError, HeadError, HeadScan};
use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

/// What of a refused request's body is read so that the connection can go on, in bytes: what the
/// daemon itself reads of a body that its handler ignored (Go's `net/http`).
pub const DRAIN_BYTES_MAX: usize = 256 * 1024;

/// How long a refused body may take to come.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(5);

/// How long a client gets to take the gate's own answer, and to read it while it still sends.
const LINGER_TIME_MAX: Duration = Duration::from_secs(5);

/// A connected client.
#[derive(Debug)]
pub struct Client {
    /// Its socket.
    pub socket: Socket,
    /// What it has sent and nobody has dealt with yet.
    pub inbox: Buffer,
    /// Its place among the worker's connections, with its deadline.
    pub seat: Seat,
}

/// What waiting for a head has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A whole head of so many bytes is at the front of the inbox.
    Head(usize),
    /// What has come can't be a head.
    Malformed(HeadError),
    /// A head was begun and not ended in time.
    Late,
    /// Too many bytes are held of heads that others have begun.
    Crowded,
    /// The client, the daemon or the time without a request has ended.
    Ended,
}

/// Why a body could not be collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncollected {
    /// It has more bytes than may be collected.
    TooLong,
    /// It did not come in time.
    Late,
    /// Too many bytes are collected for others.
    Crowded,
    /// The client has ended before it.
    Ended,
    /// It lost its framing.
    Bad(FramingError),
}

/// What all clients together may have collected, in bytes, unless one body may have more: bodies that
/// are begun and not ended must not take the memory of everybody.
const COLLECTED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The same of heads that are begun and not ended. It is enough for a thousand of 8 KiB; those that
/// arrive in one piece, as nearly all do, are none of them.
const BEGUN_BYTES_MAX: usize = 8 * 1024 * 1024;

/// One client's share of what all of them hold, given back in the end.
#[derive(Debug)]
pub struct Share<'t> {
    total: &'t AtomicUsize,
    max: usize,
    own: usize,
}

impl<'t> Share<'t> {
    /// Nothing yet of the bodies that are collected.
    #[must_use]
    pub fn of_bodies(total: &'t AtomicUsize, limits: &Limits) -> Self {
        Self { total, max: COLLECTED_BYTES_MAX.max(limits.json_bytes_max), own: 0 }
    }

    /// Nothing yet of the heads that are begun.
    fn of_heads(total: &'t AtomicUsize, limits: &Limits) -> Self {
        Self { total, max: BEGUN_BYTES_MAX.max(limits.head_bytes_max), own: 0 }
    }

    /// Takes some more; whether there was so much.
    fn take(&mut self, bytes: usize) -> bool {
        self.own += bytes;
        self.total.fetch_add(bytes, Relaxed) + bytes <= self.max
    }

    /// Takes as much as is missing to have so much; whether there was.
    fn hold(&mut self, bytes: usize) -> bool {
        self.take(bytes.saturating_sub(self.own))
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        // Most have none, and leave the counter to its processor.
        if self.own > 0 {
            self.total.fetch_sub(self.own, Relaxed);
        }
    }
}

/// Why no more bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The client has ended.
    Ended,
    /// They did not come in time.
    Late,
}

impl From<Stop> for Uncollected {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Ended => Self::Ended,
            Stop::Late => Self::Late,
        }
    }
}

impl Client {
    /// A client that has just been accepted.
    #[must_use]
    pub fn new(socket: Socket, seat: Seat) -> Self {
        Self { socket, inbox: Buffer::default(), seat }
    }

    /// Waits for a whole head. Meanwhile an end of the daemon's is the client's too, and the
    /// clock runs: a long one until the head's first byte, a short one after it. What is held of a
    /// head that is not whole is a share of `heads`.
    pub async fn head(
        &mut self,
        mut daemon: Option<&mut Socket>,
        limits: &Limits,
        heads: &AtomicUsize,
    ) -> Arrival {
        let mut scan = HeadScan::default();
        let mut share = Share::of_heads(heads, limits);
        let mut begun = false;
        self.seat.allow(limits.idle_time_max);
        poll_fn(|cx| {
            loop {
                if !self.inbox.is_empty() {
                    match scan.find(self.inbox.filled(), limits.head_bytes_max) {
                        Ok(Some(length)) => return Poll::Ready(Arrival::Head(length)),
                        Ok(None) => {}
                        Err(error) => return Poll::Ready(Arrival::Malformed(error)),
                    }
                    if !begun {
                        begun = true;
                        self.seat.allow(limits.head_time_max);
                    }
                }
                match self.socket.poll_recv(self.inbox.room()) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Arrival::Ended),
                    Poll::Ready(Ok(count)) => self.inbox.fill(count),
                    Poll::Pending => break,
                }
            }
            self.inbox.settle();
            if begun && !share.hold(self.inbox.filled().len()) {
                return Poll::Ready(Arrival::Crowded);
            }
            // The daemon has nothing to say between requests but its end.
            if let Some(daemon) = &mut daemon
                && (daemon.poll_ended().is_ready() || daemon.has_unread())
            {
                return Poll::Ready(Arrival::Ended);
            }
            match self.seat.poll_due(cx, !begun) {
                Poll::Ready(Due::Expired) if begun => Poll::Ready(Arrival::Late),
                Poll::Ready(Due::Expired | Due::Draining) => Poll::Ready(Arrival::Ended),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Collects the data of a body, without its framing.
    ///
    /// # Errors
    /// See [`Uncollected`].
    pub async fn collect(
        &mut self,
        body: &mut BodyCursor,
        limits: &Limits,
        share: &mut Share<'_>,
    ) -> Result<Vec<u8>, Uncollected> {
        let mut collected = Vec::new();
        self.seat.allow(limits.head_time_max);
        while !body.is_complete() {
            if self.inbox.is_empty() {
                self.more().await?;
            }
            let filled = self.inbox.filled();
            // Data is what may be moved unread; the rest is framing, a byte at a time.
            let data = usize::try_from(body.blind()).unwrap_or(usize::MAX).min(filled.len());
            if collected.len() + data > limits.json_bytes_max {
                return Err(Uncollected::TooLong);
            }
            if !share.take(data) {
                return Err(Uncollected::Crowded);
            }
            let count = body.read(&filled[..data.max(1)]).map_err(Uncollected::Bad)?;
            collected.extend_from_slice(&filled[..data]);
            self.inbox.consume(count);
        }
        Ok(collected)
    }

    /// Reads a body to its end and throws it away; whether that came soon enough.
    pub async fn drain(&mut self, mut body: BodyCursor) -> bool {
        let mut drained = 0;
        self.seat.allow(DRAIN_TIME_MAX);
        while !body.is_complete() {
            if drained >= DRAIN_BYTES_MAX || self.inbox.is_empty() && self.more().await.is_err() {
                return false;
            }
            let Ok(count) = body.read(self.inbox.filled()) else { return false };
            self.inbox.consume(count);
            drained += count;
        }
        true
    }

    /// Sends the gate's own bytes; whether the client took them in time.
    pub async fn send(&mut self, mut bytes: &[u8]) -> bool {
        self.seat.allow(LINGER_TIME_MAX);
        poll_fn(|cx| {
            while !bytes.is_empty() {
                match self.socket.poll_send(bytes) {
                    Poll::Ready(Ok(count)) => bytes = bytes.get(count..).unwrap_or_default(),
                    Poll::Ready(Err(_)) => return Poll::Ready(false),
                    Poll::Pending => return self.seat.poll_due(cx, false).map(|_| false),
                }
            }
            Poll::Ready(true)
        })
        .await
    }

    /// Whether it has sent bytes that nobody has read.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        !self.inbox.is_empty() || self.socket.is_unread()
    }

    /// Ends our side and reads what still comes for a while: closing with bytes unread would
    /// reset the connection and take the answer back out of the client's hands.
    pub async fn linger(&mut self) {
        self.socket.end();
        // What is here is not dealt with any more, and must not be kept meanwhile.
        self.inbox.consume(usize::MAX);
        self.inbox.settle();
        self.seat.allow(LINGER_TIME_MAX);
        while self.more().await.is_ok() {
            self.inbox.consume(usize::MAX);
        }
    }

    /// Waits for more bytes in the inbox, until the deadline.
    pub(super) async fn more(&mut self) -> Result<(), Stop> {
        poll_fn(|cx| {
            // Looked at first: a client that never stops sending has a deadline too.
            if self.seat.poll_due(cx, false).is_ready() {
                return Poll::Ready(Err(Stop::Late));
            }
            match self.socket.poll_recv(self.inbox.room()) {
                Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Err(Stop::Ended)),
                Poll::Ready(Ok(count)) => {
                    self.inbox.fill(count);
                    Poll::Ready(Ok(()))
                }
                Poll::Pending => {
                    self.inbox.settle();
                    Poll::Pending
                }
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_collect_together_is_bounded_and_given_back() {
        let limits = Limits {
            head_bytes_max: 1 << 16,
            json_bytes_max: 1 << 21,
            head_time_max: Duration::ZERO,
            idle_time_max: Duration::ZERO,
        };
        let total = AtomicUsize::new(0);
        let mut one = Share::of_bodies(&total, &limits);
        let mut other = Share::of_bodies(&total, &limits);
        assert!(one.take(COLLECTED_BYTES_MAX - 1) && other.take(1));
        assert!(!other.take(1));
        drop(one);
        assert!(other.take(1));
        drop(other);
        assert_eq!(total.load(Relaxed), 0);
    }
}
