//! Keys of messages that haven't come yet (E2EE.md §5): so many at most, and for so long.

use std::collections::VecDeque;
use std::time::Duration;

use super::AgreementKey;
use super::chain::MessageKey;
use crate::base::Timestamp;

/// How many keys a session keeps; the oldest goes when one more comes.
pub(super) const MAX_STORED: usize = 2000;
/// How long a key is kept: longer than the server keeps a message.
const LIFETIME: Duration = Duration::from_hours(45 * 24);

/// The keys that were passed over, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SkippedKeys(VecDeque<Skipped>);

/// One key that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Skipped {
    pub(super) chain: AgreementKey,
    pub(super) number: u32,
    /// Boxed, so that it stays in one place until it is wiped.
    pub(super) key: Box<MessageKey>,
    pub(super) since: Timestamp,
}

impl SkippedKeys {
    /// Where the key of a message is, if it may still be used.
    pub(super) fn find(&self, chain: &AgreementKey, number: u32, now: Timestamp) -> Option<usize> {
        let wanted = |skipped: &Skipped| skipped.number == number && skipped.chain == *chain;
        let place = self.0.iter().position(wanted)?;
        (!self.0[place].is_stale(now)).then_some(place)
    }

    pub(super) fn key(&self, place: usize) -> Option<&MessageKey> {
        self.0.get(place).map(|skipped| &*skipped.key)
    }

    pub(super) fn remove(&mut self, place: usize) {
        self.0.remove(place);
    }

    /// Keeps `fresh` keys too, as far as there is room, and none for too long.
    pub(super) fn keep(&mut self, fresh: Vec<Skipped>, now: Timestamp) {
        self.0.extend(fresh);
        self.0.drain(..self.0.len().saturating_sub(MAX_STORED));
        self.expire(now);
    }

    /// Forgets keys that are too old. Only the oldest is looked at while it is young enough.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while let Some(oldest) = self.0.front()
            && oldest.is_stale(now)
        {
            self.0.pop_front();
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Skipped> {
        self.0.iter()
    }
}

impl Skipped {
    fn is_stale(&self, now: Timestamp) -> bool {
        now.since(self.since) > LIFETIME
    }
}

impl FromIterator<Skipped> for SkippedKeys {
    fn from_iter<I: IntoIterator<Item = Skipped>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;

    fn skipped(number: u32, since: u64) -> Skipped {
        Skipped {
            chain: AgreementKey::from_bytes([1; 32]),
            number,
            key: Box::new(MessageKey::new(Secret::new([2; 32]))),
            since: Timestamp::from_millis(since),
        }
    }

    #[test]
    fn the_oldest_key_goes_when_there_is_one_too_many() {
        let mut keys = SkippedKeys::default();
        let now = Timestamp::from_millis(7);
        let most = u32::try_from(MAX_STORED).unwrap();
        keys.keep((0..most).map(|number| skipped(number, 7)).collect(), now);
        let chain = AgreementKey::from_bytes([1; 32]);
        assert_eq!(keys.find(&chain, 0, now), Some(0));
        keys.keep(vec![skipped(most, 7)], now);
        assert_eq!((keys.len(), keys.find(&chain, 0, now)), (MAX_STORED, None));
        assert_eq!(keys.find(&chain, 1, now), Some(0));
        assert_eq!(keys.find(&AgreementKey::from_bytes([9; 32]), 1, now), None);
    }

    #[test]
    fn a_key_is_kept_for_45_days_and_no_longer() {
        let day = 24 * 60 * 60 * 1000;
        let mut keys = SkippedKeys::default();
        keys.keep(
            vec![skipped(0, 5), skipped(1, 6)],
            Timestamp::from_millis(6),
        );
        keys.expire(Timestamp::from_millis(5 + 45 * day));
        assert_eq!(keys.len(), 2);
        let later = Timestamp::from_millis(6 + 45 * day);
        let chain = AgreementKey::from_bytes([1; 32]);
        assert_eq!(keys.find(&chain, 0, later), None);
        assert_eq!(keys.find(&chain, 1, later), Some(1));
        keys.expire(later);
        assert_eq!(keys.len(), 1);
    }
}
