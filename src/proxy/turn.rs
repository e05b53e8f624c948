//! How long one connection may work before the others of its worker get their turn.

use crate::runtime::yield_now;
use std::task::{Context, Poll};

/// Pieces that a connection moves in one turn, each a buffer or a pipe full: 2 MiB of copies at the
/// most, about a millisecond, so that a download next door shows in no one's latency.
const PIECES_MAX: u32 = 16;

/// What one step of a direction has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something that was here has gone on.
    Sent,
    /// Something has come.
    Read,
    /// There is nothing left to do.
    Complete,
}

/// Takes step after step until there is nothing left to do, something is to be waited for, or the
/// turn is over: the task is then called again, after the others and after a look at the sockets.
pub fn steps<E>(
    cx: &mut Context<'_>,
    mut step: impl FnMut(&mut Context<'_>) -> Poll<Result<Progress, E>>,
) -> Poll<Result<(), E>> {
    let mut left = PIECES_MAX;
    loop {
        match step(cx) {
            Poll::Ready(Ok(Progress::Sent)) => {}
            Poll::Ready(Ok(Progress::Read)) => {
                left -= 1;
                if left == 0 {
                    return yield_now(cx);
                }
            }
            Poll::Ready(Ok(Progress::Complete)) => return Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Pending => return Poll::Pending,
        }
    }
}
