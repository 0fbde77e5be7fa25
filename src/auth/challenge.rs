//! Nonces for login and registration: 32 bytes that the daemon doesn't have to remember.
//!
//! ```text
//! nonce = expiry (u32, seconds since 1970, big-endian) ‖ random (12) ‖ MAC (16)
//! MAC   = HMAC-SHA-256(challenge key, expiry ‖ random ‖ handle tag), its first 16 bytes
//! ```
//!
//! A nonce says nothing about whether its handle is registered, because nothing is looked up to
//! make it. Only a nonce whose signature verified is remembered, until it expires.
//! Four bytes of seconds last until February 2106; then every nonce counts as expired.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use hmac::Mac as _;

use super::{ChallengeKey, HandleTag};
use crate::base::Timestamp;

/// How long a nonce is good for; as expiry is in whole seconds, up to one second longer.
pub const CHALLENGE_LIFETIME: Duration = Duration::from_mins(1);

const SIGNED: usize = 16;

/// What a client signs to prove that it is there now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nonce([u8; 32]);

/// Why a nonce isn't accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// Not made by this daemon, since it started, for this handle.
    #[error("expected a nonce of this daemon for this handle, found another one")]
    Forged,
    /// Its time is over, or, after the clock went back, hasn't come.
    #[error("expected a nonce of the last minute, found another one")]
    Expired,
    /// Somebody logged in with it before.
    #[error("expected a fresh nonce, found a used one")]
    Used,
    /// No more used nonces can be remembered until some expire.
    #[error("expected fewer logins within a minute: the memory of used nonces is full")]
    Full,
}

impl Nonce {
    /// The nonce that a client sent back.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes that the client signs, in base64.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The moment from which it isn't good any more.
    pub fn expires_at(&self) -> Timestamp {
        let [a, b, c, d, ..] = self.0;
        Timestamp::from_millis(u64::from(u32::from_be_bytes([a, b, c, d])) * 1000)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(…)")
    }
}

impl ChallengeKey {
    /// A nonce for the handle behind `tag`, good for [`CHALLENGE_LIFETIME`] from `now`.
    pub fn issue(&self, tag: &HandleTag, now: Timestamp, random: [u8; 12]) -> Nonce {
        let expiry = now
            .saturating_add(CHALLENGE_LIFETIME)
            .as_millis()
            .div_ceil(1000);
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&u32::try_from(expiry).unwrap_or(u32::MAX).to_be_bytes());
        bytes[4..SIGNED].copy_from_slice(&random);
        let mac = self.mac(&[&bytes[..SIGNED], tag.as_bytes()]).finalize();
        bytes[SIGNED..].copy_from_slice(&mac.as_bytes()[..SIGNED]);
        Nonce(bytes)
    }

    /// Whether `nonce` was made here for the handle behind `tag` and is in its time.
    ///
    /// One that lies further ahead than any could is refused too: the clock went back, and what
    /// was used before may be forgotten.
    pub fn check(
        &self,
        nonce: &Nonce,
        tag: &HandleTag,
        now: Timestamp,
    ) -> Result<(), ChallengeError> {
        let (signed, mac) = nonce.0.split_at(SIGNED);
        self.mac(&[signed, tag.as_bytes()])
            .verify_truncated_left(mac)
            .map_err(|_| ChallengeError::Forged)?;
        let left = nonce.expires_at().since(now);
        if left.is_zero() || left >= CHALLENGE_LIFETIME + Duration::from_secs(1) {
            return Err(ChallengeError::Expired);
        }
        Ok(())
    }
}

/// The nonces used in the last minute, so that a signature overheard is worth nothing.
///
/// Bounded. Full, it refuses new ones rather than forget old ones: forgetting would permit a
/// replay. A place costs a signature that verified and lasts a minute, so with the limit on logins
/// per account (10 a minute) ten places for each member can't be filled. Keep one for logins and
/// another for registrations, where a stranger can make keys at will.
#[derive(Debug)]
pub struct UsedNonces {
    /// In the order of expiry, because a nonce begins with it.
    used: BTreeSet<Nonce>,
    capacity: usize,
    /// The latest expiry among those forgotten: a clock that goes back can't revive them.
    forgotten: Timestamp,
}

impl UsedNonces {
    /// Remembers at most `capacity` nonces, of some 40 bytes each.
    pub const fn new(capacity: usize) -> Self {
        Self {
            used: BTreeSet::new(),
            capacity,
            forgotten: Timestamp::from_millis(0),
        }
    }

    /// Uses a nonce up. Call it after [`ChallengeKey::check`] and after the signature verified.
    pub fn spend(&mut self, nonce: Nonce, now: Timestamp) -> Result<(), ChallengeError> {
        self.forget_expired(now);
        if nonce.expires_at() <= self.forgotten.max(now) {
            return Err(ChallengeError::Expired);
        }
        if self.used.contains(&nonce) {
            return Err(ChallengeError::Used);
        }
        if self.used.len() >= self.capacity {
            return Err(ChallengeError::Full);
        }
        self.used.insert(nonce);
        Ok(())
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.used.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.used.is_empty()
    }

    /// Forgets those that have expired, as every [`UsedNonces::spend`] does. How many.
    pub fn forget_expired(&mut self, now: Timestamp) -> usize {
        let before = self.used.len();
        while let Some(oldest) = self.used.first()
            && oldest.expires_at() <= now
        {
            self.forgotten = self.forgotten.max(oldest.expires_at());
            self.used.pop_first();
        }
        before - self.used.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::Secret;

    const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);
    const TAG: HandleTag = HandleTag::from_bytes([3; 32]);

