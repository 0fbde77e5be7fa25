//! `[calls]`

use std::time::Duration;

use super::{days, minutes, seconds};
use crate::config::key::section;
use crate::config::kind::{OneOf, Span, Switch, Words};

section! {
    /// Call signaling.
    [calls] Calls {
        /// Whose word lets a call ring. "callee": the callee has allowed the caller. "mutual": each
        /// has allowed the other. "off": any member may call any other.
        policy: CallPolicy = CallPolicy::Callee, OneOf;

        /// How long a call rings before it counts as missed.
        ring_timeout: Duration = seconds(30), Span(seconds(1)..=minutes(5));

        /// Whether members find a history of their own calls at GET /api/v1/calls. Each party has its
        /// own lines, sealed in the database. Switched off, what was kept is deleted within the hour.
        history: bool = false, Switch;

        /// How long a call stays in the history.
        history_retention: Duration = days(30), Span(days(1)..=days(365));
    }
}

/// Whose word lets a call ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallPolicy {
    /// The callee has allowed the caller.
    Callee,
    /// Each has allowed the other.
    Mutual,
    /// Nobody's: any member may call any other.
    Off,
}

impl Words for CallPolicy {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("callee", Self::Callee),
        ("mutual", Self::Mutual),
        ("off", Self::Off),
    ];
}
