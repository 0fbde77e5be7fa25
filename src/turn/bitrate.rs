//! How much one allocation may send: a bucket of a second's worth that fills steadily.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::moment::Moment;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How far an allocation may be ahead of its rate: a second, so that a burst of video passes.
const BURST: Duration = Duration::from_secs(1);

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bitrate(pub(crate) NonZeroU64);

impl Bitrate {
    /// How long this many bytes take, nanoseconds.
    fn nanos(self, bytes: usize) -> u64 {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
        bits.saturating_mul(NANOS_PER_SECOND) / self.0
    }
}

/// What an allocation has sent, as the moment until when its rate is used up.
///
/// Shards that charge it at once never charge less than was sent.
#[derive(Debug, Default)]
pub(crate) struct Meter(AtomicU64);

impl Meter {
    /// Charges `bytes`; false: they would be more than `rate` and a burst allow, and aren't charged.
    pub(crate) fn admits(&self, bytes: usize, rate: Bitrate, now: Moment) -> bool {
        let now = now.as_nanos();
        let burst = u64::try_from(BURST.as_nanos()).unwrap_or(u64::MAX);
        let cost = rate.nanos(bytes);
        let charge = |used: u64| {
            let until = used.max(now).saturating_add(cost);
            (until - now <= burst).then_some(until)
        };
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, charge)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_start(Duration::from_millis(millis))
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let rate = Bitrate(NonZeroU64::new(8_000).unwrap());
        let meter = Meter::default();
        let passed = |now| {
            (0..100)
                .take_while(|_| meter.admits(100, rate, now))
                .count()
        };
        assert_eq!(passed(at(0)), 10);
        assert_eq!(passed(at(99)), 0);
        assert_eq!(passed(at(100)), 1);
        assert_eq!(passed(at(60_000)), 10);
    }
}
