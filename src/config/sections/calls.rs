//! `[calls]`

use std::time::Duration;

use super::{KIB, MIB, days, minutes, seconds};
use crate::config::key::section;
use crate::config::kind::{Bytes, Count, OneOf, Span, Switch, Words};

section! {
    /// Call signaling.
    [calls] Calls {
        /// Whose word lets a call ring. "callee": the callee has allowed the caller. "mutual": each
        /// has allowed the other. "off": any member may call any other.
        policy: CallPolicy = CallPolicy::Callee, OneOf;

        /// How long a call rings before it counts as missed.
        ring_timeout: Duration = seconds(30), Span(seconds(1)..=minutes(5));

        /// Calls that may ring one member at once, so that ringing somebody doesn't shut others out.
        ringing: usize = 3, Count(1..=100);

        /// How long a party whose socket dropped may take to return while the call rings.
        ringing_grace: Duration = seconds(5), Span(seconds(1)..=minutes(1));

        /// The same once the call is connected: media may be flowing all the while.
        connected_grace: Duration = seconds(30), Span(seconds(1)..=minutes(10));

        /// Session descriptions (SDPs) that one side may send in a call.
        sdps: u32 = 20, Count(2..=1000);

        /// Largest session description. limits.frame_bytes must hold it and what is around it.
        sdp_bytes: usize = 128 * 1024, Bytes(KIB..=8 * MIB);

        /// ICE candidates that one side may send in a call.
        candidates: u32 = 300, Count(1..=10_000);

        /// Largest ICE candidate. limits.frame_bytes must hold it and what is around it.
        candidate_bytes: usize = 8 * 1024, Bytes(KIB..=8 * MIB);

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
