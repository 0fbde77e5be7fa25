//! Passes for those who only want to see whether a socket holds: the operator's checks.
//!
//! A pass is good once and for a minute. It opens a socket that hears and says nothing, so whoever
//! finds one could do no more than hold a connection.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use subtle::ConstantTimeEq;

use crate::base::{Timestamp, random};

/// How long a pass waits to be used.
const GOOD_FOR: Duration = Duration::from_mins(1);
/// Passes that wait at once; a further one displaces the oldest. Only operators and the codes that
/// they make for others have them made.
const MOST: usize = 16;

/// The passes that wait to be used.
#[derive(Debug, Default)]
pub(super) struct Passes(Mutex<VecDeque<Pass>>);

struct Pass {
    text: String,
    ends: Timestamp,
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
        });
        text
    }

    /// Whether `text` is a pass that is still good. It is no longer after this.
    pub(super) fn redeem(&self, text: &str, now: Timestamp) -> bool {
        let mut passes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passes.retain(|pass| now < pass.ends);
        let same = |pass: &Pass| bool::from(pass.text.as_bytes().ct_eq(text.as_bytes()));
        let found = passes.iter().position(same);
        found.is_some_and(|index| passes.remove(index).is_some())
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
        assert!(!passes.redeem("check.0", NOW));
        assert!(passes.redeem(&pass, NOW));
        assert!(!passes.redeem(&pass, NOW));
    }

    #[test]
    fn a_pass_is_good_for_a_minute() {
        let passes = Passes::default();
        let [early, late] = [(), ()].map(|()| passes.issue(NOW));
        let last = NOW.saturating_add(GOOD_FOR);
        assert!(passes.redeem(&early, last.saturating_sub(Duration::from_millis(1))));
        assert!(!passes.redeem(&late, last));
    }

    #[test]
    fn a_pass_too_many_displaces_the_oldest() {
        let passes = Passes::default();
        let first = passes.issue(NOW);
        let others: Vec<String> = (0..MOST).map(|_| passes.issue(NOW)).collect();
        assert!(!passes.redeem(&first, NOW));
        assert!(others.iter().all(|pass| passes.redeem(pass, NOW)));
    }
}
