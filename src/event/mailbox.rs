//! How a task is woken from anywhere: on its own thread by its loop's queue, from another thread
//! through the loop's mailbox, whose descriptor (eventfd(2)) ends the loop's waiting.

use super::local;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;

/// What other threads have to say to a loop.
#[derive(Debug)]
pub(super) struct Mailbox {
    woken: Mutex<Vec<usize>>,
    pub(super) fd: EventFd,
}

impl Mailbox {
    pub(super) fn new() -> io::Result<Self> {
        let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
        Ok(Self { woken: Mutex::default(), fd: EventFd::from_value_and_flags(0, flags)? })
    }

    /// Tells the loop that a task is to be polled.
    fn post(&self, task: usize) {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        // It fails where the counter is at its end, and then the loop is told already.
        let _ = self.fd.write(1);
    }

    /// Takes what was posted.
    pub(super) fn empty(&self) -> Vec<usize> {
        // It fails where nothing was posted, which is as well.
        let _ = self.fd.read();
        std::mem::take(&mut *self.woken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A task's waker.
pub(super) struct TaskWaker {
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) task: usize,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !local::schedule_here(&self.mailbox, self.task) {
            self.mailbox.post(self.task);
        }
    }
}
