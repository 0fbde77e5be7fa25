//! What the machine counts. No figure names anybody.

use std::time::Duration;

use super::event::{Reason, Refusal};

/// Figures of the machine since it started, and of this moment.
///
/// `started` = `ringing` + `connected` + `hangup` + `rejected` + `timeout` + `error`. A call that
/// was refused never started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Calls ringing now.
    pub ringing: usize,
    /// Calls connected now.
    pub connected: usize,
    /// Ended calls remembered now.
    pub remembered: usize,
    /// Users and pairs whose starts are counted now.
    pub counted: usize,
    /// Bytes of signals kept now.
    pub kept_bytes: usize,
    /// Calls that rang.
    pub started: u64,
    /// Calls that were answered.
    pub answered: u64,
    /// How long the answered ones rang, all together.
    pub answer_time: Duration,
    /// Calls that a party ended.
    pub hangup: u64,
    /// Calls that the callee rejected.
    pub rejected: u64,
    /// Calls that nobody answered.
    pub timeout: u64,
    /// Calls that a lost socket or a deleted account ended.
    pub error: u64,
    /// Calls that were refused at the start.
    pub refused: Refused,
}

/// Calls that were refused at the start, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refused {
    /// [`Refusal::NotAllowed`].
    pub not_allowed: u64,
    /// [`Refusal::Offline`].
    pub offline: u64,
    /// [`Refusal::Busy`].
    pub busy: u64,
    /// [`Refusal::Glare`].
    pub glare: u64,
    /// [`Refusal::RateLimited`].
    pub rate_limited: u64,
    /// [`Refusal::Capacity`].
    pub capacity: u64,
}

impl Refused {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.not_allowed + self.offline + self.busy + self.glare + self.rate_limited + self.capacity
    }
}

impl Figures {
    /// Attempts to call: those that rang and those that were refused.
    pub const fn attempts(&self) -> u64 {
        self.started + self.refused.total()
    }

    pub(super) const fn count_answer(&mut self, after: Duration) {
        self.connected += 1;
        self.answered += 1;
        self.answer_time = self.answer_time.saturating_add(after);
    }

    pub(super) const fn count_end(&mut self, reason: Reason) {
        let ended = match reason {
            Reason::Hangup => &mut self.hangup,
            Reason::Rejected => &mut self.rejected,
            Reason::Timeout => &mut self.timeout,
            Reason::Error => &mut self.error,
        };
        *ended += 1;
    }

    /// Counts a call that was refused, and not a request that was wrong in itself.
    pub(super) const fn count_refusal(&mut self, refusal: Refusal) {
        let refused = match refusal {
            Refusal::NotAllowed => &mut self.refused.not_allowed,
            Refusal::Offline => &mut self.refused.offline,
            Refusal::Busy => &mut self.refused.busy,
            Refusal::Glare(_) => &mut self.refused.glare,
            Refusal::RateLimited(_) => &mut self.refused.rate_limited,
            Refusal::Capacity => &mut self.refused.capacity,
            Refusal::NotFound
            | Refusal::WrongRole
            | Refusal::WrongState
            | Refusal::TooLarge { .. }
            | Refusal::TooMany
            | Refusal::Ended(_) => return,
        };
        *refused += 1;
    }
}
