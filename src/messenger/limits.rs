//! How often who may do what (PROTOCOL.md §4, §9). None is keyed by its target alone: a limit
//! never lets one user shut another out.

use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use super::error::Error;
use super::figures::Words;
use crate::auth::HandleTag;
use crate::base::{Timestamp, UserId};
use crate::config;
use crate::ratelimit::{Address, Limiter, Quota, Verdict};

/// Addresses remembered by each limit.
const MOST_ADDRESSES: usize = 50_000;
/// Users, or pairs of them, remembered by each limit.
const MOST_USERS: usize = 50_000;

/// Every limit that is counted by address, user or pair.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) register: Limiter<Address>,
    pub(super) challenge: Limiter<Address>,
    pub(super) token: Limiter<Address>,
    /// Counts logins that succeeded: a stranger can't use up an account's.
    pub(super) token_account: Limiter<HandleTag>,
    pub(super) bundle: Limiter<UserId>,
    pub(super) bundle_pair: Limiter<(UserId, UserId)>,
    pub(super) key_upload: Limiter<UserId>,
    pub(super) account_changes: Limiter<UserId>,
    pub(super) turn_credentials: Limiter<UserId>,
    /// Messages; the bucket stands in the sender's mailbox.
    sending: RwLock<Quota>,
}

impl Limits {
    pub(super) fn new(config: &config::Limits) -> Self {
        Self {
            register: Limiter::new(config.register, MOST_ADDRESSES),
            challenge: Limiter::new(config.challenge, MOST_ADDRESSES),
            token: Limiter::new(config.token, MOST_ADDRESSES),
            token_account: Limiter::new(config.token, MOST_USERS),
            bundle: Limiter::new(config.bundle, MOST_USERS),
            bundle_pair: Limiter::new(config.bundle_pair, MOST_USERS),
            key_upload: Limiter::new(config.key_upload, MOST_USERS),
            account_changes: Limiter::new(config.account_changes, MOST_USERS),
            turn_credentials: Limiter::new(config.turn_credentials, MOST_USERS),
            sending: RwLock::new(sending(config)),
        }
    }

    /// How often each limit refused, by its name in the configuration; logins of one account, which
    /// share a name with those of one address, have their own.
    pub(super) fn refused(&self) -> Words {
        vec![
            ("register", self.register.refused()),
            ("challenge", self.challenge.refused()),
            ("token", self.token.refused()),
            ("token_account", self.token_account.refused()),
            ("bundle", self.bundle.refused()),
            ("bundle_pair", self.bundle_pair.refused()),
            ("key_upload", self.key_upload.refused()),
            ("account_changes", self.account_changes.refused()),
            ("turn_credentials", self.turn_credentials.refused()),
        ]
    }

    /// Counts by other limits from now on.
    pub(super) fn change(&self, config: &config::Limits) {
        self.register.change(config.register);
        self.challenge.change(config.challenge);
        self.token.change(config.token);
        self.token_account.change(config.token);
        self.bundle.change(config.bundle);
        self.bundle_pair.change(config.bundle_pair);
        self.key_upload.change(config.key_upload);
        self.account_changes.change(config.account_changes);
        self.turn_credentials.change(config.turn_credentials);
        *self.sending.write().unwrap_or_else(PoisonError::into_inner) = sending(config);
    }

    /// Forgets whoever has a whole allowance again. How many, of all limits together.
    pub(super) fn forget(&self, now: Timestamp) -> usize {
        let addresses = [&self.register, &self.challenge, &self.token];
        let users = [
            &self.bundle,
            &self.key_upload,
            &self.account_changes,
            &self.turn_credentials,
        ];
        let addresses: usize = addresses.map(|limiter| limiter.forget(now)).iter().sum();
        let users: usize = users.map(|limiter| limiter.forget(now)).iter().sum();
        addresses + users + self.token_account.forget(now) + self.bundle_pair.forget(now)
    }

    /// How often a member may send.
    pub(super) fn sending(&self) -> Quota {
        *self.sending.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sending(config: &config::Limits) -> Quota {
    Quota::new(config.messages, config.messages_burst)
}

/// Counts one of `key` against `limiter`.
pub(super) fn count<K: Hash + Eq>(
    limiter: &Limiter<K>,
    key: K,
    now: Timestamp,
) -> Result<(), Error> {
    match limiter.check(key, now) {
        Verdict::Pass => Ok(()),
        Verdict::Wait(retry_after) => Err(Error::RateLimited { retry_after }),
    }
}
