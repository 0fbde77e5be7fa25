//! Invite and recovery codes, known by their hashes only.

use redb::ReadableTable;

use crate::base::Timestamp;

use super::error::StoreError;
use super::handle::Store;
use super::record::{Invite, Record};
use super::tables::Tables;

/// What became of taking a code back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// It is worth nothing from now on, if it wasn't already.
    Revoked,
    /// There is no such code.
    NoSuchInvite,
}

impl Store {
    /// Stores an invite under the hash of its code, over one that was there.
    pub async fn put_invite(&self, code: [u8; 32], invite: Invite) -> Result<(), StoreError> {
        self.write(move |tables| put(tables, &code, &invite)).await
    }

    /// Takes a code back. It stays in the list, with the time of its first revocation.
    pub async fn revoke_invite(
        &self,
        code: [u8; 32],
        now: Timestamp,
    ) -> Result<Revocation, StoreError> {
        self.write(move |tables| revoke(tables, &code, now)).await
    }

    /// Forgets the codes that expired before `cutoff`. How many.
    pub async fn forget_invites(&self, cutoff: Timestamp) -> Result<usize, StoreError> {
        self.write(move |tables| {
            let mut expired = Vec::new();
            for row in tables.invites.iter()? {
                let (code, record) = row?;
                if Invite::decode(record.value())?.expires < cutoff {
                    expired.push(*code.value());
                }
            }
            for code in &expired {
                tables.invites.remove(code)?;
            }
            Ok(expired.len())
        })
        .await
    }
}

/// The invite of the code that was shown, if it is valid at `now`.
pub(super) fn shown(
    tables: &Tables<'_>,
    code: Option<[u8; 32]>,
    now: Timestamp,
) -> Result<Option<([u8; 32], Invite)>, StoreError> {
    let Some(code) = code else {
        return Ok(None);
    };
    let invite = find(tables, &code)?.filter(|invite| invite.is_valid(now));
    Ok(invite.map(|invite| (code, invite)))
}

/// Uses an invite once.
pub(super) fn consume(
    tables: &mut Tables<'_>,
    code: &[u8; 32],
    mut invite: Invite,
) -> Result<(), StoreError> {
    invite.uses_left = invite.uses_left.saturating_sub(1);
    put(tables, code, &invite)
}

/// Takes a code back.
pub(super) fn revoke(
    tables: &mut Tables<'_>,
    code: &[u8; 32],
    now: Timestamp,
) -> Result<Revocation, StoreError> {
    let Some(mut invite) = find(tables, code)? else {
        return Ok(Revocation::NoSuchInvite);
    };
    if invite.revoked.is_none() {
        invite.revoked = Some(now);
        put(tables, code, &invite)?;
    }
    Ok(Revocation::Revoked)
}

fn find(tables: &Tables<'_>, code: &[u8; 32]) -> Result<Option<Invite>, StoreError> {
    let Some(row) = tables.invites.get(code)? else {
        return Ok(None);
    };
    Ok(Some(Invite::decode(row.value())?))
}

/// Stores an invite under the hash of its code.
pub(super) fn put(
    tables: &mut Tables<'_>,
    code: &[u8; 32],
    invite: &Invite,
) -> Result<(), StoreError> {
    tables.invites.insert(code, invite.encode().as_slice())?;
    Ok(())
}
