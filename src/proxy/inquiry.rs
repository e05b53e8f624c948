//! A question to the daemon, asked on the client's own connection to it before the request that
//! raised it. The client waits meanwhile; if it goes, or the daemon takes too long, so does the
//! question.

use super::buffer::Buffer;
use super::client::Client;
use super::socket::Socket;
use crate::admission::Question;
use crate::http::{
    Asked, BodyCursor, BodyFraming, HeadScan, Next, Persistence, ResponseHead, Trailers,
};
use std::future::poll_fn;
use std::task::{Poll, ready};
use std::time::Duration;

/// The longest head that a daemon may answer with, in bytes.
const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;

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
    pub body: Vec<u8>,
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
    /// The daemon ended, answered what can't be read or too much, or took too long.
    Daemon,
}

/// Asks.
///
/// # Errors
/// See [`Unanswered`].
pub async fn ask(
    question: &Question,
    asked: Asked,
    client: &mut Client,
    daemon: &mut Socket,
) -> Result<Answer, Unanswered> {
    get(&question.path(), ANSWER_TIME_MAX, asked, client, daemon).await
}

/// Gets what is at a path, for a client that waits for it.
///
/// # Errors
/// See [`Unanswered`].
pub async fn get(
    path: &str,
    time_max: Duration,
    asked: Asked,
    client: &mut Client,
    daemon: &mut Socket,
) -> Result<Answer, Unanswered> {
    // What it has said unasked is no answer.
    if daemon.is_unread() {
        return Err(Unanswered::Silent);
    }
    let request = format!("GET {path} HTTP/1.1\r\nHost: dockgate\r\n\r\n");
    let mut asking = Asking {
        daemon,
        request: request.into_bytes(),
        sent: 0,
        heard: false,
        inbox: Buffer::default(),
        asked,
        head: None,
        body: Vec::new(),
    };
    client.seat.allow(time_max);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = asking.poll() {
            return Poll::Ready(answer);
        }
        asking.inbox.settle();
        if client.socket.poll_gone().is_ready() {
            return Poll::Ready(Err(Unanswered::ClientGone));
        }
        client.seat.poll_due(cx, false).map(|_| Err(Unanswered::Daemon))
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
    body: Vec<u8>,
}

impl Asking<'_> {
    fn poll(&mut self) -> Poll<Result<Answer, Unanswered>> {
        while self.sent < self.request.len() {
            match ready!(self.daemon.poll_send(&self.request[self.sent..])) {
                Ok(count) => self.sent += count,
                Err(_) => return Poll::Ready(Err(Unanswered::Silent)),
            }
        }
        loop {
            if let Some(answer) = self.read()? {
                return Poll::Ready(Ok(answer));
            }
            match ready!(self.daemon.poll_recv(self.inbox.room())) {
                Ok(0) | Err(_) if self.heard => return Poll::Ready(Err(Unanswered::Daemon)),
                Ok(0) | Err(_) => return Poll::Ready(Err(Unanswered::Silent)),
                Ok(count) => {
                    self.heard = true;
                    self.inbox.fill(count);
                }
            }
        }
    }

    /// Reads what has come; the answer, once it is whole.
    fn read(&mut self) -> Result<Option<Answer>, Unanswered> {
        while self.head.is_none() {
            let found = HeadScan::default()
                .find(self.inbox.filled(), ANSWER_HEAD_BYTES_MAX)
                .map_err(|_| Unanswered::Daemon)?;
            let Some(length) = found else { return Ok(None) };
            let head = ResponseHead::parse(&self.inbox.filled()[..length], self.asked)
                .map_err(|_| Unanswered::Daemon)?;
            match head.next {
                Next::Interim => {}
                Next::Body(framing) if framing != BodyFraming::UntilClose => {
                    let cursor = BodyCursor::new(framing, Trailers::Refuse);
                    self.head = Some((head.status, cursor, head.persistence));
                }
                Next::Body(_) | Next::Tunnel | Next::Unasked => return Err(Unanswered::Daemon),
            }
            self.inbox.consume(length);
        }
        let Some((status, cursor, persistence)) = &mut self.head else { return Ok(None) };
        while !cursor.is_complete() && !self.inbox.is_empty() {
            let filled = self.inbox.filled();
            // Data is what may be moved unread; the rest is framing, a byte at a time.
            let data = usize::try_from(cursor.blind()).unwrap_or(usize::MAX).min(filled.len());
            if self.body.len() + data > ANSWER_BODY_BYTES_MAX {
                return Err(Unanswered::Daemon);
            }
            let count = cursor.read(&filled[..data.max(1)]).map_err(|_| Unanswered::Daemon)?;
            self.body.extend_from_slice(&filled[..data]);
            self.inbox.consume(count);
        }
        // More than the answer has come: whose would that be?
        let persistence = if self.inbox.is_empty() { *persistence } else { Persistence::Close };
        Ok(cursor.is_complete().then(|| Answer {
            status: *status,
            body: std::mem::take(&mut self.body),
            persistence,
        }))
    }
}
