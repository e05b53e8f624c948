//! The signals that end the process, and the one that does not, as something to read: signalfd(2). They are blocked, so that
//! they wait to be read, also where the process is the first of its container.

use crate::event::{Interest, Source};
use nix::libc;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::task::Poll;
use tracing::info;

/// The signals, blocked in this thread and in those it makes from now on.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Takes SIGTERM, SIGINT and SIGHUP.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn take() -> io::Result<Self> {
        let mask = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
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
    /// Waits for the next that ends, and gives its name. SIGHUP asks others to open their files
    /// again, which a process without a file system can't.
    pub fn poll_next(&self) -> Poll<&'static str> {
        while self.0.is_readable() {
            match self.0.get_ref().read_signal() {
                Ok(Some(signal)) if signal.ssi_signo == libc::SIGINT.cast_unsigned() => {
                    return Poll::Ready("SIGINT");
                }
                Ok(Some(signal)) if signal.ssi_signo == libc::SIGHUP.cast_unsigned() => info!(
                    "SIGHUP: nothing to do; no file is opened after the start, and what AUDIT_LOG names is appended to: rotate it with copytruncate"
                ),
                Ok(Some(_)) => return Poll::Ready("SIGTERM"),
                Ok(None) | Err(_) => self.0.set_unreadable(),
            }
        }
        Poll::Pending
    }
}
