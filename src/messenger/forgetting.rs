//! What is in memory for a while only, forgotten where nobody comes by whose visit would do it.
//!
//! Limits, used nonces and the like clean up as they are used. On a quiet machine the last address
//! or pair of members would stay for as long as nobody comes; so the clock sees to it, too.

use std::sync::PoisonError;

use super::Messenger;
use super::accounts::QUERY_LIFETIME;
use crate::base::Timestamp;

impl Messenger {
    /// Forgets addresses, users and pairs of them that no longer count for any limit, nonces and
    /// tokens that can't be replayed any more, prekeys that nobody gets a second time, receipts of
    /// long ago, and whose expired credentials were. How many entries in all.
    ///
    /// Ended calls and what was counted for them are forgotten by the calls' own clock.
    pub fn forget(&self, now: Timestamp) -> usize {
        self.passes.forget(now);
        let nonces = [&self.used_logins, &self.used_registrations].map(|used| {
            let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
            used.forget_expired(now)
        });
        let relay = self.relay.as_ref().and_then(|access| access.relay.as_ref());
        nonces.iter().sum::<usize>()
            + self.forget_query_tokens(now)
            + self.limits.forget(now)
            + self.outside.forget(now)
            + self.handouts.forget(now)
            + self.delivered.forget(now)
            + relay.map_or(0, |relay| relay.forget_expired(now))
    }

    fn forget_query_tokens(&self, now: Timestamp) -> usize {
        let used = self.used_queries.lock();
        let mut used = used.unwrap_or_else(PoisonError::into_inner);
        used.remove_while(|_, at| now.since(*at) > QUERY_LIFETIME)
    }
}
