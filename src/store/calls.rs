//! Call histories: each party's own lines, under its tag and sealed by the caller. The store knows
//! neither who nor what, and of when only the day.

use redb::{ReadableTable, TableError};

use crate::base::UserId;

use super::error::StoreError;
use super::handle::Store;
use super::tables::{CALLS, Tables, call_key};

/// So many calls an owner's history holds; the oldest goes first.
pub const MAX_CALLS: usize = 1000;

/// One party's line of a call that is over.
#[derive(Debug, Clone)]
pub struct NewCall {
    /// Whose line it is: nothing is kept for an account that is gone.
    pub owner: UserId,
    /// The tag under which the owner's lines are stored.
    pub owner_tag: [u8; 16],
    /// The day on which the call ended, in days since 1970.
    pub day: u32,
    /// The line.
    pub sealed: Vec<u8>,
}

impl Store {
    /// Adds lines to histories, each behind what its owner has.
    pub async fn add_calls(&self, calls: Vec<NewCall>) -> Result<(), StoreError> {
        self.write(move |tables| {
            for call in &calls {
                add(tables, call)?;
            }
            Ok(())
        })
        .await
    }

    /// The lines of an owner, the newest first.
    pub async fn calls(&self, owner_tag: [u8; 16]) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(move |snapshot| {
            let calls = match snapshot.transaction().open_table(CALLS) {
                Ok(calls) => calls,
                // Written by a version that kept none.
                Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let (first, last) = all_of(owner_tag);
            let rows = calls.range::<&[u8; 24]>(&first..=&last)?.rev();
            rows.map(|row| Ok(sealed_of(row?.1.value()).to_vec()))
                .collect()
        })
        .await
    }

    /// Forgets the calls of the days before `day`. How many lines.
    pub async fn forget_calls(&self, day: u32) -> Result<usize, StoreError> {
        self.write(move |tables| {
            let mut forgotten = 0;
            tables.calls.retain(|_, line| {
                let stays = day_of(line) >= day;
                forgotten += usize::from(!stays);
                stays
            })?;
            Ok(forgotten)
        })
        .await
    }
}

/// Forgets every call of an owner.
pub(super) fn remove_all_of(
    tables: &mut Tables<'_>,
    owner_tag: [u8; 16],
) -> Result<(), StoreError> {
    let (first, last) = all_of(owner_tag);
    tables
        .calls
        .retain_in::<&[u8; 24], _>(&first..=&last, |_, _| false)?;
    Ok(())
}

fn add(tables: &mut Tables<'_>, call: &NewCall) -> Result<(), StoreError> {
    if tables.account(call.owner)?.is_none() {
        return Ok(());
    }
    let (first, last) = all_of(call.owner_tag);
    let mut numbers = Vec::new();
    for row in tables.calls.range::<&[u8; 24]>(&first..=&last)? {
        numbers.push(number_of(row?.0.value()));
    }
    if numbers.len() >= MAX_CALLS {
        let oldest = call_key(call.owner_tag, numbers[0]);
        tables.calls.remove(&oldest)?;
    }
    let next = numbers.last().map_or(0, |last| last.saturating_add(1));
    let mut line = call.day.to_be_bytes().to_vec();
    line.extend_from_slice(&call.sealed);
    let key = call_key(call.owner_tag, next);
    tables.calls.insert(&key, line.as_slice())?;
    Ok(())
}

fn all_of(owner_tag: [u8; 16]) -> ([u8; 24], [u8; 24]) {
    (call_key(owner_tag, 0), call_key(owner_tag, u64::MAX))
}

fn number_of(key: &[u8; 24]) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&key[16..]);
    u64::from_be_bytes(number)
}

/// The day of a line; of one that is damaged, none that stays.
fn day_of(line: &[u8]) -> u32 {
    line.first_chunk().map_or(0, |day| u32::from_be_bytes(*day))
}

fn sealed_of(line: &[u8]) -> &[u8] {
    line.get(4..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{Admission, Registered, Registration};
    use super::*;
    use crate::base::Timestamp;

    const TAG: [u8; 16] = [5; 16];

    async fn store_with_member() -> (Store, UserId) {
        let store = Store::in_memory().unwrap();
        let registration = Registration {
            handle: [1; 32],
            identity_key: [2; 32],
            signed_prekey: [3; 32],
            prekey_signature: [4; 64],
            registration_id: None,
            prekeys: Vec::new(),
            candidate: UserId::random(),
            now: Timestamp::from_millis(1_000_000),
            admission: Admission::Open,
            code: None,
        };
        let Ok(Registered::Created(owner)) = store.register(registration).await else {
            panic!("expected an account");
        };
        (store, owner)
    }

    fn line(owner: UserId, day: u32, text: u32) -> NewCall {
        let sealed = text.to_be_bytes().to_vec();
        NewCall {
            owner,
            owner_tag: TAG,
            day,
            sealed,
        }
    }

    #[tokio::test]
    async fn a_history_is_the_newest_first_and_bounded() {
        let (store, owner) = store_with_member().await;
        let most = u32::try_from(MAX_CALLS).unwrap();
        let lines = (0..=most).map(|text| line(owner, 7, text)).collect();
        store.add_calls(lines).await.unwrap();
        let calls = store.calls(TAG).await.unwrap();
        assert_eq!(calls.len(), MAX_CALLS);
        assert_eq!(calls[0], most.to_be_bytes());
        assert_eq!(calls[MAX_CALLS - 1], 1u32.to_be_bytes());
        assert!(store.calls([6; 16]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn old_days_are_forgotten_and_an_account_takes_its_history_along() {
        let (store, owner) = store_with_member().await;
        let lines = vec![line(owner, 7, 1), line(owner, 8, 2)];
        store.add_calls(lines).await.unwrap();
        assert_eq!(store.forget_calls(8).await.unwrap(), 1);
        assert_eq!(store.calls(TAG).await.unwrap(), [2u32.to_be_bytes()]);
        store.delete_account(owner, TAG).await.unwrap();
        assert!(store.calls(TAG).await.unwrap().is_empty());
        // One that ended because the account went comes too late.
        store.add_calls(vec![line(owner, 9, 3)]).await.unwrap();
        assert!(store.calls(TAG).await.unwrap().is_empty());
    }
}
