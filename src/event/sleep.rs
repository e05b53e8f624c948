//! Waiting for a time. Rare here: deadlines are kept by ticks, and only a tick, a pause or a
//! retry sleeps. One timer descriptor (`timerfd_create`(2)) serves a whole loop, so that nobody reads
//! a clock or sets a timer for what does not sleep.

use super::local::Local;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// When, and a number that tells apart who wait for the same instant.
type Moment = (Instant, u64);

/// Who sleeps in a loop.
#[derive(Debug)]
pub(super) struct Timers {
    pub(super) fd: TimerFd,
    sleepers: BTreeMap<Moment, Waker>,
    /// What the descriptor is set to.
    set: Option<Instant>,
    count: u64,
}

impl Timers {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let fd = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        Ok(Self { fd, sleepers: BTreeMap::new(), set: None, count: 0 })
    }

    /// The descriptor has expired: who is due?
    pub(super) fn expire(&mut self) -> Vec<Waker> {
        // It says how often; once is enough.
        let _ = self.fd.wait();
        self.set = None;
        let now = Instant::now();
        let mut due = Vec::new();
        while let Some(first) = self.sleepers.first_entry().filter(|first| first.key().0 <= now) {
            due.push(first.remove());
        }
        self.arm(now);
        due
    }

    fn add(&mut self, at: Instant, now: Instant, waker: Waker) -> Moment {
        self.count += 1;
        let moment = (at, self.count);
        self.sleepers.insert(moment, waker);
        self.arm(now);
        moment
    }

    /// Sets the descriptor to the first moment, unless it is set to an earlier one already.
    fn arm(&mut self, now: Instant) {
        let Some((&(first, _), _)) = self.sleepers.first_key_value() else { return };
        if self.set.is_some_and(|set| set <= first) {
            return;
        }
        // Zero would disarm it.
        let wait = first.saturating_duration_since(now).max(Duration::from_nanos(1));
        let expiration = Expiration::OneShot(TimeSpec::from_duration(wait));
        if self.fd.set(expiration, TimerSetTimeFlags::empty()).is_ok() {
            self.set = Some(first);
        }
    }
}

/// Waits so long.
#[must_use]
pub fn sleep(time: Duration) -> Sleep {
    Sleep { at: Instant::now() + time, moment: None, local: Local::here() }
}

/// See [`sleep`].
#[derive(Debug)]
pub struct Sleep {
    at: Instant,
    moment: Option<Moment>,
    local: Rc<Local>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if now >= self.at {
            return Poll::Ready(());
        }
        let mut timers = self.local.timers.borrow_mut();
        // Whoever polls last is woken.
        if let Some(moment) = self.moment {
            timers.sleepers.remove(&moment);
        }
        let moment = timers.add(self.at, now, cx.waker().clone());
        drop(timers);
        self.moment = Some(moment);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(moment) = self.moment {
            self.local.timers.borrow_mut().sleepers.remove(&moment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::spawn;
    use crate::event::trial::in_a_loop;
    use std::cell::RefCell;
    use std::future::poll_fn;

    const HOUR: Duration = Duration::from_secs(3600);

    fn sleepers() -> usize {
        Local::here().timers.borrow().sleepers.len()
    }

    /// Begins it, and lets it go on sleeping.
    async fn begin(sleep: &mut Sleep) {
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut *sleep).poll(cx))).await;
        assert!(polled.is_pending());
    }

    #[test]
    fn sleeps_end_in_the_order_of_their_times_and_not_before() {
        let ended = in_a_loop(|| async {
            let ended = Rc::new(RefCell::new(Vec::new()));
            for time in [30, 10, 20] {
                let ended = Rc::clone(&ended);
                spawn(async move {
                    let begun = Instant::now();
                    sleep(Duration::from_millis(time)).await;
                    assert!(begun.elapsed() >= Duration::from_millis(time));
                    ended.borrow_mut().push(time);
                });
            }
            sleep(Duration::from_millis(50)).await;
            ended.take()
        });
        assert_eq!(ended, [10, 20, 30]);
    }

    #[test]
    fn a_sleep_that_ends_before_the_one_the_timer_is_set_to_is_served_first() {
        let others = in_a_loop(|| async {
            let mut long = sleep(HOUR);
            begin(&mut long).await;
            sleep(Duration::from_millis(5)).await;
            sleepers()
        });
        assert_eq!(others, 1);
    }

    #[test]
    fn a_later_sleep_goes_on_when_an_earlier_one_has_been_dropped() {
        in_a_loop(|| async {
            let mut short = sleep(Duration::from_millis(5));
            begin(&mut short).await;
            let mut later = sleep(Duration::from_millis(20));
            begin(&mut later).await;
            drop(short);
            later.await;
        });
    }

    #[test]
    fn a_dropped_sleep_is_forgotten() {
        let left = in_a_loop(|| async {
            let mut dropped = sleep(HOUR);
            begin(&mut dropped).await;
            assert_eq!(sleepers(), 1);
            drop(dropped);
            sleepers()
        });
        assert_eq!(left, 0);
    }

    #[test]
    fn a_sleep_that_is_polled_often_is_kept_once() {
        let kept = in_a_loop(|| async {
            let mut often = sleep(HOUR);
            for _ in 0..3 {
                begin(&mut often).await;
            }
            sleepers()
        });
        assert_eq!(kept, 1);
    }
}
