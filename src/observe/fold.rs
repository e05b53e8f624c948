//! Lines of one kind, counted: the first few of a window have their lines, the rest are one line in
//! its end. Nothing is lost: what was put in is what was told and what is said to have been folded.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a window is.
pub const WINDOW: Duration = Duration::from_secs(10);

/// So many of a window have their lines.
pub const TOLD_MAX: u64 = 5;

/// So many kinds have windows of their own at a time; more than that share one.
pub const KINDS_MAX: usize = 256;

/// The lines of each kind in its window.
#[derive(Debug)]
pub struct Folder<K> {
    windows: BTreeMap<K, Window>,
    /// Of the kinds that have none of their own.
    others: Option<Window>,
    /// When the first of them ends.
    first_end: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    end: Instant,
    count: u64,
}

/// What a window's end is to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded<K> {
    /// The kind; `None` where several have shared the window.
    pub kind: Option<K>,
    /// How many had no line.
    pub count: u64,
}

impl<K> Default for Folder<K> {
    fn default() -> Self {
        Self { windows: BTreeMap::new(), others: None, first_end: None }
    }
}

impl<K: Ord + Clone> Folder<K> {
    /// Takes one; whether it is to have its line. What has ended by now is to be taken first, see
    /// [`Self::ended`].
    pub fn put(&mut self, kind: &K, now: Instant) -> bool {
        let new = Window { end: now + WINDOW, count: 0 };
        let window = if let Some(window) = self.windows.get_mut(kind) {
            window
        } else if self.windows.len() < KINDS_MAX {
            self.windows.entry(kind.clone()).or_insert(new)
        } else {
            self.others.get_or_insert(new)
        };
        // All are equally long: what begins now does not end before the others.
        self.first_end.get_or_insert(new.end);
        window.count += 1;
        window.count <= TOLD_MAX
    }

    /// The windows that have ended, if anything was folded in them.
    pub fn ended(&mut self, now: Instant) -> Vec<Folded<K>> {
        if self.first_end.is_none_or(|end| now < end) {
            return Vec::new();
        }
        self.close(|window| window.end <= now)
    }

    /// Every window, ended or not, if anything was folded in it.
    pub fn all(&mut self) -> Vec<Folded<K>> {
        self.close(|_| true)
    }

    /// When the first of the windows ends in which anything was folded.
    #[must_use]
    pub fn next_end(&self) -> Option<Instant> {
        let windows = self.windows.values().chain(&self.others);
        windows.filter(|window| window.folded() > 0).map(|window| window.end).min()
    }

    fn close(&mut self, is_over: impl Fn(&Window) -> bool) -> Vec<Folded<K>> {
        let mut closed = Vec::new();
        self.windows.retain(|kind, window| {
            let is_over = is_over(window);
            if is_over && window.folded() > 0 {
                closed.push(Folded { kind: Some(kind.clone()), count: window.folded() });
            }
            !is_over
        });
        let others = self.others.take_if(|window| is_over(window));
        if let Some(window) = others.filter(|window| window.folded() > 0) {
            closed.push(Folded { kind: None, count: window.folded() });
        }
        let left = self.windows.values().chain(&self.others);
        self.first_end = left.map(|window| window.end).min();
        closed
    }
}

impl Window {
    fn folded(&self) -> u64 {
        self.count.saturating_sub(TOLD_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_flood_is_five_lines_and_one_in_the_windows_end() {
        let (mut folder, begin) = (Folder::default(), Instant::now());
        let told = (0..4517).filter(|_| folder.put(&"a", begin)).count();
        assert_eq!(told, 5);
        assert_eq!(folder.next_end(), Some(begin + WINDOW));
        assert_eq!(folder.ended(begin + WINDOW.mul_f32(0.99)), []);
        assert_eq!(folder.ended(begin + WINDOW), [Folded { kind: Some("a"), count: 4512 }]);
        assert!(folder.put(&"a", begin + WINDOW), "the next window begins anew");
        assert_eq!(folder.next_end(), None, "nothing is folded: nothing ticks");
    }

    #[test]
    fn kinds_do_not_take_each_others_lines_until_there_are_too_many() {
        let (mut folder, now) = (Folder::default(), Instant::now());
        for kind in 0..KINDS_MAX {
            assert!(folder.put(&kind, now), "{kind}");
        }
        let told = (0..100).filter(|more| folder.put(&(KINDS_MAX + more), now)).count();
        assert_eq!(told, 5);
        assert!(folder.put(&0, now));
        assert_eq!(folder.all(), [Folded { kind: None, count: 95 }]);
    }

    proptest! {
        #[test]
        fn what_is_told_and_what_is_folded_is_what_was_put_in(
            puts in proptest::collection::vec((0u16..600, 0u64..400), 0..3000),
        ) {
            let (mut folder, mut now) = (Folder::default(), Instant::now());
            let (mut told, mut folded) = (0, 0);
            for &(kind, wait_ms) in &puts {
                now += Duration::from_millis(wait_ms);
                folded += folder.ended(now).iter().map(|folded| folded.count).sum::<u64>();
                told += u64::from(folder.put(&kind, now));
            }
            folded += folder.all().iter().map(|folded| folded.count).sum::<u64>();
            prop_assert_eq!(told + folded, puts.len() as u64);
            prop_assert!(folder.all().is_empty() && folder.next_end().is_none());
        }
    }
}
