//! Passes for those who only want to see whether a socket holds: the operator's checks.
//!
//! A pass is good once and for a minute. It opens a socket that hears and says nothing, so whoever
//! finds one could do no more than hold a connection.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::base::{Timestamp, random};
use crate::ratelimit::Address;

/// How long a pass waits to be used.
const GOOD_FOR: Duration = Duration::from_mins(1);
/// How long it is known from where somebody came in with one: longer than a socket may be held.
const KNOWN: Duration = Duration::from_mins(10);
/// Passes that wait at once; a further one displaces the oldest. Only operators and the codes that
/// they make for others have them made.
const MOST: usize = 16;

/// The passes that wait to be used, or were of late.
#[derive(Debug, Default)]
pub(super) struct Passes(Mutex<VecDeque<Pass>>);

struct Pass {
    text: String,
    ends: Timestamp,
    stage: Stage,
}

enum Stage {
    Waiting,
    /// Somebody came in with it, from there.
    Used(Option<Address>),
}

impl std::fmt::Debug for Pass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pass").finish_non_exhaustive()
    }
}

impl Passes {
    /// A new pass.
    pub(super) fn issue(&self, now: Timestamp) -> String {
        let mut text = String::from("check.");
        for byte in random::draw::<16>() {
            let _ = write!(text, "{byte:02x}");
        }
        let mut passes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if passes.len() == MOST {
            passes.pop_front();
        }
        passes.push_back(Pass {
            text: text.clone(),
            ends: now.saturating_add(GOOD_FOR),
            stage: Stage::Waiting,
        });
        text
    }

    /// Whether `text` is a pass that is still good. It is no longer after this.
    pub(super) fn redeem(&self, text: &str, from: Option<Address>, now: Timestamp) -> bool {
        let mut passes = self.open(now);
        let waiting = passes.iter_mut().find(|pass| {
            matches!(pass.stage, Stage::Waiting)
                && bool::from(pass.text.as_bytes().ct_eq(text.as_bytes()))
        });
        let Some(pass) = waiting else {
            return false;
        };
        pass.stage = Stage::Used(from);
        pass.ends = now.saturating_add(KNOWN);
        true
    }

    /// From where somebody came in with the pass `text` of late.
    pub(super) fn came_from(&self, text: &str, now: Timestamp) -> Option<Address> {
        let passes = self.open(now);
        passes.iter().find_map(|pass| match pass.stage {
            Stage::Used(from) if pass.text == text => from,
            _ => None,
        })
    }

    /// Forgets those whose time is over.
    pub(super) fn forget(&self, now: Timestamp) {
        drop(self.open(now));
    }

    /// The passes, without those whose time is over.
    fn open(&self, now: Timestamp) -> MutexGuard<'_, VecDeque<Pass>> {
        let mut passes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passes.retain(|pass| now < pass.ends);
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_pass_is_good_once() {
        let passes = Passes::default();
        let pass = passes.issue(NOW);
        assert!(!passes.redeem("check.0", None, NOW));
        assert!(passes.redeem(&pass, None, NOW));
        assert!(!passes.redeem(&pass, None, NOW));
    }

    #[test]
    fn a_pass_is_good_for_a_minute() {
        let passes = Passes::default();
        let [early, late] = [(), ()].map(|()| passes.issue(NOW));
        let last = NOW.saturating_add(GOOD_FOR);
        assert!(passes.redeem(&early, None, last.saturating_sub(Duration::from_millis(1))));
        assert!(!passes.redeem(&late, None, last));
    }

    #[test]
    fn a_pass_too_many_displaces_the_oldest() {
        let passes = Passes::default();
        let first = passes.issue(NOW);
        let others: Vec<String> = (0..MOST).map(|_| passes.issue(NOW)).collect();
        assert!(!passes.redeem(&first, None, NOW));
        assert!(others.iter().all(|pass| passes.redeem(pass, None, NOW)));
    }

    #[test]
    fn from_where_it_was_used_is_known_for_ten_minutes() {
        let passes = Passes::default();
        let pass = passes.issue(NOW);
        let address = Address::from(std::net::IpAddr::from([192, 0, 2, 1]));
        assert_eq!(passes.came_from(&pass, NOW), None);
        assert!(passes.redeem(&pass, Some(address), NOW));
        let end = NOW.saturating_add(KNOWN);
        let last = end.saturating_sub(Duration::from_millis(1));
        assert_eq!(passes.came_from(&pass, last), Some(address));
        assert_eq!(passes.came_from(&pass, end), None);
    }
}
