//! How long to wait before connecting again (PROTOCOL.md §5): after each failure up to twice as
//! long, and by chance any time up to that, so that a server that comes back isn't met by everybody
//! at once.

use std::time::Duration;

/// Seconds; the last holds for every further try.
const CEILINGS: [u64; 6] = [1, 2, 4, 8, 16, 30];

/// However long a server says that something takes, this is the most that is believed.
const BELIEVED: u64 = 24 * 60 * 60;

/// The seconds that a server names, which may be any number.
pub(super) fn believed(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(BELIEVED))
}

/// The next wait.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: usize,
}

impl Backoff {
    /// A wait between nothing and the present ceiling, where `chance` says how much of it.
    pub(super) fn next(&mut self, chance: u32) -> Duration {
        let last = CEILINGS.len() - 1;
        let ceiling = Duration::from_secs(CEILINGS[self.failures.min(last)]);
        self.failures = self.failures.saturating_add(1);
        ceiling.mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }

    /// It worked: the next wait is a short one again.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_rises_to_half_a_minute_and_falls_after_success() {
        let mut backoff = Backoff::default();
        let mut ceilings = || backoff.next(u32::MAX).as_secs();
        let waits: Vec<u64> = (0..8).map(|_| ceilings()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        backoff.reset();
        assert_eq!(backoff.next(u32::MAX), Duration::from_secs(1));
    }

    #[test]
    fn a_server_names_a_day_at_most() {
        assert_eq!(believed(7), Duration::from_secs(7));
        assert_eq!(believed(BELIEVED + 1), believed(BELIEVED));
        assert_eq!(believed(u64::MAX), Duration::from_hours(24));
    }

    #[test]
    fn a_wait_is_any_part_of_its_ceiling() {
        let mut backoff = Backoff { failures: 5 };
        assert_eq!(backoff.next(0), Duration::ZERO);
        let half = backoff.next(u32::MAX / 2);
        assert!((14..16).contains(&half.as_secs()));
    }
}
