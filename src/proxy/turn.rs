//! How long one connection may work before the others of its worker get their turn.

use crate::event;
use std::task::Context;

/// Buffers that a connection moves in one turn: 2 MiB at the most, about a millisecond, so that a
/// download next door shows in no one's latency.
const BUFFERS_MAX: u32 = 16;

/// What is left of a turn.
#[derive(Debug)]
pub struct Turn(u32);

impl Turn {
    /// A new turn.
    #[must_use]
    pub fn begin() -> Self {
        Self(BUFFERS_MAX)
    }

    /// Counts a buffer; whether the turn is over. The task is then called again after the others
    /// and after the event loop, so its caller returns `Pending`.
    pub fn is_over(&mut self, cx: &Context<'_>) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 == 0 && event::again::<()>(cx).is_pending()
    }
}
