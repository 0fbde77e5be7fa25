//! Answers that are given again: an Allocate or a deletion that is retransmitted isn't a new one
//! (RFC 8489 §6.3.1). The other requests may be served twice without harm.

use std::time::Duration;

use super::Ask;
use crate::base::BoundedMap;
use crate::turn::allocation::FiveTuple;
use crate::turn::message::{Method, TransactionId};
use crate::turn::moment::Moment;

/// How long a client may retransmit (RFC 8489 §6.3.1).
const KEPT: Duration = Duration::from_secs(40);

struct Replay {
    method: Method,
    transaction: TransactionId,
    username: Box<str>,
    answer: Vec<u8>,
    kept: Moment,
}

/// The last answer of that kind per 5-tuple; beyond twice the allocations the oldest is forgotten.
#[derive(Debug)]
pub(super) struct Replays(BoundedMap<FiveTuple, Replay>);

impl Replays {
    pub(super) fn new(max_allocations: usize) -> Self {
        Self(BoundedMap::new(max_allocations.saturating_mul(2)))
    }

    /// The answer this very request had before.
    pub(super) fn find(&self, ask: &Ask<'_>) -> Option<Vec<u8>> {
        let shape = ask.shape();
        let replay = self.0.peek(&ask.tuple)?;
        let is_same = replay.method == shape.method
            && replay.transaction == shape.transaction
            && *replay.username == *ask.request.username
            && ask.now.since(replay.kept) < KEPT;
        let still_holds = shape.method != Method::Allocate || ask.own().is_ok();
        (is_same && still_holds).then(|| replay.answer.clone())
    }

    /// Keeps an answer, where giving it again matters.
    pub(super) fn keep(&mut self, ask: &Ask<'_>, answer: &[u8]) {
        let method = ask.shape().method;
        let is_end = method == Method::Refresh && ask.asked_lifetime() == Ok(Some(Duration::ZERO));
        if method == Method::Allocate || is_end {
            let replay = Replay {
                method,
                transaction: ask.shape().transaction,
                username: ask.request.username.into(),
                answer: answer.to_vec(),
                kept: ask.now,
            };
            self.0.insert(ask.tuple, replay);
        }
    }

    /// Forgets what nobody retransmits any more.
    pub(super) fn forget_old(&mut self, now: Moment) {
        let is_old = |_: &FiveTuple, replay: &Replay| now.since(replay.kept) >= KEPT;
        while self.0.remove_oldest_if(is_old).is_some() {}
    }
}
