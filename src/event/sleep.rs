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
