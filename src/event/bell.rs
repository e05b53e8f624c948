//! Telling tasks, of this thread or another, that something has changed.

use std::future::poll_fn;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// Wakes everybody who listens. Who is woken looks for himself what has changed, and listens
/// again before he looks: what changes in between is not missed.
#[derive(Debug, Default)]
pub struct Bell {
    listeners: Mutex<Vec<Waker>>,
}

impl Bell {
    /// Is woken by the next ring.
    pub fn listen(&self, cx: &Context<'_>) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        if !listeners.iter().any(|listener| listener.will_wake(cx.waker())) {
            listeners.push(cx.waker().clone());
        }
    }

    /// Wakes everybody who listens.
    pub fn ring(&self) {
        let listeners =
            mem::take(&mut *self.listeners.lock().unwrap_or_else(PoisonError::into_inner));
        listeners.into_iter().for_each(Waker::wake);
    }
}

/// Something that happens once.
#[derive(Debug, Default)]
pub struct Flag {
    raised: AtomicBool,
    bell: Bell,
}

impl Flag {
    /// It has happened.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// Whether it has.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Acquire)
    }

    /// Waits until it has.
    pub fn poll_raised(&self, cx: &Context<'_>) -> Poll<()> {
        self.bell.listen(cx);
        if self.is_raised() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Waits until it has.
    pub async fn raised(&self) {
        poll_fn(|cx| self.poll_raised(cx)).await;
    }
}
