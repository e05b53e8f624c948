//! Waiting: a thread's event loop, the tasks that wait in it, and what they wait for. One epoll
//! instance, one run queue, nothing shared with other threads but bells.
//!
//! It does what a general runtime does, for one thread and for nothing but sockets: a wake-up by
//! the kernel marks a descriptor, queues the task that waits for it, and that is all. What a relay
//! pays for waiting is most of what it costs, see docs/performance.md.

mod bell;
mod event_loop;
mod local;
mod mailbox;
mod sleep;
mod source;

pub use bell::{Bell, Flag};
pub use event_loop::EventLoop;
pub use local::{Local, spawn};
pub use sleep::{Sleep, sleep};
pub use source::{Interest, Source};

use std::task::Poll;

/// Lets everybody else who has something to do have a turn: the task that is being polled is polled
/// again after them and after a look at the descriptors.
///
/// # Panics
/// This thread has no loop.
pub fn again<T>() -> Poll<T> {
    Local::here().postpone();
    Poll::Pending
}

/// What tests run in a loop.
#[cfg(test)]
pub(crate) mod trial {
    use super::EventLoop;
    use std::panic::resume_unwind;
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::thread;
    use std::time::Duration;

    /// Longer than anything here takes on the slowest machine: only a hang reaches it.
    const PATIENCE: Duration = Duration::from_secs(10);

    /// Runs a future in a loop on a thread of its own, so that one that hangs fails its test. A
    /// panic is passed on.
    pub(crate) fn in_a_loop<T, F>(make: impl FnOnce() -> F + Send + 'static) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let (done, output) = mpsc::channel();
        let thread = thread::spawn(move || {
            let event_loop = EventLoop::new().expect("a loop");
            // Nobody listens any more where it took too long.
            let _ = done.send(event_loop.run(make()).expect("epoll can be waited for"));
        });
        match output.recv_timeout(PATIENCE) {
            Ok(output) => output,
            Err(RecvTimeoutError::Timeout) => panic!("the loop hangs"),
            Err(RecvTimeoutError::Disconnected) => {
                resume_unwind(thread.join().expect_err("without output there was a panic"))
            }
        }
    }
}
