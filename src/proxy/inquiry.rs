//! A question to the daemon. One that a request raises is asked on its client's own connection before
//! the request itself; the client waits meanwhile; if it goes, or the daemon takes too long, so does
//! the question. What the gate wants to know itself it asks on a connection of its own.

use super::buffer::Buffer;
use super::client::Client;
use super::daemon::ANSWER_HEAD_BYTES_MAX;
use super::share::Owner;
use super::socket::Socket;
use crate::admission::Question;
use crate::http::{
    Asked, BodyCursor, BodyFraming, FramingError, HeadError, HeadScan, Hijack, Next, Persistence,
    ResponseHead, Trailers,
};
use crate::runtime::sleep;
use bytes::{Bytes, BytesMut};
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The longest answer, in bytes: a container that somebody gave a thousand mounts fits.
const ANSWER_BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long the daemon may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(30);

/// What the daemon has answered.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body, without its framing.
    pub body: Bytes,
    /// Whether the connection can be used again.
    pub persistence: Persistence,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The client is gone.
    ClientGone,
    /// The connection had ended, or was not in order, before a byte of an answer: on a kept one,
    /// the question may be asked again on another.
    Silent,
    /// The daemon did something else.
    Daemon(Fault),
}

/// What a daemon does instead of answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ended inside its answer.
    Truncated,
    /// Its answer's head has no single reading.
    Head(HeadError),
    /// Its answer's body lost its framing.
    Body(FramingError),
    /// Its answer's body is longer than any it should give.
    TooLong,
    /// Its answer ends with the connection, or is none.
    Unframed,
    /// It took too long.
    Late,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClientGone => f.write_str("the client is gone"),
            Self::Silent => f.write_str("the daemon closed the connection without an answer"),
            Self::Daemon(fault) => fault.fmt(f),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the daemon closed the connection inside its answer"),
            Self::Head(error) => write!(f, "the daemon's answer can't be read ({})", error.name()),
            Self::Body(error) => write!(f, "the daemon's answer can't be read ({})", error.name()),
            Self::TooLong => {
                write!(f, "the daemon's answer has more than {ANSWER_BODY_BYTES_MAX} bytes")
            }
            Self::Unframed => f.write_str("the daemon's answer says neither its length nor chunks"),
            Self::Late => f.write_str("the daemon did not answer in time"),
        }
    }
}

/// Asks for a client.
///
/// # Errors
/// See [`Unanswered`].
pub async fn ask(
    question: &Question,
    asked: Asked,
    client: &mut Client,
    daemon: &mut Socket,
) -> Result<Answer, Unanswered> {
    // What it has said unasked is no answer.
    if daemon.is_unread() {
        return Err(Unanswered::Silent);
    }
    let owner = client.account.owner;
    let mut asking = Asking::new(&question.path(), asked, owner, daemon);
    client.seat.allow(ANSWER_TIME_MAX);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = asking.poll(cx) {
            return Poll::Ready(answer);
        }
        asking.inbox.settle();
        if client.socket.poll_gone(cx).is_ready() {
            return Poll::Ready(Err(Unanswered::ClientGone));
        }
        client.seat.poll_due(cx, false).map(|_| Err(Unanswered::Daemon(Fault::Late)))
    })
    .await
}

/// Asks for the gate itself, on a connection of its own.
///
/// # Errors
/// See [`Unanswered`].
pub async fn ask_alone(
    path: &str,
    daemon: &mut Socket,
    patience: Duration,
) -> Result<Answer, Unanswered> {
    let asked = Asked { head: false, hijack: Hijack::Never };
    let mut asking = Asking::new(path, asked, Owner::GATE, daemon);
    let mut late = pin!(sleep(patience));
    poll_fn(|cx| {
        if let Poll::Ready(answer) = asking.poll(cx) {
            return Poll::Ready(answer);
        }
        asking.inbox.settle();
        late.as_mut().poll(cx).map(|()| Err(Unanswered::Daemon(Fault::Late)))
    })
    .await
}

struct Asking<'d> {
    daemon: &'d mut Socket,
    request: Vec<u8>,
    sent: usize,
    /// Whether any byte has come.
    heard: bool,
    inbox: Buffer,
    asked: Asked,
    head: Option<(u16, BodyCursor, Persistence)>,
    body: BytesMut,
}

impl<'d> Asking<'d> {
    fn new(path: &str, asked: Asked, owner: Owner, daemon: &'d mut Socket) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nHost: dockgate\r\n\r\n");
        Self {
            daemon,
            request: request.into_bytes(),
            sent: 0,
            heard: false,
            inbox: Buffer::of(owner),
            asked,
            head: None,
            body: BytesMut::new(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Unanswered>> {
        while self.sent < self.request.len() {
            match ready!(self.daemon.poll_send(cx, &self.request[self.sent..])) {
                Ok(count) => self.sent += count,
                Err(_) => return Poll::Ready(Err(Unanswered::Silent)),
            }
        }
        loop {
            if let Some(answer) = self.read().map_err(Unanswered::Daemon)? {
                return Poll::Ready(Ok(answer));
            }
            match ready!(self.daemon.poll_fill(cx, &mut self.inbox)) {
                Ok(0) | Err(_) if self.heard => {
                    return Poll::Ready(Err(Unanswered::Daemon(Fault::Truncated)));
                }
                Ok(0) | Err(_) => return Poll::Ready(Err(Unanswered::Silent)),
                Ok(_) => self.heard = true,
            }
        }
    }

    /// Reads what has come; the answer, once it is whole.
    fn read(&mut self) -> Result<Option<Answer>, Fault> {
        while self.head.is_none() {
            let (mut scan, filled) = (HeadScan::default(), self.inbox.filled());
            let found = ResponseHead::find(&mut scan, filled, ANSWER_HEAD_BYTES_MAX, self.asked);
            let Some(head) = found.map_err(Fault::Head)? else { return Ok(None) };
            match head.next {
                Next::Interim => {}
                Next::Body(framing) if framing != BodyFraming::UntilClose => {
                    let cursor = BodyCursor::new(framing, Trailers::Refuse);
                    self.head = Some((head.status, cursor, head.persistence));
                }
                Next::Body(_) | Next::Tunnel | Next::Unasked => return Err(Fault::Unframed),
            }
            self.inbox.consume(head.length);
        }
        let Some((status, cursor, persistence)) = &mut self.head else { return Ok(None) };
        while !cursor.is_complete() && !self.inbox.is_empty() {
            let filled = self.inbox.filled();
            // Data is what may be moved unread; the rest is framing, a byte at a time.
            let data = usize::try_from(cursor.blind()).unwrap_or(usize::MAX).min(filled.len());
            if self.body.len() + data > ANSWER_BODY_BYTES_MAX {
                return Err(Fault::TooLong);
            }
            let count = cursor.read(&filled[..data.max(1)]).map_err(Fault::Body)?;
            self.body.extend_from_slice(&filled[..data]);
            self.inbox.consume(count);
        }
        // More than the answer has come: whose would that be?
        let persistence = if self.inbox.is_empty() { *persistence } else { Persistence::Close };
        Ok(cursor.is_complete().then(|| Answer {
            status: *status,
            body: self.body.split().freeze(),
            persistence,
        }))
    }
}
