//! How many connections there may be, for all workers together.

use crate::event::Bell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// What is free.
#[derive(Debug)]
pub struct Places {
    free: AtomicUsize,
    /// Somebody waits for a place.
    wanted: AtomicBool,
    freed: Bell,
}

impl Places {
    /// So many.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self {
            free: AtomicUsize::new(count),
            wanted: AtomicBool::default(),
            freed: Bell::default(),
        }
    }

    /// Waits for a place.
    pub fn poll_take(self: &Arc<Self>, cx: &Context<'_>) -> Poll<Place> {
        if let Some(place) = self.take() {
            return Poll::Ready(place);
        }
        // Said before it is looked once more: a place that is freed in between is either seen
        // here, or whoever frees it sees that it is wanted.
        self.freed.listen(cx);
        self.wanted.store(true, Ordering::SeqCst);
        self.take().map_or(Poll::Pending, Poll::Ready)
    }

    fn take(self: &Arc<Self>) -> Option<Place> {
        let less = |free: usize| free.checked_sub(1);
        let taken = self.free.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        taken.ok().map(|_| Place(Arc::clone(self)))
    }
}

/// A connection's place, free again when dropped.
#[derive(Debug)]
pub struct Place(Arc<Places>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free.fetch_add(1, Ordering::SeqCst);
        if self.0.wanted.swap(false, Ordering::SeqCst) {
            self.0.freed.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Wake, Waker};

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    #[test]
    fn who_waits_is_told_when_a_place_is_free() {
        let places = Arc::new(Places::new(1));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = Context::from_waker(&waker);
        let Poll::Ready(place) = places.poll_take(&cx) else { panic!("a place was free") };
        assert!(places.poll_take(&cx).is_pending());
        assert!(!woken.0.load(Ordering::SeqCst));
        drop(place);
        assert!(woken.0.load(Ordering::SeqCst));
        assert!(places.poll_take(&cx).is_ready());
    }
}
