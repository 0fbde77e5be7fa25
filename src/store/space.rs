//! Whether the disk still has room, asked often and looked up seldom.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::error::StoreError;

/// A look at the free space is good for so long.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Remembers the last look at the free space.
pub(super) struct Space {
    floor: u64,
    start: Instant,
    /// When the next look is due: milliseconds after `start`.
    next_look: AtomicU64,
    is_low: AtomicBool,
}

impl Space {
    /// Nothing known yet about whether there are `floor` bytes.
    pub(super) fn new(floor: u64) -> Self {
        Self {
            floor,
            start: Instant::now(),
            next_look: AtomicU64::new(0),
            is_low: AtomicBool::new(false),
        }
    }

    /// The floor, bytes.
    pub(super) const fn floor(&self) -> u64 {
        self.floor
    }

    /// Whether fewer bytes than the floor are free, as `free` says now or said lately.
    pub(super) fn is_low(&self, free: impl FnOnce() -> Result<u64, StoreError>) -> bool {
        self.is_low_at(self.start.elapsed(), free)
    }

    fn is_low_at(&self, elapsed: Duration, free: impl FnOnce() -> Result<u64, StoreError>) -> bool {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        if millis(elapsed) >= self.next_look.load(Ordering::Relaxed) {
            let is_low = free().map_or(true, |bytes| bytes < self.floor);
            self.is_low.store(is_low, Ordering::Relaxed);
            let next = millis(elapsed + GOOD_FOR);
            self.next_look.store(next, Ordering::Relaxed);
        }
        self.is_low.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_itself_is_enough() {
        let space = Space::new(100);
        assert!(!space.is_low_at(Duration::ZERO, || Ok(100)));
        assert!(space.is_low_at(GOOD_FOR, || Ok(99)));
        assert!(!space.is_low_at(GOOD_FOR * 2, || Ok(101)));
    }

    #[test]
    fn a_look_is_good_for_a_second() {
        let space = Space::new(100);
        assert!(space.is_low_at(Duration::ZERO, || Ok(1)));
        assert!(space.is_low_at(Duration::from_millis(999), || Ok(1000)));
        assert!(!space.is_low_at(GOOD_FOR, || Ok(1000)));
    }

    #[test]
    fn a_disk_that_can_not_be_asked_counts_as_low() {
        let space = Space::new(0);
        assert!(space.is_low_at(Duration::ZERO, || Err(StoreError::Closed)));
    }
}
