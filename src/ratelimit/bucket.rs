//! One allowance, and how it fills up again.

use std::time::Duration;

use crate::base::Timestamp;
use crate::config::Rate;

/// How often: so many at once, and one more each interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Microseconds from one to the next; at least one.
    interval: u64,
    /// Microseconds that a whole allowance takes to fill up; zero allows nothing.
    span: u64,
    period: Duration,
}

/// Whether somebody may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// Yes, and it is counted.
    Pass,
    /// Not yet, and it isn't counted: not before so long.
    Wait(Duration),
}

/// What is left of one allowance. Eight bytes, for a socket or a sender to carry along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// When the allowance will be whole, microseconds since 1970.
    whole_at: u64,
}

impl From<Rate> for Quota {
    /// The whole count may come at once.
    fn from(rate: Rate) -> Self {
        Self::new(rate, rate.count)
    }
}

impl Quota {
    /// `rate` in the long run, at most `burst` at once. A count or burst of zero allows nothing.
    pub fn new(rate: Rate, burst: u32) -> Self {
        let interval = (micros(rate.period) / u64::from(rate.count.max(1))).max(1);
        let burst = if rate.count == 0 { 0 } else { burst };
        Self {
            interval,
            span: interval.saturating_mul(u64::from(burst)),
            period: rate.period,
        }
    }
}

impl Bucket {
    /// Takes one from the allowance, if one is left.
    ///
    /// A clock that goes back costs nobody more than one interval: no allowance is ever further
    /// from being whole than its span. Use one quota for one bucket.
    pub fn check(&mut self, quota: &Quota, now: Timestamp) -> Verdict {
        if quota.span == 0 {
            return Verdict::Wait(quota.period);
        }
        let now = now.as_millis().saturating_mul(1000);
        let latest = now.saturating_add(quota.span);
        // Kept even when the answer is no, or a clock that went back would have to catch up first.
        self.whole_at = self.whole_at.min(latest);
        let after = self.whole_at.max(now).saturating_add(quota.interval);
        if after > latest {
            return Verdict::Wait(Duration::from_micros(after - latest));
        }
        self.whole_at = after;
        Verdict::Pass
    }

    /// Whether the allowance is whole: such a bucket says no more than a new one.
    pub const fn is_whole(&self, now: Timestamp) -> bool {
        self.whole_at <= now.as_millis().saturating_mul(1000)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: u64 = 1_795_219_200_000;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(START + millis)
    }

    fn per_minute(count: u32) -> Quota {
        Quota::from(Rate::new(count, Duration::from_mins(1)))
    }

    fn passes(bucket: &mut Bucket, quota: &Quota, now: Timestamp) -> u32 {
        let mut count = 0;
        while bucket.check(quota, now) == Verdict::Pass {
            count += 1;
        }
        count
    }

    #[test]
    fn a_bucket_is_eight_bytes() {
        assert_eq!(size_of::<Bucket>(), 8);
    }

    #[test]
    fn the_whole_count_may_come_at_once_and_not_one_more() {
        let (mut bucket, quota) = (Bucket::default(), per_minute(10));
        assert_eq!(passes(&mut bucket, &quota, at(0)), 10);
        assert_eq!(
            bucket.check(&quota, at(0)),
            Verdict::Wait(Duration::from_secs(6))
        );
    }

    #[test]
    fn one_more_comes_after_the_wait_and_not_before() {
        let (mut bucket, quota) = (Bucket::default(), per_minute(10));
        passes(&mut bucket, &quota, at(0));
        assert_eq!(
            bucket.check(&quota, at(5_999)),
            Verdict::Wait(Duration::from_millis(1))
        );
        assert_eq!(bucket.check(&quota, at(6_000)), Verdict::Pass);
        assert_eq!(
            bucket.check(&quota, at(6_000)),
            Verdict::Wait(Duration::from_secs(6))
        );
    }

