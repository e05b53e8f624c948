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
