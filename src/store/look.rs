//! A look at a database that changes nothing, while nobody has it open.

use std::path::Path;

use redb::{DatabaseError, ReadOnlyDatabase, ReadableDatabase, StorageError};

use super::damage;
use super::disk::{DATABASE_FILE, is_denied};
use super::error::StoreError;
use super::migrate::{MIGRATIONS, Schema};
use super::tables::{SCHEMA, number};

/// The schema of the database in the state directory `dir`; none: it is new and empty. Writes
/// nothing, also where the database was not closed as it should be.
pub fn schema_of(dir: &Path) -> Result<Option<Schema>, StoreError> {
    let path = dir.join(DATABASE_FILE);
    let found = damage::found_by(|| {
        let database = ReadOnlyDatabase::open(&path).map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::AlreadyOpen { path: path.clone() },
            DatabaseError::Storage(StorageError::Io(error)) if is_denied(&error) => {
                StoreError::file("open", &path, error)
            }
            other => other.into(),
        })?;
        number(&database.begin_read()?, SCHEMA)
    })?;
    Ok(found.map(|found| Schema {
        found,
        current: MIGRATIONS.current(),
    }))
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
        let busy = schema_of(dir.path());
        assert!(
            matches!(busy, Err(StoreError::AlreadyOpen { .. })),
            "{busy:?}"
        );
        store.close().await;
        let before = fs::read(dir.path().join(DATABASE_FILE)).unwrap();
        let schema = schema_of(dir.path()).unwrap().unwrap();
        assert_eq!(schema.found, schema.current);
        assert!(before == fs::read(dir.path().join(DATABASE_FILE)).unwrap());
        fs::write(dir.path().join(DATABASE_FILE), "no database").unwrap();
        assert!(schema_of(dir.path()).is_err());
    }
}
