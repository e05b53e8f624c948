//! The signals that end the process, and the one that does not.

use nix::sys::signal::SigSet;
use nix::sys::signal::Signal::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use tokio::select;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

/// SIGTERM, SIGINT and SIGHUP, handled from now on: also where the process is the first of its
/// container, for which the kernel has no default action.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes them, for the current runtime. To be called before another thread is made.
    ///
    /// # Errors
    /// `sigaction`(2) refuses, or no memory is left.
    pub fn take() -> io::Result<Self> {
        let signals = Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        };
        // Whoever started us may have left them blocked, and threads inherit what is blocked.
        SigSet::from_iter([SIGTERM, SIGINT, SIGHUP]).thread_unblock()?;
        Ok(signals)
    }

    /// Waits for the next that ends the process, and gives its name. SIGHUP asks others to open their
    /// files again, which a process without a file system can't.
    pub async fn next(&mut self) -> &'static str {
        loop {
            select! {
                biased;
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => info!(
                    "SIGHUP: nothing to do; no file is opened after the start, and what AUDIT_LOG names is appended to: rotate it with copytruncate"
                ),
            }
        }
    }
}
