//! Time as the relay measures deadlines: it never jumps when somebody sets the clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::base::{Clock, Timestamp};

/// How long after its start the relay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(Duration);

impl Moment {
    /// The moment so long after the start.
    pub(crate) const fn from_start(elapsed: Duration) -> Self {
        Self(elapsed)
    }

    /// The moment `duration` later.
    pub(crate) const fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long after `earlier` this is; zero when it isn't.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// Nanoseconds from the start; it is five hundred years before they are too many.
    pub(crate) fn as_nanos(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whole seconds from the start.
    pub(crate) const fn as_secs(self) -> u64 {
        self.0.as_secs()
    }
}

/// Both times the relay needs: its own for deadlines, the calendar's for credentials.
#[derive(Debug)]
pub(crate) struct Timekeeper {
    clock: Clock,
    started_at: Timestamp,
    started: Instant,
}

impl Timekeeper {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            started_at: clock.now(),
            started: Instant::now(),
            clock,
        }
    }

    /// The moment now: steady on the system's clock, exactly as told on a manual one.
    pub(crate) fn now(&self) -> Moment {
        Moment(match self.clock {
            Clock::System => self.started.elapsed(),
            Clock::Manual(_) => self.clock.now().since(self.started_at),
        })
    }

    /// The calendar's time now.
    pub(crate) fn calendar(&self) -> Timestamp {
        self.clock.now()
    }
}
