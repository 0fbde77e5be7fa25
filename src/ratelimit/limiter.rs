//! One allowance for each of many.

use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Bucket, Quota, Verdict};
use crate::base::{BoundedMap, Counter, Timestamp};

/// A quota for each key by itself, such as each address, user, or pair of users.
///
/// At most `capacity` keys are kept; a new one beyond that displaces the one that was checked
/// longest ago, which then starts with a whole allowance. So a full map never refuses anybody, and
/// being displaced only ever helps whom it happens to. To be forgotten on purpose takes checks
/// under `capacity` other keys, each worth an allowance of its own: whoever has so many addresses
/// gains nothing by getting back one. Keys whose allowance is whole again are dropped as others
/// are checked, and by [`Limiter::forget`] where nobody else comes, so that addresses don't stay in
/// memory longer than they count.
#[derive(Debug)]
pub struct Limiter<K: Hash + Eq> {
    allowances: Mutex<Allowances<K>>,
    capacity: usize,
    refused: Counter,
}

#[derive(Debug)]
struct Allowances<K: Hash + Eq> {
    quota: Quota,
    buckets: BoundedMap<K, Bucket>,
}

impl<K: Hash + Eq> Limiter<K> {
    /// A limiter that keeps at most `capacity` keys, some 60 bytes each with a small key.
    pub fn new(quota: impl Into<Quota>, capacity: usize) -> Self {
        Self {
            allowances: Mutex::new(Allowances {
                quota: quota.into(),
                buckets: BoundedMap::new(capacity),
            }),
            capacity,
            refused: Counter::default(),
        }
    }

    /// Gives everybody another quota from now on, and a whole allowance of it: whoever raises a
    /// limit has somebody waiting.
    pub fn change(&self, quota: impl Into<Quota>) {
        let quota = quota.into();
        let mut allowances = self.lock();
        if allowances.quota != quota {
            *allowances = Allowances {
                quota,
                buckets: BoundedMap::new(self.capacity),
            };
        }
    }

    /// Takes one from the allowance of `key`, if one is left.
    pub fn check(&self, key: K, now: Timestamp) -> Verdict {
        let mut allowances = self.lock();
        let Allowances { quota, buckets } = &mut *allowances;
        let verdict = buckets.entry(key, Bucket::default).check(quota, now);
        // Two for one: more go than come, so what has had its time is gone soon.
        for _ in 0..2 {
            buckets.remove_oldest_if(|_, bucket| bucket.is_whole(now));
        }
        if verdict != Verdict::Pass {
            self.refused.increment();
        }
        verdict
    }

    /// Forgets keys whose allowance is whole again: each at the latest once a whole allowance's time
    /// has passed since it was last checked. How many.
    pub fn forget(&self, now: Timestamp) -> usize {
        let mut allowances = self.lock();
        allowances
            .buckets
            .remove_while(|_, bucket| bucket.is_whole(now))
    }

    /// How many checks ended in a wait, of all keys together.
    pub fn refused(&self) -> u64 {
        self.refused.value()
    }

    /// How many keys are kept.
    pub fn len(&self) -> usize {
        self.lock().buckets.len()
    }

    /// A bucket is one number, whole at any moment: a poisoned lock guards nothing broken.
    fn lock(&self) -> MutexGuard<'_, Allowances<K>> {
        self.allowances
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::Rate;

    const START: u64 = 1_795_219_200_000;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(START + millis)
    }

    fn limiter(count: u32, capacity: usize) -> Limiter<u32> {
        Limiter::new(Rate::new(count, Duration::from_secs(10)), capacity)
    }

    #[test]
    fn each_key_has_its_own_allowance() {
        let limiter = limiter(2, 8);
        assert_eq!(limiter.check(1, at(0)), Verdict::Pass);
        assert_eq!(limiter.check(1, at(0)), Verdict::Pass);
        assert_eq!(
            limiter.check(1, at(0)),
            Verdict::Wait(Duration::from_secs(5))
        );
        assert_eq!(limiter.check(2, at(0)), Verdict::Pass);
        assert_eq!(limiter.check(1, at(5_000)), Verdict::Pass);
        assert_eq!(limiter.refused(), 1);
    }

    #[test]
    fn another_quota_holds_at_once_and_the_same_one_changes_nothing() {
        let limiter = limiter(1, 8);
        assert_eq!(limiter.check(1, at(0)), Verdict::Pass);
        limiter.change(Rate::new(1, Duration::from_secs(10)));
        assert_ne!(limiter.check(1, at(0)), Verdict::Pass);
        limiter.change(Rate::new(2, Duration::from_secs(10)));
        assert_eq!(limiter.check(1, at(0)), Verdict::Pass);
        assert_eq!(limiter.check(1, at(0)), Verdict::Pass);
        assert_ne!(limiter.check(1, at(0)), Verdict::Pass);
    }

    #[test]
    fn a_full_map_refuses_nobody_and_forgets_the_one_checked_longest_ago() {
        let limiter = limiter(1, 2);
        assert_eq!(limiter.check(1, at(0)), Verdict::Pass);
        assert_eq!(limiter.check(2, at(0)), Verdict::Pass);
        assert_ne!(limiter.check(1, at(0)), Verdict::Pass);
        assert_eq!(limiter.check(3, at(0)), Verdict::Pass);
        assert_eq!(limiter.len(), 2);
        assert_ne!(limiter.check(1, at(0)), Verdict::Pass);
        assert_eq!(limiter.check(2, at(0)), Verdict::Pass);
    }

    #[test]
    fn whoever_has_a_whole_allowance_again_is_forgotten() {
        let limiter = limiter(1, 100);
        for key in 0..50 {
            let _ = limiter.check(key, at(0));
        }
        for key in 100..125 {
            let _ = limiter.check(key, at(10_000));
        }
        assert_eq!(limiter.len(), 25);
    }

    #[test]
    fn where_nobody_else_comes_they_are_forgotten_when_asked() {
        let limiter = limiter(2, 100);
        let _ = limiter.check(1, at(0));
        let _ = limiter.check(1, at(0));
        let _ = limiter.check(2, at(0));
        assert_eq!(limiter.forget(at(9_999)), 0);
        assert_eq!(limiter.forget(at(10_000)), 2);
        assert!(limiter.is_empty());
    }

    #[test]
    fn nobody_is_forgotten_before() {
        let limiter = limiter(1, 100);
        let _ = limiter.check(1, at(0));
        let _ = limiter.check(2, at(9_999));
        assert_eq!(limiter.len(), 2);
    }
}