    fn key() -> ChallengeKey {
        ChallengeKey::new(Secret::new([1; 32]))
    }

    fn nonce(random: u8, now: Timestamp) -> Nonce {
        key().issue(&TAG, now, [random; 12])
    }

    fn later(millis: u64) -> Timestamp {
        Timestamp::from_millis(NOW.as_millis() + millis)
    }

    #[test]
    fn a_nonce_is_good_for_a_minute() {
        let nonce = nonce(0, NOW);
        assert_eq!(key().check(&nonce, &TAG, NOW), Ok(()));
        assert_eq!(key().check(&nonce, &TAG, later(59_999)), Ok(()));
        assert_eq!(
            key().check(&nonce, &TAG, later(60_000)),
            Err(ChallengeError::Expired)
        );
    }

    #[test]
    fn a_nonce_issued_within_a_second_lasts_its_whole_minute() {
        let nonce = nonce(0, later(1));
        assert_eq!(key().check(&nonce, &TAG, later(1)), Ok(()));
        assert_eq!(key().check(&nonce, &TAG, later(60_001)), Ok(()));
        assert_eq!(
            key().check(&nonce, &TAG, later(61_000)),
            Err(ChallengeError::Expired)
        );
    }

    #[test]
    fn a_nonce_is_for_its_handle_and_its_daemon() {
        let nonce = nonce(0, NOW);
        let other_tag = HandleTag::from_bytes([4; 32]);
        let other_key = ChallengeKey::new(Secret::new([2; 32]));
        let forged = Err(ChallengeError::Forged);
        assert_eq!(key().check(&nonce, &other_tag, NOW), forged);
        assert_eq!(other_key.check(&nonce, &TAG, NOW), forged);
    }

    #[test]
    fn a_clock_that_went_back_makes_no_nonce_last_longer() {
        let nonce = nonce(0, NOW);
        let before = NOW.saturating_sub(Duration::from_secs(1));
        assert_eq!(
            key().check(&nonce, &TAG, before),
            Err(ChallengeError::Expired)
        );
    }

    #[test]
    fn a_nonce_is_used_once() {
        let mut used = UsedNonces::new(8);
        assert_eq!(used.spend(nonce(0, NOW), NOW), Ok(()));
        assert_eq!(used.spend(nonce(0, NOW), NOW), Err(ChallengeError::Used));
        assert_eq!(
            used.spend(nonce(0, NOW), later(59_999)),
            Err(ChallengeError::Used)
        );
        assert_eq!(used.spend(nonce(1, NOW), NOW), Ok(()));
    }

    #[test]
    fn a_full_memory_refuses_until_some_expire_and_forgets_nothing_before() {
        let mut used = UsedNonces::new(2);
        used.spend(nonce(0, NOW), NOW).unwrap();
        used.spend(nonce(1, NOW), NOW).unwrap();
        assert_eq!(used.spend(nonce(2, NOW), NOW), Err(ChallengeError::Full));
        assert_eq!(used.spend(nonce(0, NOW), NOW), Err(ChallengeError::Used));
        let fresh = nonce(2, later(60_000));
        assert_eq!(used.spend(fresh, later(60_000)), Ok(()));
        assert_eq!(used.len(), 1);
    }

    #[test]
    fn a_forgotten_nonce_stays_used_when_the_clock_goes_back() {
        let mut used = UsedNonces::new(8);
        used.spend(nonce(0, NOW), NOW).unwrap();
        used.spend(nonce(1, later(60_000)), later(60_000)).unwrap();
        assert_eq!(key().check(&nonce(0, NOW), &TAG, NOW), Ok(()));
        assert_eq!(used.spend(nonce(0, NOW), NOW), Err(ChallengeError::Expired));
    }

    #[test]
    fn after_the_four_bytes_run_out_nothing_is_accepted() {
        let end = Timestamp::from_millis((u64::from(u32::MAX) + 1) * 1000);
        let nonce = nonce(0, end);
        assert_eq!(key().check(&nonce, &TAG, end), Err(ChallengeError::Expired));
    }

    proptest! {
        #[test]
        fn bytes_of_a_strangers_making_are_forged(bytes: [u8; 32]) {
            let verdict = key().check(&Nonce::from_bytes(bytes), &TAG, NOW);
            prop_assert_eq!(verdict, Err(ChallengeError::Forged));
        }

        #[test]
        fn no_bit_of_a_nonce_can_be_changed(random: [u8; 12], at in 0usize..32, bit in 0u8..8) {
            let mut bytes = *key().issue(&TAG, NOW, random).as_bytes();
            bytes[at] ^= 1 << bit;
            let verdict = key().check(&Nonce::from_bytes(bytes), &TAG, NOW);
            prop_assert_eq!(verdict, Err(ChallengeError::Forged));
        }

        #[test]
        fn nothing_is_spent_twice_whatever_the_clock_does(
            steps in proptest::collection::vec((0u64..200_000, 0u64..4), 1..60),
        ) {
            let mut used = UsedNonces::new(4);
            let mut spent = std::collections::HashSet::new();
            for (at, which) in steps {
                let nonce = nonce(0, later(which * 20_000));
                if key().check(&nonce, &TAG, later(at)).is_ok()
                    && used.spend(nonce, later(at)).is_ok()
                {
                    prop_assert!(spent.insert(which));
                }
                prop_assert!(used.len() <= 4);
            }
        }
    }
}
