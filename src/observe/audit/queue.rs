//! The queue between those who tell and the one who writes. Putting a line in takes a lock for a
//! moment and never waits for the writer: where there is no room, it says so.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// So many lines wait at most, those that have a place reserved included.
pub const LINES_MAX: usize = 8_192;

/// So many places are reserved at most: requests that take long must not keep all others off record.
pub const RESERVED_MAX: usize = LINES_MAX / 2;

/// So many bytes wait at most, those of lines that had a place reserved not counted on before.
pub const BYTES_MAX: usize = 1 << 20;

/// Lines in the order in which they were told.
#[derive(Debug, Default)]
pub struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Places that are kept for lines to come.
    reserved: usize,
    writer: Writer,
    /// No line will come any more.
    is_closed: bool,
}

/// What the writer is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writer {
    /// It looks for the next line.
    #[default]
    Looking,
    /// It must be woken.
    Waiting,
    /// It has a line in its hands.
    Writing,
    /// It has left.
    Gone,
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Writes this.
    Line(Vec<u8>),
    /// Has waited long enough.
    Nothing,
    /// Leaves.
    End,
}

impl State {
    fn has_room(&self) -> bool {
        self.lines.len() + self.reserved < LINES_MAX && self.bytes < BYTES_MAX
    }
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a line in; whether there was room.
    #[must_use]
    pub fn push(&self, line: Vec<u8>) -> bool {
        let state = self.state();
        let has_room = state.has_room();
        if has_room {
            self.fill(state, line);
        }
        has_room
    }

    /// Keeps a place for a line; whether there was one.
    #[must_use]
    pub fn reserve(&self) -> bool {
        let mut state = self.state();
        let has_room = state.has_room() && state.reserved < RESERVED_MAX;
        state.reserved += usize::from(has_room);
        has_room
    }

    /// Puts a line into a place that was kept for it.
    pub fn push_reserved(&self, line: Vec<u8>) {
        let mut state = self.state();
        state.reserved = state.reserved.saturating_sub(1);
        self.fill(state, line);
    }

    /// Gives a place back.
    pub fn release(&self) {
        let mut state = self.state();
        state.reserved = state.reserved.saturating_sub(1);
    }

    fn fill(&self, mut state: MutexGuard<'_, State>, line: Vec<u8>) {
        state.bytes += line.len();
        state.lines.push_back(line);
        if state.writer == Writer::Waiting {
            state.writer = Writer::Looking;
            drop(state);
            self.filled.notify_one();
        }
    }

    /// The next line, for the one writer, which is done with the last. It is waited for, but no
    /// longer than that.
    pub fn next(&self, patience: Option<Duration>) -> Next {
        let mut state = self.state();
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                state.writer = Writer::Writing;
                return Next::Line(line);
            }
            if state.is_closed {
                state.writer = Writer::Gone;
                self.ended.notify_all();
                return Next::End;
            }
            state.writer = Writer::Waiting;
            let Some(patience) = patience else {
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.filled.wait_timeout(state, patience);
            let (locked, wait) = waited.unwrap_or_else(PoisonError::into_inner);
            state = locked;
            if wait.timed_out() && state.lines.is_empty() && !state.is_closed {
                state.writer = Writer::Looking;
                return Next::Nothing;
            }
        }
    }

    /// Lets the writer write what there is, but no longer than that; how many lines are left.
    #[must_use]
    pub fn finish(&self, patience: Duration) -> usize {
        let mut state = self.state();
        state.is_closed = true;
        self.filled.notify_one();
        let waited =
            self.ended.wait_timeout_while(state, patience, |state| state.writer != Writer::Gone);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let left = state.lines.len() + usize::from(state.writer == Writer::Writing);
        state.lines.clear();
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Option<Duration> = Some(Duration::ZERO);

    #[test]
    fn lines_leave_in_the_order_in_which_they_came() {
        let queue = Queue::default();
        assert!(queue.push(vec![1]) && queue.push(vec![2]));
        assert_eq!(queue.next(NOW), Next::Line(vec![1]));
        assert!(queue.push(vec![3]));
        assert_eq!(queue.next(NOW), Next::Line(vec![2]));
        assert_eq!(queue.next(NOW), Next::Line(vec![3]));
        assert_eq!(queue.next(NOW), Next::Nothing);
        assert_eq!(queue.finish(Duration::ZERO), 0);
        assert_eq!(queue.next(None), Next::End);
    }

    #[test]
    fn a_full_queue_takes_only_what_has_a_place() {
        let queue = Queue::default();
        assert!(queue.reserve());
        let taken = (0..=LINES_MAX).take_while(|_| queue.push(vec![0])).count();
        assert_eq!(taken, LINES_MAX - 1);
        assert!(!queue.reserve());
        queue.push_reserved(vec![0]);
        assert!(!queue.push(vec![0]));
        assert_eq!(queue.next(NOW), Next::Line(vec![0]));
        assert!(queue.reserve());
        assert!(!queue.push(vec![0]));
        queue.release();
        assert!(queue.push(vec![0]));
        // One is in the writer's hands.
        assert_eq!(queue.finish(Duration::ZERO), LINES_MAX + 1);
    }

    #[test]
    fn half_of_the_queue_is_never_reserved() {
        let queue = Queue::default();
        assert_eq!((0..=LINES_MAX).take_while(|_| queue.reserve()).count(), RESERVED_MAX);
        assert!(queue.push(vec![0]));
        queue.release();
        assert!(queue.reserve());
    }

    #[test]
    fn a_queue_is_full_of_bytes_too() {
        let queue = Queue::default();
        assert!(queue.push(vec![0; BYTES_MAX]));
        assert!(!queue.push(vec![0]) && !queue.reserve());
        assert!(matches!(queue.next(NOW), Next::Line(_)));
        assert!(queue.push(vec![0]));
    }
}
