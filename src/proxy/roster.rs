//! Who is connected to a worker, so that deadlines and the end of service reach everybody.
//!
//! Time is coarse on purpose: one task ticks once a second while anybody is there, and setting a
//! deadline is one store. A timer for each connection would cost a system call for each request.

use super::heap;
use crate::runtime::sleep;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::sync::Notify;

const TICK: Duration = Duration::from_secs(1);
const NEVER: u64 = u64::MAX;

/// So many connections at a time are a crowd. When three quarters of it have gone, the memory that they
/// had is worth the work of giving it back.
const CROWD: usize = 256;

/// Why a connection should not wait any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its deadline has passed.
    Expired,
    /// The gate is about to end.
    Draining,
}

/// A worker's connections.
#[derive(Debug, Default)]
pub struct Roster {
    places: RefCell<Places>,
    /// Seconds since the first connection, not counting those without any.
    now: Cell<u64>,
    draining: Cell<bool>,
    /// The most that were connected at a time since memory was last given back.
    peak: Cell<usize>,
    /// Notified when the first comes and when the last has gone.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Places {
    seats: Vec<Option<Rc<Marks>>>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Marks {
    deadline: Cell<u64>,
    waker: RefCell<Option<Waker>>,
}

impl Roster {
    /// A place for a new connection.
    pub fn seat(self: &Rc<Self>) -> Seat {
        let marks = Rc::new(Marks { deadline: Cell::new(NEVER), waker: RefCell::default() });
        let mut places = self.places.borrow_mut();
        if places.is_empty() {
            self.changed.notify_waiters();
        }
        let index = places.free.pop().unwrap_or_else(|| {
            places.seats.push(None);
            places.seats.len() - 1
        });
        places.seats[index] = Some(Rc::clone(&marks));
        self.peak.set(self.peak.get().max(places.len()));
        Seat { roster: Rc::clone(self), marks, index }
    }

    /// Keeps the time; never ends.
    pub async fn keep_time(&self) {
        loop {
            self.until(|empty| !empty).await;
            sleep(TICK).await;
            if self.has_lost_crowd() {
                heap::trim();
            }
            let now = self.now.get() + 1;
            self.now.set(now);
            self.wake(|marks| marks.deadline.get() <= now);
        }
    }

    /// Tells every connection to end as soon as it has nothing under way.
    pub fn drain(&self) {
        self.draining.set(true);
        self.wake(|_| true);
    }

    /// Waits until nobody is connected.
    pub async fn empty(&self) {
        self.until(|empty| empty).await;
    }

    /// Waits until it is, or is not, empty.
    async fn until(&self, reached: impl Fn(bool) -> bool) {
        loop {
            // Made before the look, it is woken by a change after it.
            let changed = self.changed.notified();
            if reached(self.is_empty()) {
                return;
            }
            changed.await;
        }
    }

    /// Returns how many are connected.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.places.borrow().len()
    }

    fn is_empty(&self) -> bool {
        self.places.borrow().is_empty()
    }

    /// Whether a crowd has gone since this was last so.
    fn has_lost_crowd(&self) -> bool {
        let (peak, connected) = (self.peak.get(), self.connected());
        let has_lost = peak >= CROWD && connected <= peak / 4;
        if has_lost {
            self.peak.set(connected);
        }
        has_lost
    }

    fn wake(&self, whom: impl Fn(&Marks) -> bool) {
        let places = self.places.borrow();
        for marks in places.seats.iter().flatten().filter(|marks| whom(marks)) {
            marks.wake();
        }
    }
}

impl Places {
    fn len(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Marks {
    fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// A connection's place in the roster, given up when dropped.
#[derive(Debug)]
pub struct Seat {
    roster: Rc<Roster>,
    marks: Rc<Marks>,
    index: usize,
}

impl Seat {
    /// Sets the deadline so far ahead, up to a second later.
    pub fn allow(&self, time: Duration) {
        // A tick may be about to pass: one more, so that never less than `time` is given.
        let ticks = time.as_secs() + u64::from(time.subsec_nanos() > 0) + 1;
        self.marks.deadline.set(self.roster.now.get().saturating_add(ticks));
    }

    /// Waits for the deadline, and only where `idle` for the end of service.
    pub fn poll_due(&self, cx: &mut Context<'_>, idle: bool) -> Poll<Due> {
        let mut waker = self.marks.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        if idle && self.is_draining() {
            Poll::Ready(Due::Draining)
        } else if self.marks.deadline.get() <= self.roster.now.get() {
            Poll::Ready(Due::Expired)
        } else {
            Poll::Pending
        }
    }

    /// Whether the gate is about to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.roster.draining.get()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut places = self.roster.places.borrow_mut();
        places.seats[self.index] = None;
        places.free.push(self.index);
        if places.is_empty() {
            // A crowd that has gone should not be remembered in memory.
            *places = Places::default();
            self.roster.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(seat: &Seat, idle: bool) -> Poll<Due> {
        seat.poll_due(&mut Context::from_waker(Waker::noop()), idle)
    }

    #[test]
    fn a_deadline_passes_when_its_seconds_have() {
        let roster = Rc::new(Roster::default());
        let seat = roster.seat();
        assert_eq!(due(&seat, true), Poll::Pending);
        seat.allow(Duration::from_secs(2));
        for second in 1..=3 {
            assert_eq!(due(&seat, true), Poll::Pending, "second {second}");
            roster.now.set(roster.now.get() + 1);
        }
        assert_eq!(due(&seat, true), Poll::Ready(Due::Expired));
        seat.allow(Duration::from_secs(2));
        assert_eq!(due(&seat, true), Poll::Pending);
    }

    #[test]
    fn only_the_idle_are_told_to_end() {
        let roster = Rc::new(Roster::default());
        let seat = roster.seat();
        roster.drain();
        assert_eq!(due(&seat, false), Poll::Pending);
        assert_eq!(due(&seat, true), Poll::Ready(Due::Draining));
    }

    #[test]
    fn a_crowd_is_lost_once_when_three_quarters_have_gone() {
        let roster = Rc::new(Roster::default());
        for size in [CROWD, 4 * CROWD] {
            let mut crowd: Vec<Seat> = (0..size).map(|_| roster.seat()).collect();
            assert!(!roster.has_lost_crowd());
            crowd.truncate(size / 4 + 1);
            assert!(!roster.has_lost_crowd());
            crowd.pop();
            assert!(roster.has_lost_crowd());
            assert!(!roster.has_lost_crowd());
        }
        let roster = Rc::new(Roster::default());
        let few: Vec<Seat> = (1..CROWD).map(|_| roster.seat()).collect();
        drop(few);
        assert!(!roster.has_lost_crowd());
    }

    #[test]
    fn a_place_is_used_again() {
        let roster = Rc::new(Roster::default());
        let (first, _second) = (roster.seat(), roster.seat());
        let index = first.index;
        drop(first);
        assert_eq!(roster.seat().index, index);
        assert!(!roster.is_empty());
    }
}
