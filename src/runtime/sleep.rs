//! Waiting for a time. Deadlines are kept by a tick per second (`proxy::roster`), so that only ticks,
//! pauses and retries sleep. One timer descriptor (`timerfd_create`(2)) serves a whole thread: tokio's
//! time driver reads the clock with each wait, which is a tenth of a request's instructions (docs/adr).

use super::readiness::Readiness;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// The end of a sleep, and a number that tells apart those of the same instant.
type Moment = (Instant, u64);

/// The sleeping tasks of a thread.
#[derive(Debug)]
struct Timers {
    fd: Readiness<TimerFd>,
    sleepers: BTreeMap<Moment, Waker>,
    /// When the descriptor expires next.
    armed_for: Option<Instant>,
    count: u64,
}

thread_local! {
    static TIMERS: RefCell<Option<Timers>> = const { RefCell::new(None) };
}

/// Makes this thread's timers, and returns the task that wakes who is due.
///
/// # Errors
/// No descriptor is left.
pub(super) fn install() -> io::Result<impl Future<Output = ()>> {
    let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
    let fd = Readiness::new(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?)?;
    TIMERS.set(Some(Timers { fd, sleepers: BTreeMap::new(), armed_for: None, count: 0 }));
    Ok(poll_fn(|cx| {
        for waker in with(|timers| timers.expire(cx)).unwrap_or_default() {
            waker.wake();
        }
        Poll::Pending
    }))
}

fn with<T>(act: impl FnOnce(&mut Timers) -> T) -> Option<T> {
    // The thread may be ending, its timers gone.
    TIMERS.try_with(|timers| timers.borrow_mut().as_mut().map(act)).ok().flatten()
}

/// Drops this thread's timers.
pub(super) fn uninstall() {
    // They are dropped when nothing of them is borrowed.
    drop(TIMERS.take());
}

impl Timers {
    /// Removes who is due, and returns their wakers, if the descriptor has expired.
    fn expire(&mut self, cx: &Context<'_>) -> Vec<Waker> {
        let mut due = Vec::new();
        while self.fd.poll_readable(cx).is_ready() {
            // It need not be read: setting it anew clears it.
            self.fd.clear_readable();
            self.armed_for = None;
            let now = Instant::now();
            while let Some(first) = self.sleepers.first_entry().filter(|first| first.key().0 <= now)
            {
                due.push(first.remove());
            }
            self.arm(now);
        }
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
        if self.armed_for.is_some_and(|armed_for| armed_for <= first) {
            return;
        }
        // Zero would disarm it.
        let wait = first.saturating_duration_since(now).max(Duration::from_nanos(1));
        let expiration = Expiration::OneShot(TimeSpec::from_duration(wait));
        if self.fd.get_ref().set(expiration, TimerSetTimeFlags::empty()).is_ok() {
            self.armed_for = Some(first);
        }
    }
}

/// Waits for `time`.
///
/// On a thread without a runtime it never ends.
#[must_use]
pub fn sleep(time: Duration) -> Sleep {
    Sleep { at: Instant::now() + time, moment: None }
}

/// See [`sleep`].
#[derive(Debug)]
pub struct Sleep {
    at: Instant,
    moment: Option<Moment>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if now >= self.at {
            return Poll::Ready(());
        }
        self.moment = with(|timers| {
            // Whoever polls last is woken.
            if let Some(moment) = self.moment {
                timers.sleepers.remove(&moment);
            }
            timers.add(self.at, now, cx.waker().clone())
        });
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(moment) = self.moment {
            let _ = with(|timers| timers.sleepers.remove(&moment));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::spawn;
    use crate::runtime::testing;
    use std::rc::Rc;

    const HOUR: Duration = Duration::from_secs(3600);

    fn sleepers() -> usize {
        with(|timers| timers.sleepers.len()).unwrap_or_default()
    }

    /// Begins it, and lets it go on sleeping.
    async fn begin(sleep: &mut Sleep) {
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut *sleep).poll(cx))).await;
        assert!(polled.is_pending());
    }

    #[test]
    fn sleeps_end_in_the_order_of_their_times_and_not_before() {
        let ended = testing::run(|| async {
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
        let others = testing::run(|| async {
            let mut long = sleep(HOUR);
            begin(&mut long).await;
            sleep(Duration::from_millis(5)).await;
            sleepers()
        });
        assert_eq!(others, 1);
    }

    #[test]
    fn a_later_sleep_goes_on_when_an_earlier_one_has_been_dropped() {
        testing::run(|| async {
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
        let left = testing::run(|| async {
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
        let kept = testing::run(|| async {
            let mut often = sleep(HOUR);
            for _ in 0..3 {
                begin(&mut often).await;
            }
            sleepers()
        });
        assert_eq!(kept, 1);
    }
}
