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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::trial::in_a_loop;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;
    use std::task::Wake;
    use std::thread;
    use std::time::Duration;

    #[derive(Default)]
    struct Listener {
        woken: AtomicUsize,
    }

    impl Wake for Listener {
        fn wake(self: Arc<Self>) {
            self.woken.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Listener {
        fn listen(self: &Arc<Self>, bell: &Bell) {
            bell.listen(&Context::from_waker(&Waker::from(Arc::clone(self))));
        }

        fn woken(&self) -> usize {
            self.woken.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_ring_wakes_everybody_who_listens_once() {
        let bell = Bell::default();
        let listeners: [Arc<Listener>; 3] = Default::default();
        for listener in &listeners {
            listener.listen(&bell);
        }
        bell.ring();
        assert_eq!(listeners.each_ref().map(|listener| listener.woken()), [1; 3]);
        // Who does not listen again is not woken again.
        listeners[0].listen(&bell);
        bell.ring();
        assert_eq!(listeners.each_ref().map(|listener| listener.woken()), [2, 1, 1]);
    }

    #[test]
    fn who_listens_twice_is_woken_once() {
        let bell = Bell::default();
        let listener = Arc::<Listener>::default();
        let waker = Waker::from(Arc::clone(&listener));
        bell.listen(&Context::from_waker(&waker));
        bell.listen(&Context::from_waker(&waker));
        bell.ring();
        assert_eq!(listener.woken(), 1);
    }

    #[test]
    fn what_rings_between_listening_and_waiting_is_not_missed() {
        for own_thread in [true, false] {
            let polled = in_a_loop(move || async move {
                let (bell, mut polled) = (Arc::<Bell>::default(), 0);
                poll_fn(|cx| {
                    polled += 1;
                    if polled == 2 {
                        return Poll::Ready(());
                    }
                    bell.listen(cx);
                    let rung = Arc::clone(&bell);
                    if own_thread {
                        rung.ring();
                    } else {
                        thread::spawn(move || rung.ring()).join().expect("rung");
                    }
                    Poll::Pending
                })
                .await;
                polled
            });
            assert_eq!(polled, 2);
        }
    }

    #[test]
    fn a_flag_raised_by_another_thread_wakes_a_loop_that_waits() {
        let flag = Arc::<Flag>::default();
        let (waits, waiting) = mpsc::channel();
        let other = thread::spawn({
            let flag = Arc::clone(&flag);
            move || {
                waiting.recv().expect("the loop has begun");
                // Most likely it waits by then; it must be woken anyhow.
                thread::sleep(Duration::from_millis(20));
                flag.raise();
            }
        });
        let raised = Arc::clone(&flag);
        in_a_loop(move || async move {
            poll_fn(|cx| {
                let polled = raised.poll_raised(cx);
                if polled.is_pending() {
                    waits.send(()).expect("somebody who raises it");
                }
                polled
            })
            .await;
        });
        other.join().expect("raised");
        assert!(flag.is_raised());
    }

    #[test]
    fn a_flag_that_is_raised_is_not_waited_for() {
        let flag = Flag::default();
        flag.raise();
        assert_eq!(flag.poll_raised(&Context::from_waker(Waker::noop())), Poll::Ready(()));
    }
}
