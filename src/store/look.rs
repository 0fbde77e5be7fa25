//! A look at a database that changes nothing: its schema, and whether its rows read as they should.

use std::path::Path;

use redb::{
    DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, StorageError,
};

use super::backup::Progress;
use super::damage;
use super::disk::{DATABASE_FILE, is_denied};
use super::error::StoreError;
use super::handle::Store;
use super::migrate::{MIGRATIONS, Schema};
use super::record::{Account, Invite, QueueEntry, Record, StoredMessage};
use super::tables::{
    ACCOUNTS, HANDLES, INVITES, MESSAGES, QUEUES, SCHEMA, missing, number, queue_key, queue_seq,
};

/// The schema of the database in the state directory `dir`; none: it is new and empty. Writes
/// nothing, also where the database was not closed as it should be.
///
/// # Errors
///
/// Somebody has it open, or it can't be read.
pub fn schema_of(dir: &Path) -> Result<Option<Schema>, StoreError> {
    damage::found_by(|| schema(&open(dir)?.begin_read()?))
}

/// Reads every row of the database in the state directory `dir`, and writes nothing. Its schema and
/// how many rows; none: it is new and empty.
///
/// # Errors
///
/// Somebody has it open, it can't be read, or a row isn't what it should be.
pub fn read_through(dir: &Path) -> Result<Option<(Schema, u64)>, StoreError> {
    damage::found_by(|| {
        let transaction = open(dir)?.begin_read()?;
        let Some(schema) = schema(&transaction)? else {
            return Ok(None);
        };
        // Rows of another schema may be others.
        let rows = if schema.found == schema.current {
            check_rows(&transaction, &mut Progress::silent())?
        } else {
            0
        };
        Ok(Some((schema, rows)))
    })
}

impl Store {
    /// Reads every row of one snapshot, while others go on writing. How many.
    ///
    /// # Errors
    ///
    /// The database is closed, or a row isn't what it should be.
    pub async fn read_through(&self) -> Result<u64, StoreError> {
        let disk = self.disk().clone();
        let rows = tokio::task::spawn_blocking(move || {
            damage::found_by(|| check_rows(&disk.read()?, &mut Progress::silent()))
        });
        rows.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn open(dir: &Path) -> Result<ReadOnlyDatabase, StoreError> {
    let path = dir.join(DATABASE_FILE);
    ReadOnlyDatabase::open(&path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::AlreadyOpen { path },
        DatabaseError::RepairAborted => StoreError::Unclosed,
        DatabaseError::Storage(StorageError::Io(error)) if is_denied(&error) => {
            StoreError::file("open", &path, error)
        }
        other => other.into(),
    })
}

fn schema(transaction: &ReadTransaction) -> Result<Option<Schema>, StoreError> {
    let found = number(transaction, SCHEMA)?;
    Ok(found.map(|found| Schema {
        found,
        current: MIGRATIONS.current(),
    }))
}

/// Whether every row reads as what it should be, and what it points to is there. How many rows.
pub(super) fn check_rows(
    transaction: &ReadTransaction,
    progress: &mut Progress<'_>,
) -> Result<u64, StoreError> {
    let (accounts, handles) = (
        transaction.open_table(ACCOUNTS)?,
        transaction.open_table(HANDLES)?,
    );
    let (invites, messages) = (
        transaction.open_table(INVITES)?,
        transaction.open_table(MESSAGES)?,
    );
    let queues = transaction.open_table(QUEUES)?;
    let total =
        accounts.len()? + handles.len()? + invites.len()? + messages.len()? + queues.len()?;
    progress.expect(total);
    for row in accounts.iter()? {
        Account::decode(row?.1.value())?;
        progress.step();
    }
    for row in handles.iter()? {
        let (_, user) = row?;
        accounts
            .get(user.value())?
            .ok_or_else(|| missing("account"))?;
        progress.step();
    }
    for row in invites.iter()? {
        Invite::decode(row?.1.value())?;
        progress.step();
    }
    for row in messages.iter()? {
        let (seq, record) = row?;
        let message = StoredMessage::decode(seq.value(), record.value())?;
        queues
            .get(&queue_key(message.recipient, message.seq))?
            .ok_or_else(|| missing("queue entry"))?;
        progress.step();
    }
    for row in queues.iter()? {
        let (key, record) = row?;
        let seq = queue_seq(key.value());
        QueueEntry::decode(seq, record.value())?;
        messages.get(seq)?.ok_or_else(|| missing("message"))?;
        progress.step();
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Store, StoreOptions};
    use super::*;

    #[tokio::test]
    async fn a_look_leaves_the_file_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path(), &StoreOptions::default()).unwrap();
        assert_eq!(store.read_through().await.unwrap(), 0);
        let busy = schema_of(dir.path());
        assert!(
            matches!(busy, Err(StoreError::AlreadyOpen { .. })),
            "{busy:?}"
        );
        store.close().await;
        let before = fs::read(dir.path().join(DATABASE_FILE)).unwrap();
        let schema = schema_of(dir.path()).unwrap().unwrap();
        assert_eq!(schema.found, schema.current);
        let (again, rows) = read_through(dir.path()).unwrap().unwrap();
        assert_eq!((again.found, rows), (schema.found, 0));
        assert!(before == fs::read(dir.path().join(DATABASE_FILE)).unwrap());
        fs::write(dir.path().join(DATABASE_FILE), "no database").unwrap();
        assert!(schema_of(dir.path()).is_err() && read_through(dir.path()).is_err());
    }
}
