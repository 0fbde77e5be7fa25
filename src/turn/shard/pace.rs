//! When a shard waits a little for more: only when it is busy, and its rounds are small.
//!
//! A system call for every packet costs more than the packet; a pause of half a millisecond that
//! nobody hears in 20 ms of packetisation gathers a round. A shard with little to do never waits.

use std::time::{Duration, Instant};

/// A round that is worth its calls.
const FULL_ROUND: usize = 32;

/// How long a busy shard gathers.
const PAUSE: Duration = Duration::from_micros(500);

/// Datagrams per second from which a shard is busy.
const BUSY: u128 = 5_000;

/// How long the rate is measured before it is believed.
const WINDOW: Duration = Duration::from_millis(100);

/// How busy a shard is.
#[derive(Debug)]
pub(super) struct Pace {
    since: Instant,
    datagrams: u128,
    load: Load,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Load {
    Light,
    Busy,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            datagrams: 0,
            load: Load::Light,
        }
    }

    /// Takes note of a round; how long to pause after it, if at all.
    pub(super) fn after(&mut self, datagrams: usize, now: Instant) -> Option<Duration> {
        self.datagrams += u128::try_from(datagrams).unwrap_or_default();
        let elapsed = now.saturating_duration_since(self.since);
        if elapsed >= WINDOW {
            let is_busy = self.datagrams * 1_000_000 > BUSY * elapsed.as_micros();
            self.load = if is_busy { Load::Busy } else { Load::Light };
            self.since = now;
            self.datagrams = 0;
        }
        (self.load == Load::Busy && datagrams < FULL_ROUND).then_some(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_busy_shard_pauses_and_only_after_small_rounds() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(start);
        assert_eq!(pace.after(501, at(50)), None);
        assert_eq!(pace.after(1, at(99)), None);
        assert_eq!(pace.after(1, at(100)), Some(PAUSE));
        assert_eq!(pace.after(FULL_ROUND, at(101)), None);
        assert_eq!(pace.after(FULL_ROUND - 1, at(102)), Some(PAUSE));
        assert_eq!(pace.after(400, at(200)), None);
        assert_eq!(pace.after(1, at(201)), None);
    }

    #[test]
    fn a_burst_after_a_silence_is_not_a_load() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.after(64, start + Duration::from_secs(5)), None);
        assert_eq!(pace.after(1, start + Duration::from_secs(5)), None);
    }
}
