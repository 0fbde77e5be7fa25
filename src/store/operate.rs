//! What operators change: each change with its line in the audit, in one transaction. A change that
//! comes to nothing leaves no line.

use crate::base::{Timestamp, UserId};

use super::accounts::{self, Update};
use super::audit::{self, Deed};
use super::error::StoreError;
use super::handle::Store;
use super::invites::{self, Revocation};
use super::record::Invite;
use super::suspensions::{self, Suspension};
use super::tables::Tables;

/// Something that an operator wants changed.
#[derive(Debug, Clone)]
pub enum Change {
    /// An invite under the hash of its code. One that recovers an account needs the account.
    Invite([u8; 32], Invite),
    /// The code of this hash is worth nothing from then on.
    Revoke([u8; 32], Timestamp),
    /// The member is barred.
    Suspend(UserId, Suspension),
    /// The member is let in again.
    Resume(UserId),
    /// The account loses its identity, its prekeys and all its messages; this code gives it a new one.
    Reset(UserId, ([u8; 32], Invite)),
    /// The account is gone, with the contacts under this tag.
    Delete(UserId, [u8; 16]),
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is as asked.
    Done,
    /// There is no such member, or code.
    Missing,
}

impl Store {
    /// Changes something for an operator, who did `deed`.
    pub async fn operate(&self, change: Change, deed: Deed) -> Result<Changed, StoreError> {
        self.write_after_all(move |tables| {
            let changed = apply(tables, &change)?;
            if changed == Changed::Done {
                audit::append(tables, &deed)?;
            }
            Ok(changed)
        })
        .await
    }
}

fn apply(tables: &mut Tables<'_>, change: &Change) -> Result<Changed, StoreError> {
    let done = match change {
        Change::Invite(code, invite) => {
            let is_orphan = match invite.recover {
                Some(user) => tables.account(user)?.is_none(),
                None => false,
            };
            if !is_orphan {
                invites::put(tables, code, invite)?;
            }
            !is_orphan
        }
        Change::Revoke(code, now) => invites::revoke(tables, code, *now)? == Revocation::Revoked,
        Change::Suspend(user, suspension) => suspensions::bar(tables, *user, suspension)?,
        Change::Resume(user) => suspensions::lift(tables, *user)?,
        Change::Reset(user, (code, invite)) => {
            let done = accounts::reset(tables, *user, invite.created)? == Update::Applied;
            if done {
                invites::put(tables, code, invite)?;
            }
            done
        }
        Change::Delete(user, owner_tag) => {
            accounts::delete(tables, *user, *owner_tag)? == Update::Applied
        }
    };
    Ok(if done {
        Changed::Done
    } else {
        Changed::Missing
    })
}