    #[test]
    fn a_refusal_costs_nothing() {
        let (mut bucket, quota) = (Bucket::default(), per_minute(10));
        passes(&mut bucket, &quota, at(0));
        let before = bucket;
        for millis in 0..6_000 {
            assert_ne!(bucket.check(&quota, at(millis)), Verdict::Pass);
        }
        assert_eq!(bucket, before);
    }

    #[test]
    fn after_a_period_the_allowance_is_whole_even_where_it_does_not_divide() {
        let quota = Quota::from(Rate::new(7, Duration::from_secs(1)));
        let mut bucket = Bucket::default();
        assert_eq!(passes(&mut bucket, &quota, at(0)), 7);
        assert!(!bucket.is_whole(at(999)));
        assert!(bucket.is_whole(at(1000)));
        assert_eq!(passes(&mut bucket, &quota, at(1000)), 7);
    }

    #[test]
    fn the_burst_may_differ_from_the_count() {
        let rate = Rate::new(120, Duration::from_mins(1));
        let (mut small, mut large) = (Bucket::default(), Bucket::default());
        assert_eq!(passes(&mut small, &Quota::new(rate, 60), at(0)), 60);
        assert_eq!(passes(&mut large, &Quota::new(rate, 200), at(0)), 200);
        assert_eq!(passes(&mut small, &Quota::new(rate, 60), at(1000)), 2);
    }

    #[test]
    fn a_clock_that_goes_back_costs_one_interval() {
        let (mut bucket, quota) = (Bucket::default(), per_minute(10));
        assert_eq!(passes(&mut bucket, &quota, at(3_600_000)), 10);
        assert_eq!(
            bucket.check(&quota, at(0)),
            Verdict::Wait(Duration::from_secs(6))
        );
        assert_eq!(bucket.check(&quota, at(6_000)), Verdict::Pass);
    }

    #[test]
    fn a_quota_of_nothing_lets_nothing_pass() {
        let minute = Duration::from_mins(1);
        for quota in [
            Quota::from(Rate::new(0, minute)),
            Quota::new(Rate::new(0, minute), 5),
            Quota::new(Rate::new(5, minute), 0),
        ] {
            assert_eq!(
                Bucket::default().check(&quota, at(0)),
                Verdict::Wait(minute)
            );
        }
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let quota = Quota::from(Rate::new(u32::MAX, Duration::MAX));
        let mut bucket = Bucket::default();
        let _ = bucket.check(&quota, Timestamp::from_millis(u64::MAX));
        let _ = bucket.check(&quota, Timestamp::default());
    }

    proptest! {
        #[test]
        fn no_window_lets_more_pass_than_burst_and_rate(
            count in 1u32..50,
            burst in 1u32..50,
            steps in prop::collection::vec(0u64..2_000, 1..200),
        ) {
            let quota = Quota::new(Rate::new(count, Duration::from_secs(10)), burst);
            let (mut bucket, mut now, mut passed) = (Bucket::default(), 0, 0u64);
            for step in steps {
                now += step;
                if bucket.check(&quota, at(now)) == Verdict::Pass {
                    passed += 1;
                }
                let refilled = now * 1000 / quota.interval;
                prop_assert!(passed <= u64::from(burst) + refilled);
            }
        }

        #[test]
        fn who_waits_as_told_passes_whatever_the_clock_did(
            count in 1u32..50,
            checks in prop::collection::vec(-20_000i64..500, 1..100),
        ) {
            let quota = Quota::from(Rate::new(count, Duration::from_secs(10)));
            let (mut bucket, mut now) = (Bucket::default(), 10_000_000u64);
            for step in checks {
                now = now.saturating_add_signed(step);
                if let Verdict::Wait(wait) = bucket.check(&quota, at(now)) {
                    prop_assert!(wait <= Duration::from_secs(10));
                    now += u64::try_from(wait.as_micros().div_ceil(1000)).unwrap();
                    prop_assert_eq!(bucket.check(&quota, at(now)), Verdict::Pass);
                }
            }
        }
    }
}
