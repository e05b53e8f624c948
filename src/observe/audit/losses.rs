//! Records that are lost: counted one by one, said when it begins and when it is over.

use crate::observe::metrics::Counter;
use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tracing::{info, warn};

/// It is over when nothing has been lost for so long.
pub const QUIET: Duration = Duration::from_secs(1);

/// What has been lost.
#[derive(Debug, Default)]
pub struct Losses {
    total: Arc<Counter>,
    run: Mutex<Option<Run>>,
}

/// Losses that follow each other closely.
#[derive(Debug)]
struct Run {
    lost: u64,
    last: Instant,
}

impl Losses {
    /// Since the start.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total.get()
    }

    /// The count itself, for whoever tells of it.
    #[must_use]
    pub fn counter(&self) -> Arc<Counter> {
        Arc::clone(&self.total)
    }

    fn run(&self) -> MutexGuard<'_, Option<Run>> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One is lost, and why.
    pub fn count(&self, why: &dyn Display) {
        self.total.count();
        let now = Instant::now();
        let mut run = self.run();
        if let Some(run) = &mut *run {
            run.lost += 1;
            run.last = now;
            return;
        }
        *run = Some(Run { lost: 1, last: now });
        drop(run);
        warn!("audit records are being lost (AUDIT_LOG): {why}");
    }

    /// Whether it is not over yet.
    #[must_use]
    pub fn are_running(&self) -> bool {
        self.run().is_some()
    }

    /// Says that it is over, if it is. For whoever has just seen that writing works.
    pub fn end(&self) {
        let over = self.run().take_if(|run| run.last.elapsed() >= QUIET);
        if let Some(Run { lost, .. }) = over {
            info!("audit records are written again: {lost} were lost, {} so far", self.total());
        }
    }

    /// The process ends, and so many more are lost.
    pub fn close(&self, left: usize) {
        self.total.add(left as u64);
        let lost = left as u64 + self.run().take().map_or(0, |run| run.lost);
        if lost > 0 {
            warn!(
                "{lost} audit records were lost in the end, {left} of them for want of time; {} in all",
                self.total()
            );
        }
    }
}
