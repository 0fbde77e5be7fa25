//! The schema version of a database, and the steps from older ones.
//!
//! A step moves the database from schema `n` to `n + 1` in one transaction that also writes the new
//! number: a migration that is interrupted goes on where it was. A database that is newer than this
//! version of the program is left untouched: one with a higher schema, and one with a table that isn't
//! known here. A table may come without a higher schema where nothing that was there means something
//! else for it; it is made with the first write, and until then it is empty. A step is a file of its own beside this one, and a
//! line in [`MIGRATIONS`].

use redb::{ReadTransaction, TableHandle, WriteTransaction};

use super::disk::Disk;
use super::error::StoreError;
use super::rows;
use super::tables::{EPOCH, PROGRAM, SCHEMA, Tables, number};

/// Moves a database one schema further.
pub(super) type Migration = fn(&WriteTransaction) -> Result<(), StoreError>;

/// The steps of this version. The one from schema `n` stands at `n - 1`.
pub(super) const MIGRATIONS: Migrations = Migrations(&[]);

/// The steps from the first schema to the one that is worked with.
#[derive(Clone, Copy)]
pub(super) struct Migrations(pub(super) &'static [Migration]);

/// Which schema a database has, and which this version works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schema {
    /// The database's.
    pub found: u64,
    /// This version's.
    pub current: u64,
}

impl Schema {
    /// Whether the database must be migrated before it can be worked with.
    pub fn is_older(self) -> bool {
        self.found < self.current
    }
}

impl Migrations {
    /// The schema this version works with.
    pub(super) const fn current(self) -> u64 {
        1 + self.0.len() as u64
    }

    /// The schema of the database; None for a new one. A newer one than is known is refused.
    pub(super) fn schema(self, disk: &Disk) -> Result<Option<Schema>, StoreError> {
        let transaction = disk.read()?;
        let Some(found) = number(&transaction, SCHEMA)? else {
            return Ok(None);
        };
        let current = self.current();
        let written_by = number(&transaction, PROGRAM)?.map(version_text);
        if found > current {
            return Err(StoreError::NewerSchema {
                found,
                supported: current,
                written_by,
            });
        }
        if let Some(table) = unknown_table(&transaction)? {
            return Err(StoreError::NewerTable { table, written_by });
        }
        Ok(Some(Schema { found, current }))
    }

    /// Lets a database with the current schema pass. A new one starts with it, in epoch 1.
    pub(super) fn admit(self, disk: &Disk) -> Result<(), StoreError> {
        match self.schema(disk)? {
            None => self.create(disk),
            Some(Schema { found, current }) if found < current => {
                Err(StoreError::OlderSchema { found, current })
            }
            Some(_) => sign(disk),
        }
    }

    /// Brings the database to the current schema, step by step.
    pub(super) fn run(self, disk: &Disk) -> Result<(), StoreError> {
        let Some(Schema { found, .. }) = self.schema(disk)? else {
            return self.create(disk);
        };
        for (step, reached) in self.0.iter().zip(2..).filter(|(_, to)| *to > found) {
            let transaction = disk.write()?;
            step(&transaction)?;
            {
                let mut tables = Tables::open(&transaction)?;
                tables.meta.insert(SCHEMA, reached)?;
                tables.meta.insert(PROGRAM, version_number())?;
            }
            transaction.commit()?;
        }
        Ok(())
    }

    fn create(self, disk: &Disk) -> Result<(), StoreError> {
        let transaction = disk.write()?;
        {
            let mut tables = Tables::open(&transaction)?;
            tables.meta.insert(SCHEMA, self.current())?;
            tables.meta.insert(PROGRAM, version_number())?;
            tables.meta.insert(EPOCH, 1)?;
        }
        transaction.commit()?;
        Ok(())
    }
}

/// A table that no version up to this one has.
fn unknown_table(transaction: &ReadTransaction) -> Result<Option<String>, StoreError> {
    let names = transaction.list_tables()?;
    let mut names = names.map(|table| table.name().to_owned());
    Ok(names.find(|name| rows::named(name).is_none()))
}

/// Leaves the version of this program in the database, for those that are too old to open it.
fn sign(disk: &Disk) -> Result<(), StoreError> {
    if number(&disk.read()?, PROGRAM)? == Some(version_number()) {
        return Ok(());
    }
    let transaction = disk.write()?;
    Tables::open(&transaction)?
        .meta
        .insert(PROGRAM, version_number())?;
    transaction.commit()?;
    Ok(())
}

/// This version as a number: 20 bits for each of its three parts.
fn version_number() -> u64 {
    let parts = super::VERSION.split(['.', '-', '+']).take(3);
    parts.fold(0, |number, part| {
        number << 20 | part.parse::<u64>().unwrap_or(0) & 0xF_FFFF
    })
}

fn version_text(number: u64) -> String {
    let part = |shift: u32| number >> shift & 0xF_FFFF;
    format!("{}.{}.{}", part(40), part(20), part(0))
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
                tables.meta.insert(PROGRAM, (3 << 40) | (4 << 20) | 5)?;
                Ok(())
            })
            .await
            .unwrap();
        store.close().await;
        for _ in 0..2 {
            let error = Store::open(dir.path(), &StoreOptions::default()).unwrap_err();
            let text = error.to_string();
            let own = format!("this is privcomm {}", super::super::VERSION);
            for part in [
                "schema 7",
                "up to 1",
                "privcomm 3.4.5",
                &own,
                "restore pre-",
            ] {
                assert!(text.contains(part), "{text}");
            }
            assert!(matches!(error, StoreError::NewerSchema { .. }));
        }
    }

    #[test]
    fn a_version_survives_being_a_number() {
        let text = version_text(version_number());
        assert!(super::super::VERSION.starts_with(&text), "{text}");
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
