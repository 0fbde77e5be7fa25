//! The schema version of a database, and the steps from older ones.
//!
//! A step moves the database from schema `n` to `n + 1` in one transaction that also writes the new
//! number. A database that is newer than this version of the program is left untouched.

use redb::WriteTransaction;

use super::disk::Disk;
use super::error::StoreError;
use super::tables::{EPOCH, SCHEMA, Tables, number};

/// Moves a database one schema further.
type Migration = fn(&WriteTransaction) -> Result<(), StoreError>;

/// The step from schema `n` stands at `n - 1`.
const MIGRATIONS: [Migration; 0] = [];

/// The schema this version writes.
const CURRENT: u64 = 1 + MIGRATIONS.len() as u64;

/// Brings the database to the current schema; a new one starts with it, in epoch 1.
pub(super) fn migrate(disk: &Disk) -> Result<(), StoreError> {
    let Some(found) = number(&disk.read()?, SCHEMA)? else {
        return create(disk);
    };
    if found > CURRENT {
        return Err(StoreError::NewerSchema {
            found,
            supported: CURRENT,
        });
    }
    for (step, reached) in MIGRATIONS.iter().zip(2..).filter(|(_, to)| *to > found) {
        let transaction = disk.write()?;
        step(&transaction)?;
        Tables::open(&transaction)?.meta.insert(SCHEMA, reached)?;
        transaction.commit()?;
    }
    Ok(())
}

fn create(disk: &Disk) -> Result<(), StoreError> {
    let transaction = disk.write()?;
    {
        let mut tables = Tables::open(&transaction)?;
        tables.meta.insert(SCHEMA, CURRENT)?;
        tables.meta.insert(EPOCH, 1)?;
    }
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Store, StoreOptions};
    use super::*;

    #[tokio::test]
    async fn a_newer_schema_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &StoreOptions::default()).unwrap();
        store
            .write(|tables| {
                tables.meta.insert(SCHEMA, 7)?;
                Ok(())
            })
            .await
            .unwrap();
        store.close().await;
        for _ in 0..2 {
            let error = Store::open(dir.path(), &StoreOptions::default()).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("schema 7") && text.contains("up to 1"),
                "{text}"
            );
            assert!(matches!(error, StoreError::NewerSchema { .. }));
        }
    }

    #[tokio::test]
    async fn a_new_database_is_in_epoch_one_and_keeps_what_it_is_given() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &StoreOptions::default()).unwrap();
        assert_eq!(store.epoch().await.unwrap(), 1);
        store.set_epoch(8).await.unwrap();
        store.close().await;
        let store = Store::open(dir.path(), &StoreOptions::default()).unwrap();
        assert_eq!(store.epoch().await.unwrap(), 8);
        store.close().await;
    }
}
