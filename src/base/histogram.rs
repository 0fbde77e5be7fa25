//! How a quantity is spread, in buckets fixed beforehand.

use std::time::Duration;

use super::Counter;

/// Bounds for durations in microseconds: from 100 µs to 30 s, two to a decade.
pub const LATENCY: &[u64] = &[
    100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000,
    30_000_000,
];

/// Counts observations by size. Observing is a search in a few numbers and two relaxed additions.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for what is above all of them.
    buckets: Box<[Counter]>,
    sum: Counter,
}

/// What a [`Histogram`] had counted at one moment.
///
/// Observations made while it was read may be in the sum and not yet in a bucket, or the reverse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The highest value of each bucket but the last, rising.
    pub bounds: &'static [u64],
    /// Observations in each bucket: one more than there are bounds.
    pub counts: Vec<u64>,
    /// All observed values together.
    pub sum: u64,
}

impl Histogram {
    /// A histogram whose buckets end at `bounds`, which rise.
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds,
            buckets: (0..=bounds.len()).map(|_| Counter::default()).collect(),
            sum: Counter::default(),
        }
    }

    /// A histogram of durations, in microseconds up to [`LATENCY`].
    pub fn of_latency() -> Self {
        Self::new(LATENCY)
    }

    /// Counts one observation.
    pub fn observe(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[place].increment();
        self.sum.add(value);
    }

    /// Counts one duration, in microseconds.
    pub fn observe_micros(&self, duration: Duration) {
        self.observe(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// What was counted so far.
    pub fn read(&self) -> Distribution {
        Distribution {
            bounds: self.bounds,
            counts: self.buckets.iter().map(Counter::value).collect(),
            sum: self.sum.value(),
        }
    }
}

impl Distribution {
    /// How many observations there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Each bound with the number of observations up to it.
    pub fn cumulative(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut below = 0;
        self.bounds
            .iter()
            .zip(&self.counts)
            .map(move |(bound, count)| {
                below += count;
                (*bound, below)
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: &[u64] = &[1, 3, 10, 30];

    #[test]
    fn a_bound_belongs_to_the_bucket_that_it_ends() {
        let histogram = Histogram::new(BOUNDS);
        for value in [0, 1, 2, 3, 30, 31] {
            histogram.observe(value);
        }
        assert_eq!(histogram.read().counts, [2, 2, 0, 1, 1]);
    }

    #[test]
    fn a_duration_is_counted_in_microseconds() {
        let histogram = Histogram::of_latency();
        histogram.observe_micros(Duration::from_millis(2));
        histogram.observe_micros(Duration::from_hours(1));
        let read = histogram.read();
        assert_eq!(read.sum, 2_000 + 3_600_000_000);
        assert_eq!(read.cumulative().last(), Some((30_000_000, 1)));
        assert_eq!(read.count(), 2);
    }

    #[test]
    fn bounds_rise() {
        assert!(LATENCY.is_sorted_by(|low, high| low < high));
    }

    proptest! {
        #[test]
        fn every_bucket_says_how_many_were_no_larger(
            values in proptest::collection::vec(0u64..50, 0..200),
        ) {
            let histogram = Histogram::new(BOUNDS);
            for value in &values {
                histogram.observe(*value);
            }
            let read = histogram.read();
            for (bound, below) in read.cumulative() {
                let expected = values.iter().filter(|value| **value <= bound).count();
                prop_assert_eq!(below, expected as u64);
            }
            prop_assert_eq!(read.count(), values.len() as u64);
            prop_assert_eq!(read.sum, values.iter().sum::<u64>());
        }

        #[test]
        fn observations_from_many_threads_all_count(
            values in proptest::collection::vec(0u64..100, 1..50),
        ) {
            let histogram = Histogram::new(BOUNDS);
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| {
                        for value in &values {
                            histogram.observe(*value);
                        }
                    });
                }
            });
            prop_assert_eq!(histogram.read().count(), 3 * values.len() as u64);
        }
    }
}
