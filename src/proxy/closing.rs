//! The end of service, as every worker is told of it.

use tokio::sync::watch;

/// How far the end of service has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Serving,
    /// No new client is taken, and what is under way may end within its grace.
    Draining,
    /// The gate stops where it is.
    Cut,
}

/// The end of service, shared by all workers.
#[derive(Debug, Default)]
pub struct Closing(watch::Sender<Phase>);

impl Closing {
    /// Begins it: no new client is taken, and what is under way may end within its grace.
    pub fn drain(&self) {
        self.advance(Phase::Draining);
    }

    /// Ends the grace.
    pub fn cut(&self) {
        self.advance(Phase::Cut);
    }

    /// Whether it has begun.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.0.borrow() >= Phase::Draining
    }

    /// Waits until it has begun.
    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Waits until the grace is over.
    pub async fn cutting(&self) {
        self.reached(Phase::Cut).await;
    }

    fn advance(&self, to: Phase) {
        self.0.send_if_modified(|phase| {
            let advances = *phase < to;
            if advances {
                *phase = to;
            }
            advances
        });
    }

    async fn reached(&self, awaited: Phase) {
        // It fails where the sender is dropped, which is borrowed here.
        let _ = self.0.subscribe().wait_for(|phase| *phase >= awaited).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::testing;
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::Duration;

    #[test]
    fn another_threads_word_wakes_a_worker_that_waits() {
        let closing = Arc::<Closing>::default();
        let (waits, waiting) = mpsc::channel();
        let other = thread::spawn({
            let closing = Arc::clone(&closing);
            move || {
                waiting.recv().expect("the worker has begun");
                // Most likely it waits by then; it must be woken anyhow.
                thread::sleep(Duration::from_millis(20));
                closing.drain();
            }
        });
        testing::run(move || async move {
            waits.send(()).expect("somebody who drains");
            closing.draining().await;
            assert!(closing.is_draining());
        });
        other.join().expect("drained");
    }

    #[test]
    fn the_end_does_not_go_back() {
        testing::run(|| async {
            let closing = Closing::default();
            assert!(!closing.is_draining());
            closing.cut();
            closing.drain();
            // Neither is waited for.
            closing.draining().await;
            closing.cutting().await;
        });
    }
}
