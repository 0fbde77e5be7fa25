//! Ids of messages that came (E2EE.md §6.2): the last thousand from one peer, for 45 days.
//!
//! Two ids are noted for each message: the server's, before it is opened, so that what it delivers
//! twice leaves neither a second placeholder nor a reset behind; and the one inside, which the
//! server can't change.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Refusal;
use super::session_record::write;
use crate::base::{MessageId, Timestamp};

const VERSION: u8 = 1;
/// A thousand messages with two ids each.
const CAPACITY: usize = 2000;
const LIFETIME: Duration = Duration::from_hours(45 * 24);
const NOT_A_RECORD: Refusal = Refusal::Malformed("a record of seen messages of version 1");

/// The ids that came from one peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    ids: HashSet<MessageId>,
    /// The oldest first.
    order: VecDeque<(MessageId, Timestamp)>,
}

impl Seen {
    /// Whether this id came before.
    pub fn contains(&self, id: MessageId) -> bool {
        self.ids.contains(&id)
    }

    /// Notes an id; a second time it is a [`Refusal::Duplicate`].
    pub fn note(&mut self, id: MessageId, now: Timestamp) -> Result<(), Refusal> {
        self.expire(now);
        if !self.ids.insert(id) {
            return Err(Refusal::Duplicate);
        }
        self.order.push_back((id, now));
        if self.order.len() > CAPACITY
            && let Some((oldest, _)) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
        Ok(())
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The ids as they are stored. Seal it before it reaches a disk.
    pub fn to_record(&self) -> Zeroizing<Vec<u8>> {
        let ids = self.order.iter().map(|(id, at)| (*id, at.as_millis()));
        let ids = ids.collect();
        write(&SeenRecord { v: VERSION, ids }, 64 + 64 * self.len())
    }

    /// The ids of a record.
    pub fn from_record(record: &[u8]) -> Result<Self, Refusal> {
        let record: SeenRecord = serde_json::from_slice(record).map_err(|_| NOT_A_RECORD)?;
        if record.v != VERSION || record.ids.len() > CAPACITY {
            return Err(NOT_A_RECORD);
        }
        let ids = record.ids.into_iter();
        let order: VecDeque<_> = ids
            .map(|(id, at)| (id, Timestamp::from_millis(at)))
            .collect();
        let ids = order.iter().map(|(id, _)| *id).collect();
        Ok(Self { ids, order })
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((oldest, at)) = self.order.front()
            && now.since(*at) > LIFETIME
        {
            self.ids.remove(oldest);
            self.order.pop_front();
        }
    }
}

#[derive(Serialize, Deserialize)]
struct SeenRecord {
    v: u8,
    ids: Vec<(MessageId, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once() {
        let (mut seen, id) = (Seen::default(), MessageId::random());
        assert_eq!(seen.note(id, Timestamp::default()), Ok(()));
        assert_eq!(seen.note(id, Timestamp::default()), Err(Refusal::Duplicate));
        let mut again = Seen::from_record(&seen.to_record()).unwrap();
        assert_eq!(again, seen);
        assert_eq!(
            again.note(id, Timestamp::default()),
            Err(Refusal::Duplicate)
        );
    }

    #[test]
    fn the_oldest_id_goes_when_there_is_one_too_many() {
        let (mut seen, first) = (Seen::default(), MessageId::random());
        seen.note(first, Timestamp::default()).unwrap();
        for _ in 1..CAPACITY {
            seen.note(MessageId::random(), Timestamp::default())
                .unwrap();
        }
        assert!(seen.contains(first));
        seen.note(MessageId::random(), Timestamp::default())
            .unwrap();
        assert_eq!((seen.contains(first), seen.len()), (false, CAPACITY));
    }

    #[test]
    fn an_id_is_kept_for_45_days_and_no_longer() {
        let (mut seen, id) = (Seen::default(), MessageId::random());
        seen.note(id, Timestamp::default()).unwrap();
        let last = Timestamp::default().saturating_add(LIFETIME);
        assert_eq!(seen.note(id, last), Err(Refusal::Duplicate));
        let after = last.saturating_add(Duration::from_millis(1));
        assert_eq!(seen.note(id, after), Ok(()));
    }
}
