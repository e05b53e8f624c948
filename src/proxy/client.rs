//! The client's side of a connection: its bytes as they come, up to where they are judged, and
//! what the gate says to it itself. Everything here has a deadline, since nothing of it is on its
//! way to the daemon.

use super::Limits;
use super::buffer::Buffer;
use super::roster::{Due, Seat};
use super::share::{Account, Excess, Share, Total};
use super::socket::Socket;
use crate::http::{BodyCursor, FramingError, HeadError, HeadScan};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::task::yield_now;

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
    /// What it and others of the same client hold.
    pub account: Arc<Account>,
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
    /// Too many bytes are held of heads that are begun.
    Crowded(Excess),
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
    /// Too many bytes are collected.
    Crowded(Excess),
    /// The client has ended before it.
    Ended,
    /// It lost its framing.
    Bad(FramingError),
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
    pub fn new(socket: Socket, seat: Seat, account: Arc<Account>) -> Self {
        Self { socket, inbox: Buffer::of(account.owner), seat, account }
    }

    /// Waits for a whole head. Meanwhile an end of the daemon's is the client's too, and the
    /// clock runs: a long one until the head's first byte, a short one after it. What is held of a
    /// head that is not whole is a share of `heads`.
    pub async fn head(
        &mut self,
        mut daemon: Option<&mut Socket>,
        limits: &Limits,
        heads: &Total,
    ) -> Arrival {
        let mut scan = HeadScan::default();
        let mut share = heads.share(&self.account);
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
                match self.socket.poll_fill(cx, &mut self.inbox) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Arrival::Ended),
                    Poll::Ready(Ok(_)) => {}
                    Poll::Pending => break,
                }
            }
            self.inbox.settle();
            if begun && let Err(excess) = share.hold(self.inbox.filled().len()) {
                return Poll::Ready(Arrival::Crowded(excess));
            }
            // The daemon has nothing to say between requests but its end.
            if let Some(daemon) = &mut daemon
                && (daemon.poll_ended(cx).is_ready() || daemon.has_unread())
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
            share.take(data).map_err(Uncollected::Crowded)?;
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
                match self.socket.poll_send(cx, bytes) {
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

    /// Waits for its first bytes and throws them away; whether it is to be answered.
    pub async fn begin(&mut self) -> bool {
        self.seat.allow(LINGER_TIME_MAX);
        let stop = self.more_unless(true).await.err();
        self.inbox.consume(usize::MAX);
        match stop {
            None => true,
            Some(Stop::Late) => !self.seat.is_draining(),
            Some(Stop::Ended) => false,
        }
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
            // It may send without end: others have their turn.
            yield_now().await;
        }
    }

    /// Waits for more bytes in the inbox, until the deadline.
    pub(super) async fn more(&mut self) -> Result<(), Stop> {
        self.more_unless(false).await
    }

    /// The same, and where `idle` only until the end of service.
    async fn more_unless(&mut self, idle: bool) -> Result<(), Stop> {
        poll_fn(|cx| {
            // Looked at first: a client that never stops sending has a deadline too.
            if self.seat.poll_due(cx, idle).is_ready() {
                return Poll::Ready(Err(Stop::Late));
            }
            match self.socket.poll_fill(cx, &mut self.inbox) {
                Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Err(Stop::Ended)),
                Poll::Ready(Ok(_)) => Poll::Ready(Ok(())),
                Poll::Pending => {
                    self.inbox.settle();
                    Poll::Pending
                }
            }
        })
        .await
    }
}
