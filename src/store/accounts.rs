//! Accounts: made, changed, taken over with a recovery code, deleted. Each in one transaction.

use std::fmt;

use crate::base::{Timestamp, UserId};

use super::calls;
use super::contacts;
use super::error::StoreError;
use super::handle::Store;
use super::invites;
use super::prekeys;
use super::queue;
use super::record::{Account, NO_IDENTITY, Standing};
use super::subscriptions;
use super::tables::{Tables, missing, user_in};

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Anybody.
    Open,
    /// Whoever shows a valid invite code.
    ByCode,
    /// Nobody new.
    Closed,
}

/// Somebody who wants to register. All keys and signatures have been checked.
#[derive(Clone)]
pub struct Registration {
    /// The tag of the handle.
    pub handle: [u8; 32],
    /// Ed25519 public key.
    pub identity_key: [u8; 32],
    /// X25519 public key.
    pub signed_prekey: [u8; 32],
    /// The identity key's signature of the signed prekey.
    pub prekey_signature: [u8; 64],
    /// A number that clients carry.
    pub registration_id: Option<u16>,
    /// One-time prekeys with their ids, at most [`super::MAX_PREKEYS`].
    pub prekeys: Vec<(u32, [u8; 32])>,
    /// The id of the account if one is made.
    pub candidate: UserId,
    /// The time.
    pub now: Timestamp,
    /// Who may register.
    pub admission: Admission,
    /// The hash of the code that was shown: an invite, or one that recovers the handle's account.
    pub code: Option<[u8; 32]>,
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration").finish_non_exhaustive()
    }
}

/// What became of a registration. Only the first three leave an account; only `Created` and
/// `Replaced` changed anything, and used up a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// A new account.
    Created(UserId),
    /// The handle already has this identity key.
    Unchanged(UserId),
    /// A recovery code gave the account a new identity: its old prekeys, and all messages to it and
    /// from it, are gone; its contacts stay.
    Replaced(UserId),
    /// The handle has another identity key, and no valid recovery code for it was shown.
    IdentityMismatch,
    /// An invite code is needed.
    CodeRequired,
    /// The code is unknown, expired, used up, taken back, or made for something else.
    CodeInvalid,
    /// Nobody new is admitted.
    Closed,
}

/// What became of a change to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// It is as asked.
    Applied,
    /// There is no such user.
    NoSuchUser,
}

impl Store {
    /// Registers somebody (PROTOCOL.md §4). A repetition changes nothing, whoever may register.
    pub async fn register(&self, registration: Registration) -> Result<Registered, StoreError> {
        self.write_after_all(move |tables| register(tables, &registration))
            .await
    }

    /// Publishes a name, or takes it back.
    pub async fn set_public_name(
        &self,
        user: UserId,
        name: Option<String>,
    ) -> Result<Update, StoreError> {
        self.update(user, move |account| account.public_name.clone_from(&name))
            .await
    }

    /// Notes that a user was here on `day` (days since 1970). Days never go back.
    pub async fn seen(&self, user: UserId, day: u32) -> Result<Update, StoreError> {
        self.update(user, move |account| {
            account.last_seen = account.last_seen.max(day);
        })
        .await
    }

    /// Deletes an account with its handle, prekeys, subscriptions, contacts and call history (under
    /// `owner_tag`), and all messages to it and from it.
    pub async fn delete_account(
        &self,
        user: UserId,
        owner_tag: [u8; 16],
    ) -> Result<Update, StoreError> {
        self.write_after_all(move |tables| delete(tables, user, owner_tag))
            .await
    }

    async fn update(
        &self,
        user: UserId,
        change: impl Fn(&mut Account) + Send + 'static,
    ) -> Result<Update, StoreError> {
        self.write(move |tables| {
            let Some(before) = tables.account(user)? else {
                return Ok(Update::NoSuchUser);
            };
            let mut account = before.clone();
            change(&mut account);
            if account != before {
                tables.put_account(&account)?;
            }
            Ok(Update::Applied)
        })
        .await
    }
}

