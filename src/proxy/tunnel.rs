//! A hijacked connection: raw bytes both ways. Each direction ends on its own (a half-close is
//! standard input's end; output goes on), and no clock runs.

use super::buffer::Buffer;
use super::socket::Socket;
use super::turn::Turn;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

/// One direction.
struct Way {
    buffer: Buffer,
    /// The sender has ended and the receiver has been told.
    ended: bool,
}

/// Carries bytes until both sides have ended, or one is wholly gone. `inbox` holds what the
/// client sent before the daemon had agreed, `outbox` what the daemon sent since.
pub async fn run(client: &mut Socket, daemon: &mut Socket, inbox: Buffer, outbox: Buffer) {
    let mut upward = Way { buffer: inbox, ended: false };
    let mut downward = Way { buffer: outbox, ended: false };
    poll_fn(|cx| {
        let up = upward.poll(client, daemon, cx);
        let down = downward.poll(daemon, client, cx);
        // Nobody reads what the daemon says: the daemon must learn of it, whatever it waits for.
        if matches!(down, Poll::Ready(Err(_))) {
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

impl Way {
    /// Moves bytes until something is to be waited for, or the direction has ended.
    fn poll(
        &mut self,
        from: &mut Socket,
        to: &mut Socket,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut turn = Turn::begin();
        while !self.ended {
            if !self.buffer.is_empty() {
                match to.poll_send(self.buffer.filled()) {
                    Poll::Pending => {
                        self.buffer.settle();
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(count)) => self.buffer.consume(count),
                    Poll::Ready(Err(error)) => {
                        self.buffer = Buffer::default();
                        return Poll::Ready(Err(error));
                    }
                }
                continue;
            }
            match from.poll_recv(self.buffer.room()) {
                Poll::Pending => {
                    self.buffer.settle();
                    return Poll::Pending;
                }
                // A sender that has reset the connection has ended too.
                Poll::Ready(Ok(0) | Err(_)) => {
                    self.ended = true;
                    to.end();
                }
                Poll::Ready(Ok(count)) => {
                    self.buffer.fill(count);
                    if turn.is_over(cx) {
                        return Poll::Pending;
                    }
                }
            }
        }
        self.buffer.settle();
        Poll::Ready(Ok(()))
    }
}
