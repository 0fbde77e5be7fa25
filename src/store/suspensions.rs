//! Members who are barred: until when, and why. That they are, their account says; this says the rest.

use redb::ReadableTable;

use crate::base::{Timestamp, UserId};

use super::error::{RecordError, StoreError};
use super::handle::Store;
use super::record::{Fields, Record, Standing, write_option, write_text};
use super::tables::{SUSPENSIONS, Tables, later_table};

/// That a member is barred.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// From when on. Tokens from before it are dead.
    pub since: Timestamp,
    /// When it ends by itself. None: when an operator ends it.
    pub until: Option<Timestamp>,
    /// Why, in an operator's words.
    pub reason: Option<String>,
}

impl Record for Suspension {
    const NAME: &'static str = "suspension";
    const VERSION: u8 = 1;

    fn write(&self, record: &mut Vec<u8>) {
        record.extend_from_slice(&self.since.as_millis().to_be_bytes());
        write_option(record, self.until.map(|at| at.as_millis().to_be_bytes()));
        write_text(record, self.reason.as_deref());
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            since: fields.timestamp()?,
            until: fields
                .option("end")?
                .map(|millis| Timestamp::from_millis(u64::from_be_bytes(millis))),
            reason: fields.text("reason")?,
        })
    }
}

impl Store {
    /// What is known of a member's suspension, if there is anything.
    pub async fn suspension(&self, user: UserId) -> Result<Option<Suspension>, StoreError> {
        self.read(move |snapshot| {
            let Some(suspensions) = later_table(snapshot.transaction(), SUSPENSIONS)? else {
                return Ok(None);
            };
            let row = suspensions.get(user.as_bytes())?;
            let suspension = row.map(|row| Suspension::decode(row.value()));
            Ok(suspension.transpose()?)
        })
        .await
    }

    /// Forgets the suspensions that have ended by `now`. How many.
    pub async fn lift_suspensions(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.write(move |tables| {
            let mut over = Vec::new();
            for row in tables.suspensions.iter()? {
                let (user, record) = row?;
                let until = Suspension::decode(record.value())?.until;
                if until.is_some_and(|until| until <= now) {
                    over.push(UserId::from_bytes(*user.value()));
                }
            }
            for user in &over {
                lift(tables, *user)?;
            }
            Ok(over.len())
        })
        .await
    }
}

/// Bars a member. False: there is none.
pub(super) fn bar(
    tables: &mut Tables<'_>,
    user: UserId,
    suspension: &Suspension,
) -> Result<bool, StoreError> {
    let Some(mut account) = tables.account(user)? else {
        return Ok(false);
    };
    account.standing = Standing::Suspended;
    // Never back, whatever the clock says: what was revoked stays so.
    account.tokens_since = account.tokens_since.max(suspension.since);
    tables.put_account(&account)?;
    let record = suspension.encode();
    tables
        .suspensions
        .insert(user.as_bytes(), record.as_slice())?;
    Ok(true)
}

/// Lets a member in again. False: there is none.
pub(super) fn lift(tables: &mut Tables<'_>, user: UserId) -> Result<bool, StoreError> {
    tables.suspensions.remove(user.as_bytes())?;
    let Some(mut account) = tables.account(user)? else {
        return Ok(false);
    };
    if account.standing != Standing::Active {
        account.standing = Standing::Active;
        tables.put_account(&account)?;
    }
    Ok(true)
}