/// Deletes an account with everything that is its own.
pub(super) fn delete(
    tables: &mut Tables<'_>,
    user: UserId,
    owner_tag: [u8; 16],
) -> Result<Update, StoreError> {
    let Some(account) = tables.account(user)? else {
        return Ok(Update::NoSuchUser);
    };
    queue::remove_all_of(tables, user)?;
    prekeys::remove_all_of(tables, user)?;
    contacts::remove_all_of(tables, owner_tag)?;
    calls::remove_all_of(tables, owner_tag)?;
    subscriptions::remove_all_of(tables, user)?;
    tables.suspensions.remove(user.as_bytes())?;
    tables.presence.remove(user.as_bytes())?;
    tables.handles.remove(&account.handle)?;
    tables.accounts.remove(user.as_bytes())?;
    Ok(Update::Applied)
}

/// Takes the identity of an account away, with its prekeys, its tokens and all messages to it and
/// from it. Only a recovery code gives it another.
pub(super) fn reset(
    tables: &mut Tables<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<Update, StoreError> {
    let Some(account) = tables.account(user)? else {
        return Ok(Update::NoSuchUser);
    };
    queue::remove_all_of(tables, user)?;
    prekeys::remove_all_of(tables, user)?;
    subscriptions::remove_all_of(tables, user)?;
    tables.put_account(&Account {
        identity_key: NO_IDENTITY,
        signed_prekey: [0; 32],
        prekey_signature: [0; 64],
        signed_prekey_at: now,
        tokens_since: now,
        ..account
    })?;
    Ok(Update::Applied)
}

fn register(tables: &mut Tables<'_>, asked: &Registration) -> Result<Registered, StoreError> {
    let Some(user) = user_in(&tables.handles, &asked.handle)? else {
        return admit(tables, asked);
    };
    let account = tables.account(user)?.ok_or_else(|| missing("account"))?;
    if account.identity_key == asked.identity_key {
        return Ok(Registered::Unchanged(user));
    }
    match invites::shown(tables, asked.code, asked.now)? {
        Some((code, invite)) if invite.recover == Some(user) => {
            replace(tables, asked, account)?;
            invites::consume(tables, &code, invite)?;
            Ok(Registered::Replaced(user))
        }
        _ => Ok(Registered::IdentityMismatch),
    }
}

/// Makes a new account, if the registration may have one.
fn admit(tables: &mut Tables<'_>, asked: &Registration) -> Result<Registered, StoreError> {
    match asked.admission {
        Admission::Open => {}
        Admission::Closed => return Ok(Registered::Closed),
        Admission::ByCode if asked.code.is_none() => return Ok(Registered::CodeRequired),
        Admission::ByCode => match invites::shown(tables, asked.code, asked.now)? {
            Some((code, invite)) if invite.admits(&asked.handle) => {
                invites::consume(tables, &code, invite)?;
            }
            _ => return Ok(Registered::CodeInvalid),
        },
    }
    let user = asked.candidate;
    tables.handles.insert(&asked.handle, user.as_bytes())?;
    tables.put_account(&Account {
        user,
        handle: asked.handle,
        identity_key: asked.identity_key,
        signed_prekey: asked.signed_prekey,
        prekey_signature: asked.prekey_signature,
        signed_prekey_at: asked.now,
        registration_id: asked.registration_id,
        highest_prekey: 0,
        member_since: asked.now.day(),
        last_seen: asked.now.day(),
        standing: Standing::Active,
        public_name: None,
        tokens_since: Timestamp::default(),
    })?;
    prekeys::insert(tables, user, &asked.prekeys)?;
    Ok(Registered::Created(user))
}

/// Gives the account a new identity, and takes everything from it that belonged to the old one.
fn replace(
    tables: &mut Tables<'_>,
    asked: &Registration,
    account: Account,
) -> Result<(), StoreError> {
    let user = account.user;
    queue::remove_all_of(tables, user)?;
    prekeys::remove_all_of(tables, user)?;
    subscriptions::remove_all_of(tables, user)?;
    tables.put_account(&Account {
        identity_key: asked.identity_key,
        signed_prekey: asked.signed_prekey,
        prekey_signature: asked.prekey_signature,
        signed_prekey_at: asked.now,
        registration_id: asked.registration_id,
        highest_prekey: 0,
        last_seen: asked.now.day(),
        tokens_since: asked.now,
        ..account
    })?;
    prekeys::insert(tables, user, &asked.prekeys)
}
