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
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// The longest head that a daemon may answer with, in bytes.
const ANSWER_HEAD_BYTES_MAX: usize = 64 * 1024;

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
    /// The daemon ended, answered what can't be read or more than `body_bytes_max`, or took too
    /// long.
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
    body_bytes_max: usize,
) -> Result<Answer, Unanswered> {
    let request = format!("GET {} HTTP/1.1\r\nHost: dockgate\r\n\r\n", question.path());
    let mut asking = Asking {
        daemon,
        request: request.into_bytes(),
        sent: 0,
        inbox: Buffer::default(),
        asked,
        head: None,
        body: Vec::new(),
        body_bytes_max,
    };
    client.seat.allow(ANSWER_TIME_MAX);
    poll_fn(|cx| {
        if let Poll::Ready(answer) = asking.poll(cx) {
            return Poll::Ready(answer.map_err(|_| Unanswered::Daemon));
        }
        asking.inbox.settle();
        if client.socket.poll_gone(cx).is_ready() {
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
    inbox: Buffer,
    asked: Asked,
    head: Option<(u16, BodyCursor, Persistence)>,
    body: Vec<u8>,
    body_bytes_max: usize,
}

impl Asking<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Answer>> {
        while self.sent < self.request.len() {
            self.sent += ready!(self.daemon.poll_send(cx, &self.request[self.sent..]))?;
        }
        loop {
            if let Some(answer) = self.read()? {
                return Poll::Ready(Ok(answer));
            }
            let count = ready!(self.daemon.poll_recv(cx, self.inbox.room()))?;
            if count == 0 {
                return Poll::Ready(Err(unreadable()));
            }
            self.inbox.fill(count);
        }
    }

    /// Reads what has come; the answer, once it is whole.
    fn read(&mut self) -> io::Result<Option<Answer>> {
        if self.head.is_none() {
            let found = HeadScan::default()
                .find(self.inbox.filled(), ANSWER_HEAD_BYTES_MAX)
                .map_err(|_| unreadable())?;
            let Some(length) = found else { return Ok(None) };
            let head = ResponseHead::parse(&self.inbox.filled()[..length], self.asked)
                .map_err(|_| unreadable())?;
            let framing = match head.next {
                Next::Body(framing) if framing != BodyFraming::UntilClose => framing,
                Next::Body(_) | Next::Interim | Next::Tunnel | Next::Unasked => {
                    return Err(unreadable());
                }
            };
            let cursor = BodyCursor::new(framing, Trailers::Refuse);
            self.head = Some((head.status, cursor, head.persistence));
            self.inbox.consume(length);
        }
        let Some((status, cursor, persistence)) = &mut self.head else { return Ok(None) };
        while !cursor.is_complete() && !self.inbox.is_empty() {
            let filled = self.inbox.filled();
            // Data is what may be moved unread; the rest is framing, a byte at a time.
            let data = usize::try_from(cursor.blind()).unwrap_or(usize::MAX).min(filled.len());
            if self.body.len() + data > self.body_bytes_max {
                return Err(unreadable());
            }
            let count = cursor.read(&filled[..data.max(1)]).map_err(|_| unreadable())?;
            self.body.extend_from_slice(&filled[..data]);
            self.inbox.consume(count);
        }
        Ok(cursor.is_complete().then(|| Answer {
            status: *status,
            body: std::mem::take(&mut self.body),
            persistence: *persistence,
        }))
    }
}

fn unreadable() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidData)
}
