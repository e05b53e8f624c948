//! How times are distributed: counts in fixed steps, added to without a lock. (The counterpart in
//! prometheus-client takes one for each time.)

use prometheus_client::encoding::{MetricEncoder, NoLabelSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The longest time of each step, in microseconds: from what the gate adds to a ping to what nobody
/// wants to wait for. What takes longer has a step of its own.
const STEPS_US: [u64; 19] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000,
    500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// Times, counted by step.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; STEPS_US.len() + 1],
    /// In nanoseconds; it has room for five centuries.
    sum: AtomicU64,
}

impl Histogram {
    /// Counts one time.
    pub fn observe(&self, time: Duration) {
        let step = STEPS_US.partition_point(|&most| Duration::from_micros(most) < time);
        self.counts[step].fetch_add(1, Relaxed);
        self.sum.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Writes it in seconds.
    pub(super) fn encode(&self, encoder: &mut MetricEncoder<'_>) -> fmt::Result {
        let steps = STEPS_US.iter().map(|&most| Duration::from_micros(most).as_secs_f64());
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        let buckets: Vec<(f64, u64)> = steps.chain([f64::INFINITY]).zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_nanos(self.sum.load(Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_the_first_step_that_is_long_enough() {
        let histogram = Histogram::default();
        for (nanoseconds, step) in [
            (0, 0),
            (10_000, 0),
            (10_001, 1),
            (50_000_000, 11),
            (50_000_001, 12),
            (10_000_000_000, 18),
            (10_000_000_001, 19),
        ] {
            let before = histogram.counts[step].load(Relaxed);
            histogram.observe(Duration::from_nanos(nanoseconds));
            assert_eq!(histogram.counts[step].load(Relaxed), before + 1, "{nanoseconds} ns");
        }
        assert_eq!(histogram.sum.load(Relaxed), 20_100_020_003);
    }
}
