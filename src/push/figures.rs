//! What was counted. It says how many, never whom.

use crate::base::Counter;

/// Counters of this room.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) sent: Counter,
    pub(super) gone: Counter,
    pub(super) failed: Counter,
    pub(super) retried: Counter,
    pub(super) dropped: Counter,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Pushes that a service took.
    pub sent: u64,
    /// Subscriptions that a service had ended.
    pub gone: u64,
    /// Pushes that were given up.
    pub failed: u64,
    /// Attempts that were put off because a service had no time or wasn't reached.
    pub retried: u64,
    /// Members who weren't woken because too many waited.
    pub dropped: u64,
    /// Members who wait to be woken now.
    pub waiting: usize,
}

impl Counters {
    pub(super) fn read(&self, waiting: usize) -> Figures {
        Figures {
            sent: self.sent.value(),
            gone: self.gone.value(),
            failed: self.failed.value(),
            retried: self.retried.value(),
            dropped: self.dropped.value(),
            waiting,
        }
    }
}
