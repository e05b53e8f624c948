//! The signals that end the process, as something to read: signalfd(2). They are blocked, so that
//! they wait to be read, also where the process is the first of its container.

use crate::event::{Interest, Source};
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::task::Poll;

/// The signals, blocked in this thread and in those it makes from now on.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Takes SIGTERM and SIGINT.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn take() -> io::Result<Self> {
        let mask = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT]);
        mask.thread_block()?;
        Ok(Self(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Puts them into this thread's event loop.
    ///
    /// # Errors
    /// They can't be registered with epoll.
    pub fn watch(self) -> io::Result<Watch> {
        Ok(Watch(Source::new(self.0, Interest::Arrivals)?))
    }
}

/// Signals in an event loop.
#[derive(Debug)]
pub struct Watch(Source<SignalFd>);

impl Watch {
    /// Waits for the next, and gives its name.
    pub fn poll_next(&self) -> Poll<&'static str> {
        while self.0.is_readable() {
            match self.0.get_ref().read_signal() {
                Ok(Some(signal)) if signal.ssi_signo == libc::SIGINT.cast_unsigned() => {
                    return Poll::Ready("SIGINT");
                }
                Ok(Some(_)) => return Poll::Ready("SIGTERM"),
                Ok(None) | Err(_) => self.0.set_unreadable(),
            }
        }
        Poll::Pending
    }
}
