//! The numbers of PROTOCOL.md §7.1, and the count of calls that somebody started.

use std::collections::VecDeque;
use std::hash::Hash;
use std::time::Duration;

use crate::base::{BoundedMap, Timestamp};

use super::event::{Refusal, Signal};

/// So many in any period of that length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In what time.
    pub period: Duration,
}

/// Every number the machine goes by. The defaults are those of PROTOCOL.md §7.1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a call rings.
    pub ring: Duration,
    /// How long a party may be away while the call rings.
    pub ringing_grace: Duration,
    /// How long a party may be away while the call is connected.
    pub connected_grace: Duration,
    /// How long an ended call is remembered.
    pub memory: Duration,
    /// How long a connected call keeps what it sent last, to repeat it to a party whose socket turns
    /// out to have been dead: the time in which keepalive finds that out.
    pub repeat: Duration,
    /// Calls that may ring a user at once.
    pub ringing_per_user: usize,
    /// SDPs per side and call.
    pub sdps: u32,
    /// Size of an SDP, bytes.
    pub sdp_bytes: usize,
    /// Candidates per side and call.
    pub candidates: u32,
    /// Size of a candidate, bytes.
    pub candidate_bytes: usize,
    /// What is kept for one party of a call, bytes.
    pub inbox_bytes: usize,
    /// What is kept for all parties of all calls, bytes.
    pub kept_bytes: usize,
    /// Live calls. Beyond: [`Refusal::Capacity`].
    pub calls: usize,
    /// Ended calls remembered. Beyond: the oldest is forgotten early.
    pub remembered: usize,
    /// Calls that a user may start.
    pub per_user: Rate,
    /// Calls that a user may start to the same other user.
    pub per_pair: Rate,
    /// Users and pairs whose starts are counted, each. Beyond: the one that started nothing for the
    /// longest time starts afresh.
    pub counted: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ring: Duration::from_secs(30),
            ringing_grace: Duration::from_secs(5),
            connected_grace: Duration::from_secs(30),
            memory: Duration::from_mins(1),
            repeat: Duration::from_secs(90),
            ringing_per_user: 3,
            sdps: 20,
            sdp_bytes: 128 * 1024,
            candidates: 300,
            candidate_bytes: 8 * 1024,
            inbox_bytes: 512 * 1024,
            kept_bytes: 64 * 1024 * 1024,
            calls: 10_000,
            remembered: 65_536,
            per_user: Rate {
                count: 10,
                period: Duration::from_mins(1),
            },
            per_pair: Rate {
                count: 3,
                period: Duration::from_mins(5),
            },
            counted: 65_536,
        }
    }
}

impl Settings {
    /// Refuses a signal that is over its size.
    pub(super) fn check_size(&self, signal: &Signal) -> Result<(), Refusal> {
        let limit = if signal.is_candidate() {
            self.candidate_bytes
        } else {
            self.sdp_bytes
        };
        let size = signal.payload().size();
        if size > limit {
            return Err(Refusal::TooLarge { limit, size });
        }
        Ok(())
    }
}

/// When each key did something of late, within bounds. Never keyed by who it was done to alone.
#[derive(Debug)]
pub(super) struct Starts<K: Hash + Eq> {
    rate: Rate,
    /// Touched by recording only, so that the least recently used is the one idle for longest.
    of: BoundedMap<K, VecDeque<Timestamp>>,
}

impl<K: Hash + Eq> Starts<K> {
    pub(super) fn new(rate: Rate, capacity: usize) -> Self {
        Self {
            rate,
            of: BoundedMap::new(capacity),
        }
    }

    /// Goes by another rate from now on.
    pub(super) const fn change(&mut self, rate: Rate) {
        self.rate = rate;
    }

    /// Refuses `key` when it has used up its rate, and says how long that lasts.
    pub(super) fn check(&self, key: &K, now: Timestamp) -> Result<(), Refusal> {
        let recent = self.of.peek(key).map_or(0, |starts| {
            starts
                .iter()
                .filter(|start| self.counts(**start, now))
                .count()
        });
        if recent < self.rate.count as usize {
            return Ok(());
        }
        let first = self
            .of
            .peek(key)
            .and_then(|starts| starts.iter().find(|start| self.counts(**start, now)));
        let free = first
            .map_or(now, |start| *start)
            .saturating_add(self.rate.period);
        Err(Refusal::RateLimited(free.since(now)))
    }

    /// Counts one more for `key`, which [`Starts::check`] has let pass.
    pub(super) fn record(&mut self, key: K, now: Timestamp) {
        let period = self.rate.period;
        let starts = self.of.entry(key, VecDeque::new);
        starts.retain(|start| now.since(*start) < period);
        starts.push_back(now);
    }

    /// Forgets whoever has nothing left that counts.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let period = self.rate.period;
        let is_stale = |starts: &VecDeque<Timestamp>| {
            starts.back().is_none_or(|last| now.since(*last) >= period)
        };
        while self
            .of
            .remove_oldest_if(|_, starts| is_stale(starts))
            .is_some()
        {}
    }

    /// When there is something to forget.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        let (_, starts) = self.of.oldest()?;
        let last = starts.back().copied().unwrap_or_default();
        Some(last.saturating_add(self.rate.period))
    }

    pub(super) fn len(&self) -> usize {
        self.of.len()
    }

    fn counts(&self, start: Timestamp, now: Timestamp) -> bool {
        now.since(start) < self.rate.period
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        count: 2,
        period: Duration::from_mins(1),
    };

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn a_rate_holds_in_any_period_and_says_when_it_is_over() {
        let mut starts = Starts::new(RATE, 8);
        for second in [0, 50] {
            assert_eq!(starts.check(&'a', at(second)), Ok(()));
            starts.record('a', at(second));
        }
        let wait = Refusal::RateLimited(Duration::from_secs(1));
        assert_eq!(starts.check(&'a', at(59)), Err(wait));
        assert_eq!(starts.check(&'b', at(59)), Ok(()));
        assert_eq!(starts.check(&'a', at(60)), Ok(()));
        starts.record('a', at(60));
        assert!(starts.check(&'a', at(109)).is_err());
        assert_eq!(starts.check(&'a', at(110)), Ok(()));
    }

    #[test]
    fn a_rate_of_nothing_refuses_everybody() {
        let none = Rate { count: 0, ..RATE };
        let wait = Refusal::RateLimited(RATE.period);
        assert_eq!(Starts::new(none, 8).check(&'a', at(5)), Err(wait));
    }

    #[test]
    fn whoever_is_idle_is_forgotten_in_time_and_first_when_it_is_full() {
        let mut starts = Starts::new(RATE, 2);
        for (key, second) in [('a', 0), ('b', 1), ('a', 2), ('c', 3), ('c', 3)] {
            starts.record(key, at(second));
        }
        assert_eq!(starts.len(), 2);
        assert_eq!(starts.next_expiry(), Some(at(62)));
        starts.expire(at(62));
        assert_eq!(starts.len(), 1);
        assert!(starts.check(&'c', at(62)).is_err());
        starts.expire(at(63));
        assert_eq!((starts.len(), starts.next_expiry()), (0, None));
    }
}
