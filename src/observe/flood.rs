//! What is refused, malformed or fails again and again, for one reason and from one place, has few
//! lines: see [`super::fold`].

use super::fold::{Folded, Folder, WINDOW};
use super::record::Subject;
use super::who::{Client, Origin};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;
use tracing::{Level, enabled, warn};

/// What makes lines alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    origin: Origin,
    reason: &'static str,
    operation: &'static str,
}

/// Who has been told of how often. Workers share it; only what is refused or fails asks it.
#[derive(Debug, Default)]
pub struct Floods {
    folder: Mutex<Folder<Kind>>,
    /// Notified when a line has been folded.
    folded: Notify,
}

impl Floods {
    /// Whether this one is to have its line. If not, it is counted.
    pub(super) fn admit(
        &self,
        client: &dyn Client,
        subject: &Subject,
        reason: &'static str,
    ) -> bool {
        if !enabled!(Level::WARN) {
            return false;
        }
        let kind =
            Kind { origin: client.who().origin(), reason, operation: subject.operation_name() };
        let now = Instant::now();
        self.tell_ended(now);
        let is_admitted = self.folder().put(&kind, now);
        if !is_admitted {
            self.folded.notify_one();
        }
        is_admitted
    }

    /// Waits until a line has been folded, and returns the end of its window: by then
    /// [`Self::tell_ended`] is to be called. For one task.
    pub async fn folding(&self) -> Instant {
        loop {
            let end = self.folder().next_end();
            if let Some(end) = end {
                return end;
            }
            self.folded.notified().await;
        }
    }

    /// Tells what was folded in windows that have ended.
    pub fn tell_ended(&self, now: Instant) {
        let ended = self.folder().ended(now);
        tell(&ended);
    }

    /// Tells everything that was folded: nobody will come back to it.
    pub fn tell_all(&self) {
        let all = self.folder().all();
        tell(&all);
    }

    fn folder(&self) -> MutexGuard<'_, Folder<Kind>> {
        self.folder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tell(all: &[Folded<Kind>]) {
    let seconds = WINDOW.as_secs();
    for &Folded { kind, count: folded } in all {
        let count = grouped(folded);
        let Some(Kind { origin, reason, operation }) = kind else {
            warn!(folded, "... and {count} more of many other kinds within {seconds} s");
            continue;
        };
        warn!(
            client = %origin,
            operation,
            reason,
            folded,
            "... and {count} more like it within {seconds} s",
        );
    }
}

/// A number as people read it: `4,512`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let numbers = [0, 12, 999, 1000, 4512, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "12", "999", "1,000", "4,512", "1,234,567"]);
    }
}
