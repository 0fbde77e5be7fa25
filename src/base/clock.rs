//! Wall-clock time as a value, and the one place where it is read.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MILLIS_PER_DAY: u64 = 24 * 60 * 60 * 1000;

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
///
/// As text it is RFC 3339 in UTC with milliseconds and `Z` (PROTOCOL.md §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment so many milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// Whole days since the epoch: as exact as anything kept about a person's presence gets.
    pub fn day(self) -> u32 {
        u32::try_from(self.0 / MILLIS_PER_DAY).unwrap_or(u32::MAX)
    }

    /// Midnight at the start of a day, counted in days since the epoch.
    pub fn of_day(day: u32) -> Self {
        Self(u64::from(day) * MILLIS_PER_DAY)
    }

    /// The day as text, `YYYY-MM-DD`.
    pub fn date(self) -> String {
        let mut text = self.to_string();
        text.truncate("YYYY-MM-DD".len());
        text
    }

    /// The moment `duration` later; the last representable one instead of an overflow.
    pub fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// The moment `duration` earlier; the epoch instead of an underflow.
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long after `earlier` this is; zero when it isn't.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = i64::try_from(self.0)
            .ok()
            .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
            .unwrap_or(jiff::Timestamp::MAX);
        write!(f, "{moment:.3}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let moment = jiff::Timestamp::deserialize(deserializer)?;
        u64::try_from(moment.as_millisecond())
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

/// Where the time comes from: the system, or a test.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system's wall clock.
    #[default]
    System,
    /// A clock that stands still until it is set.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// A clock that stands at `start` until [`Clock::advance`] moves it.
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicU64::new(start.as_millis())))
    }

    /// The time now. A system clock before 1970 reads as 1970.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                #[expect(clippy::disallowed_methods, reason = "this is the place")]
                let now = SystemTime::now();
                Timestamp(millis(now.duration_since(UNIX_EPOCH).unwrap_or_default()))
            }
            Self::Manual(millis) => Timestamp(millis.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock; the system's can't be moved.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(now) = self {
            now.fetch_add(millis(by), Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_rfc_3339_with_milliseconds() {
        let moment = Timestamp::from_millis(1_795_219_200_000);
        assert_eq!(moment.to_string(), "2026-11-21T00:00:00.000Z");
        assert_eq!(
            Timestamp::from_millis(5).to_string(),
            "1970-01-01T00:00:00.005Z"
        );
        let json = serde_json::to_string(&moment).unwrap();
        assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), moment);
    }

    #[test]
    fn a_day_has_a_date() {
        let moment = Timestamp::from_millis(1_795_219_200_000);
        assert_eq!(Timestamp::of_day(moment.day()), moment);
        assert_eq!(moment.date(), "2026-11-21");
    }

    #[test]
    fn arithmetic_stops_at_the_ends_of_time() {
        assert_eq!(
            Timestamp::from_millis(3).saturating_sub(Duration::from_secs(1)),
            Timestamp::default()
        );
        assert_eq!(
            Timestamp::from_millis(3).since(Timestamp::from_millis(9)),
            Duration::ZERO
        );
        assert!(!Timestamp::from_millis(u64::MAX).to_string().is_empty());
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Timestamp::from_millis(10));
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.clone().now(), Timestamp::from_millis(1010));
    }
}
