//! Messages that were acknowledged lately: a retry of one is answered and not delivered again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::event::{Letter, Receipt};
use crate::base::{BoundedMap, MessageId, Timestamp, UserId};
use crate::wire::reply::MessageStatus;

/// Messages remembered, of all members together: 120 bytes each, 2 MB in all. A sender retries when
/// its socket comes back, seconds later; recipients drop what they have seen in any case.
const MOST: usize = 16_384;
/// How long a message is remembered after its acceptance: it tells who wrote to whom.
const REMEMBERED: Duration = Duration::from_hours(24);

/// The memory of acknowledged messages.
#[derive(Debug)]
pub(super) struct Delivered(Mutex<BoundedMap<(UserId, MessageId), Trace>>);

#[derive(Debug, Clone, Copy)]
struct Trace {
    sender: UserId,
    timestamp: Timestamp,
}

impl Default for Delivered {
    fn default() -> Self {
        Self(Mutex::new(BoundedMap::new(MOST)))
    }
}

impl Delivered {
    /// Notes that `recipient` has a message of `sender`.
    pub(super) fn note(&self, recipient: UserId, sender: UserId, receipt: Receipt) {
        let trace = Trace {
            sender,
            timestamp: receipt.timestamp,
        };
        let mut traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        traces.insert((recipient, receipt.message_id), trace);
    }

    /// Forgets messages of long ago: each at the latest a day after its acknowledgement. How many.
    pub(super) fn forget(&self, now: Timestamp) -> usize {
        let mut traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        traces.remove_while(|_, trace| now.since(trace.timestamp) >= REMEMBERED)
    }

    /// The receipt of `letter`, if `recipient` has acknowledged it before.
    pub(super) fn find(&self, recipient: UserId, letter: &Letter) -> Option<Receipt> {
        let traces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let trace = traces.peek(&(recipient, letter.message_id))?;
        (trace.sender == letter.sender).then_some(Receipt {
            message_id: letter.message_id,
            status: MessageStatus::Delivered,
            timestamp: trace.timestamp,
        })
    }
}
