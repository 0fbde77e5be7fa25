//! Prekeys: handed out once each, counted, uploaded.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Messenger;
use super::error::Error;
use super::event::Event;
use super::limits::count;
use super::parse;
use super::scope::Member;
use crate::base::{BoundedMap, Timestamp, UserId};
use crate::store::{self, Account, NO_IDENTITY, Others, TakenPrekey, Uploaded};
use crate::wire::binary;
use crate::wire::body::{Bundle, KeyStatus, KeyUpload, OneTimePrekey};

/// How long an asker gets the same one-time prekey again.
const SAME_AGAIN: Duration = Duration::from_mins(10);
/// Handouts remembered for that: 100 bytes each.
const MOST_HANDOUTS: usize = 50_000;
/// With fewer one-time prekeys left than this, their owner is told.
const LOW: usize = 20;

/// Which one-time prekey was given to whom, for as long as they get it again.
#[derive(Debug)]
pub(super) struct Handouts(Mutex<BoundedMap<(UserId, UserId), Handout>>);

#[derive(Debug, Clone, Copy)]
struct Handout {
    prekey: (u32, [u8; 32]),
    /// The identity it belongs to: another one has other prekeys.
    identity: [u8; 32],
    at: Timestamp,
}

impl Default for Handouts {
    fn default() -> Self {
        Self(Mutex::new(BoundedMap::new(MOST_HANDOUTS)))
    }
}

impl Handouts {
    fn again(&self, pair: (UserId, UserId), account: &Account, now: Timestamp) -> Option<Handout> {
        let handouts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let handout = handouts.peek(&pair)?;
        // With a new signed prekey its owner may have begun anew, and lost what was handed out before.
        let is_of_now =
            handout.identity == account.identity_key && handout.at > account.signed_prekey_at;
        (is_of_now && now.since(handout.at) < SAME_AGAIN).then_some(*handout)
    }

    /// Forgets handouts that nobody gets again. How many.
    pub(super) fn forget(&self, now: Timestamp) -> usize {
        let mut handouts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        handouts.remove_while(|_, handout| now.since(handout.at) >= SAME_AGAIN)
    }

    fn remember(&self, pair: (UserId, UserId), handout: Handout) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(pair, handout);
    }
}

impl Member {
    /// What it takes to write to `target` (a user id or a handle) for the first time. Uses up one
    /// of their one-time prekeys, durably before it is answered.
    pub async fn bundle(&self, target: &str) -> Result<Bundle, Error> {
        let messenger = self.messenger();
        let now = messenger.clock.now();
        count(&messenger.limits.bundle, self.user(), now)?;
        let account = messenger.find_account(target).await?;
        let pair = (self.user(), account.user);
        count(&messenger.limits.bundle_pair, pair, now)?;
        let _asking = self.mailbox().asking.lock().await;
        if let Some(handout) = messenger.handouts.again(pair, &account, now) {
            messenger.counters.bundles_again.increment();
            return Ok(bundle(&account, Some(handout.prekey)));
        }
        let taken = messenger
            .store
            .take_prekey(account.user)
            .await?
            .filter(|taken| taken.account.identity_key != NO_IDENTITY)
            .ok_or(Error::UserNotFound)?;
        match taken.prekey {
            Some(_) => messenger.counters.bundles_fresh.increment(),
            None => messenger.counters.bundles_exhausted.increment(),
        }
        if let Some(prekey) = taken.prekey {
            let identity = taken.account.identity_key;
            messenger.handouts.remember(
                pair,
                Handout {
                    prekey,
                    identity,
                    at: now,
                },
            );
        }
        messenger.warn_of_low_prekeys(&taken);
        Ok(bundle(&taken.account, taken.prekey))
    }

    /// What the daemon holds of this member's keys.
    pub async fn key_status(&self) -> Result<KeyStatus, Error> {
        let messenger = self.messenger();
        let status = messenger
            .store
            .key_status(self.user())
            .await?
            .ok_or(Error::TokenExpired)?;
        Ok(key_status(&status, messenger.clock.now()))
    }

