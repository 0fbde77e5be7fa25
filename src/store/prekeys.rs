//! One-time prekeys: each is handed out once, and never comes back.

use std::fmt;

use redb::ReadableTable;

use crate::base::{Timestamp, UserId};

use super::error::StoreError;
use super::handle::Store;
use super::reader::{KeyStatus, status_in};
use super::record::Account;
use super::tables::{Tables, prekey_key};

/// So many one-time prekeys are kept for an account.
pub const MAX_PREKEYS: usize = 200;

/// An account with the prekey that was taken from it.
#[derive(Clone, PartialEq, Eq)]
pub struct TakenPrekey {
    /// The account, after the taking.
    pub account: Account,
    /// The id and the key, unless none was left.
    pub prekey: Option<(u32, [u8; 32])>,
    /// How many are left now.
    pub remaining: u32,
}

impl fmt::Debug for TakenPrekey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            account: _,
            prekey: _,
            remaining,
        } = self;
        f.debug_struct("TakenPrekey")
            .field("remaining", remaining)
            .finish_non_exhaustive()
    }
}

/// New keys of a member. All have been checked.
#[derive(Clone, Default)]
pub struct KeyUpload {
    /// The signed prekey, its signature, and the time.
    pub signed_prekey: Option<([u8; 32], [u8; 64], Timestamp)>,
    /// One-time prekeys with their ids.
    pub prekeys: Vec<(u32, [u8; 32])>,
    /// What becomes of the others.
    pub others: Others,
}

/// What becomes of the one-time prekeys that are held and aren't in an upload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Others {
    /// They stay.
    #[default]
    Stay,
    /// They go, and their ids count as handed out.
    Go,
}

impl fmt::Debug for KeyUpload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyUpload({} one-time prekeys)", self.prekeys.len())
    }
}

/// What became of an upload. Only `Stored` changed anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uploaded {
    /// Everything is stored.
    Stored(KeyStatus),
    /// There is no such user.
    NoSuchUser,
    /// An id isn't above every id that was handed out before.
    IdNotAboveHighest {
        /// The id.
        id: u32,
        /// The highest id handed out.
        highest: u32,
    },
    /// Another key is kept under an id.
    IdTaken {
        /// The id.
        id: u32,
    },
    /// More than [`MAX_PREKEYS`] would have to be kept.
    TooMany {
        /// How many there would be.
        kept: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl Store {
    /// Takes the one-time prekey with the lowest id from a user, durably before it is answered:
    /// nobody else ever gets it. None when there is no such user.
    pub async fn take_prekey(&self, user: UserId) -> Result<Option<TakenPrekey>, StoreError> {
        self.write(move |tables| take(tables, user)).await
    }

    /// Stores new keys. The same key under the same id may come again as long as it wasn't handed out.
    pub async fn upload_keys(
        &self,
        user: UserId,
        upload: KeyUpload,
    ) -> Result<Uploaded, StoreError> {
        self.write(move |tables| store(tables, user, &upload)).await
    }
}

fn take(tables: &mut Tables<'_>, user: UserId) -> Result<Option<TakenPrekey>, StoreError> {
    let Some(mut account) = tables.account(user)? else {
        return Ok(None);
    };
    let left = status_in(&tables.prekeys, &account)?;
    let mut prekey = None;
    if let Some(&id) = left.ids.first() {
        let row = tables.prekeys.remove(&prekey_key(user, id))?;
        prekey = row.map(|row| (id, *row.value()));
        account.highest_prekey = account.highest_prekey.max(id);
        tables.put_account(&account)?;
    }
    Ok(Some(TakenPrekey {
        account,
        prekey,
        remaining: left.count.saturating_sub(1),
    }))
}

fn store(
    tables: &mut Tables<'_>,
    user: UserId,
    upload: &KeyUpload,
) -> Result<Uploaded, StoreError> {
    let Some(mut account) = tables.account(user)? else {
        return Ok(Uploaded::NoSuchUser);
    };
    let held = status_in(&tables.prekeys, &account)?.ids;
    let is_uploaded = |id: &u32| upload.prekeys.iter().any(|(new, _)| new == id);
    let (mut ids, dropped): (Vec<u32>, Vec<u32>) = held
        .into_iter()
        .partition(|id| upload.others == Others::Stay || is_uploaded(id));
    let highest = dropped
        .iter()
        .fold(account.highest_prekey, |highest, id| highest.max(*id));
    if let Some((id, _)) = upload.prekeys.iter().find(|(id, _)| *id <= highest) {
        return Ok(Uploaded::IdNotAboveHighest { id: *id, highest });
    }
    for (id, key) in &upload.prekeys {
        let kept = tables.prekeys.get(&prekey_key(user, *id))?;
        if kept.is_some_and(|kept| kept.value() != key) {
            return Ok(Uploaded::IdTaken { id: *id });
        }
    }
    ids.extend(upload.prekeys.iter().map(|(id, _)| *id));
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > MAX_PREKEYS {
        return Ok(Uploaded::TooMany {
            kept: ids.len(),
            limit: MAX_PREKEYS,
        });
    }
    if let Some((key, signature, now)) = upload.signed_prekey {
        account.signed_prekey = key;
        account.prekey_signature = signature;
        account.signed_prekey_at = now;
    }
    if upload.signed_prekey.is_some() || !dropped.is_empty() {
        account.highest_prekey = highest;
        tables.put_account(&account)?;
    }
    for id in dropped {
        tables.prekeys.remove(&prekey_key(user, id))?;
    }
    insert(tables, user, &upload.prekeys)?;
    Ok(Uploaded::Stored(status_in(&tables.prekeys, &account)?))
}

/// Adds prekeys to a user's.
pub(super) fn insert(
    tables: &mut Tables<'_>,
    user: UserId,
    prekeys: &[(u32, [u8; 32])],
) -> Result<(), StoreError> {
    for (id, key) in prekeys {
        tables.prekeys.insert(&prekey_key(user, *id), key)?;
    }
    Ok(())
}

/// Removes every prekey of a user.
pub(super) fn remove_all_of(tables: &mut Tables<'_>, user: UserId) -> Result<(), StoreError> {
    let (first, last) = (prekey_key(user, 0), prekey_key(user, u32::MAX));
    tables
        .prekeys
        .retain_in::<&[u8; 20], _>(&first..=&last, |_, _| false)?;
    Ok(())
}
