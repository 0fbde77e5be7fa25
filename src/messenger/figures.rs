//! What the use cases count. No figure names anybody: labels are codes and names of limits.

use crate::base::{Counter, Distribution};
use crate::calls;
use crate::wire::Code;

use super::Messenger;

/// Counts with the word for what was counted.
pub type Words = Vec<(&'static str, u64)>;

/// What the use cases counted since the start, and how many are online.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Members with a session now.
    pub online: u64,
    /// Sessions since the start.
    pub sessions: u64,
    /// Messages that were taken, by what was done first: sent to a session at once (`live`), put
    /// behind others or where nobody is online (`queued`), let go of because the recipient blocked
    /// the sender (`dropped`).
    pub accepted: Words,
    /// Messages handed in again that had been taken before. Not among the accepted.
    pub repeated: u64,
    /// Messages that were refused, by code. Not among the accepted.
    pub refused: Words,
    /// Messages that their recipients acknowledged.
    pub delivered: u64,
    /// Those of them that were acknowledged so soon that they were never written.
    pub spared: u64,
    /// Nonces handed out to be signed.
    pub challenges: u64,
    /// Tokens issued.
    pub tokens: u64,
    /// Logins that were refused, by code.
    pub logins_refused: Words,
    /// Tokens that were presented and refused, by code.
    pub tokens_refused: Words,
    /// Registrations by outcome.
    pub registrations: Words,
    /// Registrations that were refused, by code.
    pub registrations_refused: Words,
    /// Prekey bundles handed out: with a fresh one-time prekey, with the one that the same member
    /// got a moment ago (`again`), and without one because none was left (`exhausted`).
    pub bundles: Words,
    /// Credentials for the media relay.
    pub turn_credentials: u64,
    /// Requests refused for coming too often, by the limit that refused.
    pub rate_limited: Words,
    /// Calls.
    pub calls: calls::Figures,
    /// How long answered calls rang, microseconds.
    pub answer_times: Distribution,
}

/// The counters behind [`Figures`].
#[derive(Debug)]
pub(super) struct Counters {
    pub(super) sessions: Counter,
    pub(super) live: Counter,
    pub(super) queued: Counter,
    pub(super) dropped: Counter,
    pub(super) repeated: Counter,
    pub(super) refused: Tally,
    pub(super) delivered: Counter,
    pub(super) spared: Counter,
    pub(super) challenges: Counter,
    pub(super) tokens: Counter,
    pub(super) logins_refused: Tally,
    pub(super) tokens_refused: Tally,
    pub(super) registered: Counter,
    pub(super) unchanged: Counter,
    pub(super) replaced: Counter,
    pub(super) registrations_refused: Tally,
    pub(super) bundles_fresh: Counter,
    pub(super) bundles_again: Counter,
    pub(super) bundles_exhausted: Counter,
    pub(super) turn_credentials: Counter,
    /// The one limit that has no counter of its own.
    pub(super) sending_limited: Counter,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            sessions: Counter::default(),
            live: Counter::default(),
            queued: Counter::default(),
            dropped: Counter::default(),
            repeated: Counter::default(),
            refused: Tally::of(MESSAGE_CODES),
            delivered: Counter::default(),
            spared: Counter::default(),
            challenges: Counter::default(),
            tokens: Counter::default(),
            logins_refused: Tally::of(LOGIN_CODES),
            tokens_refused: Tally::of(TOKEN_CODES),
            registered: Counter::default(),
            unchanged: Counter::default(),
            replaced: Counter::default(),
            registrations_refused: Tally::of(REGISTRATION_CODES),
            bundles_fresh: Counter::default(),
            bundles_again: Counter::default(),
            bundles_exhausted: Counter::default(),
            turn_credentials: Counter::default(),
            sending_limited: Counter::default(),
        }
    }
}

const MESSAGE_CODES: &[Code] = &[
    Code::InvalidField,
    Code::InvalidBase64,
    Code::TokenExpired,
    Code::UserNotFound,
    Code::PayloadTooLarge,
    Code::QueueFull,
    Code::StorageFull,
    Code::RateLimited,
    Code::Suspended,
    Code::Capacity,
    Code::Internal,
];

const LOGIN_CODES: &[Code] = &[
    Code::InvalidField,
    Code::InvalidBase64,
    Code::AuthFailed,
    Code::RateLimited,
    Code::Internal,
];

const TOKEN_CODES: &[Code] = &[Code::Unauthorized, Code::TokenExpired, Code::Internal];

const REGISTRATION_CODES: &[Code] = &[
    Code::InvalidField,
    Code::InvalidBase64,
    Code::InvalidKey,
    Code::InvalidSignature,
    Code::AuthFailed,
    Code::IdentityMismatch,
    Code::InviteRequired,
    Code::InviteInvalid,
    Code::RegistrationClosed,
    Code::StorageFull,
    Code::RateLimited,
    Code::Internal,
];

/// Refusals by code: those that are expected each for itself, and the others together, so that no
/// figure is missing before its first refusal and none comes as a surprise.
#[derive(Debug)]
pub(super) struct Tally {
    codes: &'static [Code],
    /// One for each code, and one for all others.
    counts: Box<[Counter]>,
}

impl Tally {
    fn of(codes: &'static [Code]) -> Self {
        let counts = (0..=codes.len()).map(|_| Counter::default()).collect();
        Self { codes, counts }
    }

    pub(super) fn count(&self, code: Code) {
        let place = self.codes.iter().position(|known| *known == code);
        self.counts[place.unwrap_or(self.codes.len())].increment();
    }

    fn read(&self) -> Words {
        let words = self.codes.iter().map(|code| code.as_str());
        let counts = self.counts.iter().map(Counter::value);
        words.chain(["other"]).zip(counts).collect()
    }
}

impl Messenger {
    /// What was counted so far.
    pub fn figures(&self) -> Figures {
        let counters = &self.counters;
        let (calls, answer_times) = self.calls.figures();
        let mut rate_limited = self.limits.refused();
        rate_limited.push(("messages", counters.sending_limited.value()));
        Figures {
            online: self.hub.len() as u64,
            sessions: counters.sessions.value(),
            accepted: vec![
                ("live", counters.live.value()),
                ("queued", counters.queued.value()),
                ("dropped", counters.dropped.value()),
            ],
            repeated: counters.repeated.value(),
            refused: counters.refused.read(),
            delivered: counters.delivered.value(),
            spared: counters.spared.value(),
            challenges: counters.challenges.value(),
            tokens: counters.tokens.value(),
            logins_refused: counters.logins_refused.read(),
            tokens_refused: counters.tokens_refused.read(),
            registrations: vec![
                ("created", counters.registered.value()),
                ("unchanged", counters.unchanged.value()),
                ("identity_replaced", counters.replaced.value()),
            ],
            registrations_refused: counters.registrations_refused.read(),
            bundles: vec![
                ("fresh", counters.bundles_fresh.value()),
                ("again", counters.bundles_again.value()),
                ("exhausted", counters.bundles_exhausted.value()),
            ],
            turn_credentials: counters.turn_credentials.value(),
            rate_limited,
            calls,
            answer_times,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_counted_by_itself_or_with_the_others() {
        let tally = Tally::of(TOKEN_CODES);
        for code in Code::ALL {
            tally.count(*code);
        }
        let others = (Code::ALL.len() - TOKEN_CODES.len()) as u64;
        assert_eq!(
            tally.read(),
            [
                ("unauthorized", 1),
                ("token_expired", 1),
                ("internal", 1),
                ("other", others)
            ]
        );
    }
}