    /// Takes a new signed prekey, more one-time prekeys, or both.
    pub async fn upload_keys(&self, upload: KeyUpload) -> Result<KeyStatus, Error> {
        let messenger = self.messenger();
        let now = messenger.clock.now();
        count(&messenger.limits.key_upload, self.user(), now)?;
        let account = messenger
            .store
            .account(self.user())
            .await?
            .ok_or(Error::TokenExpired)?;
        let upload = read_upload(&upload, &account, now)?;
        match messenger.store.upload_keys(self.user(), upload).await? {
            Uploaded::Stored(status) => Ok(key_status(&status, now)),
            Uploaded::NoSuchUser => Err(Error::TokenExpired),
            Uploaded::IdNotAboveHighest { highest, .. } => Err(Error::field(
                "one_time_prekeys",
                format!(
                    "expected ids above {highest}: a prekey that was handed out can't come back"
                ),
            )),
            Uploaded::IdTaken { id } => Err(Error::field(
                "one_time_prekeys",
                format!("id {id} already names another key; number new keys upwards"),
            )),
            Uploaded::TooMany { limit, .. } => Err(Error::field(
                "one_time_prekeys",
                format!("expected no more than {limit} kept in all"),
            )),
        }
    }
}

impl Messenger {
    async fn find_account(&self, target: &str) -> Result<Account, Error> {
        let account = if let Ok(user) = target.parse::<UserId>() {
            self.store.account(user).await?
        } else {
            let handle = parse::handle(target).map_err(|_| Error::UserNotFound)?;
            let tag = handle.tag(&self.secrets.pepper);
            self.store.account_by_handle(*tag.as_bytes()).await?
        };
        account
            .filter(|account| account.identity_key != NO_IDENTITY)
            .ok_or(Error::UserNotFound)
    }

    fn warn_of_low_prekeys(&self, taken: &TakenPrekey) {
        let remaining = taken.remaining as usize;
        if remaining < LOW
            && let Some(outbox) = self.hub.find(taken.account.user)
        {
            outbox.offer(Event::PrekeysLow { remaining });
        }
    }
}

fn read_upload(
    upload: &KeyUpload,
    account: &Account,
    now: Timestamp,
) -> Result<store::KeyUpload, Error> {
    let field = "prekey_signature";
    let signed_prekey = match (&upload.signed_prekey, &upload.prekey_signature) {
        (Some(key), Some(signature)) => {
            let key = parse::agreement_key("signed_prekey", key)?;
            let signature = parse::signature(field, signature)?;
            let identity = crate::auth::IdentityKey::parse(account.identity_key)
                .map_err(|_| Error::Internal)?;
            identity
                .verify_prekey(&key, &signature)
                .map_err(|_| Error::Signature { field })?;
            Some((*key.as_bytes(), signature, now))
        }
        (None, None) => None,
        _ => {
            return Err(Error::field(
                field,
                "expected signed_prekey and its signature together",
            ));
        }
    };
    let prekeys = parse::one_time_prekeys(&upload.one_time_prekeys)?;
    if signed_prekey.is_none() && prekeys.is_empty() {
        return Err(Error::field(
            "one_time_prekeys",
            "expected keys of one kind or the other",
        ));
    }
    let prekeys = prekeys
        .iter()
        .map(|(id, key)| (*id, *key.as_bytes()))
        .collect();
    let others = if upload.replace {
        Others::Go
    } else {
        Others::Stay
    };
    Ok(store::KeyUpload {
        signed_prekey,
        prekeys,
        others,
    })
}

fn bundle(account: &Account, prekey: Option<(u32, [u8; 32])>) -> Bundle {
    Bundle {
        user_id: account.user,
        registration_id: account.registration_id,
        device_id: 1,
        identity_key: binary::encode(&account.identity_key),
        signed_prekey_id: signed_prekey_id(&account.signed_prekey),
        signed_prekey: binary::encode(&account.signed_prekey),
        prekey_signature: binary::encode(&account.prekey_signature),
        one_time_prekey: prekey.map(|(key_id, key)| OneTimePrekey {
            key_id,
            public_key: binary::encode(&key),
        }),
    }
}

pub(super) fn key_status(status: &store::KeyStatus, now: Timestamp) -> KeyStatus {
    let mut digest = Sha256::new();
    digest.update(status.identity_key);
    digest.update(status.signed_prekey);
    for id in &status.ids {
        digest.update(id.to_be_bytes());
    }
    KeyStatus {
        count: status.count as usize,
        signed_prekey_id: signed_prekey_id(&status.signed_prekey),
        signed_prekey_age_s: now.since(status.signed_prekey_at).as_secs(),
        digest: binary::encode(&digest.finalize()),
    }
}

/// The first 31 bits of the key's SHA-256 (E2EE.md §4.1).
fn signed_prekey_id(key: &[u8; 32]) -> u32 {
    let digest = Sha256::digest(key);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) & 0x7fff_ffff
}
