//! Records in a redb database: one file, one process, one transaction for each step.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use redb::{Database, DatabaseError, ReadableDatabase as _, TableDefinition, TableError};

use super::{Change, Storage, StorageError};

const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
const FILE: &str = "client.redb";
/// Of the database, in memory: a client's records are few.
const CACHE: usize = 4 * 1024 * 1024;

/// Records on a disk.
#[derive(Debug)]
pub struct DiskStorage {
    database: Database,
}

impl DiskStorage {
    /// The records of a directory, which is made where it is missing, for its owner alone.
    pub fn open(directory: &Path) -> Result<Self, StorageError> {
        let file = |source| StorageError::File {
            path: directory.to_owned(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(file)?;
        let path = directory.join(FILE);
        let mut private = OpenOptions::new();
        private.read(true).write(true).create(true).mode(0o600);
        private.open(&path).map_err(file)?;
        let opened = Database::builder().set_cache_size(CACHE).create(&path);
        let database = opened.map_err(|error| match error {
            DatabaseError::DatabaseAlreadyOpen => StorageError::InUse(path),
            other => failed(other),
        })?;
        Ok(Self { database })
    }

    /// Whether a directory holds records.
    pub fn exists(directory: &Path) -> io::Result<bool> {
        directory.join(FILE).try_exists()
    }
}

impl Storage for DiskStorage {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let reading = self.database.begin_read().map_err(failed)?;
        match reading.open_table(RECORDS) {
            Ok(table) => {
                let record = table.get(name).map_err(failed)?;
                Ok(record.map(|record| record.value().to_vec()))
            }
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn names(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, StorageError> {
        let reading = self.database.begin_read().map_err(failed)?;
        let table = match reading.open_table(RECORDS) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut names = Vec::new();
        for row in table.range(prefix.max(after)..).map_err(failed)? {
            let (name, _) = row.map_err(failed)?;
            let name = name.value();
            if !name.starts_with(prefix) || names.len() == limit {
                break;
            }
            if name > after {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), StorageError> {
        let writing = self.database.begin_write().map_err(failed)?;
        {
            let mut table = writing.open_table(RECORDS).map_err(failed)?;
            for change in changes {
                match change {
                    Change::Put { name, record } => {
                        table.insert(&*name, &*record).map_err(failed)?;
                    }
                    Change::Remove { name } => {
                        table.remove(&*name).map_err(failed)?;
                    }
                }
            }
        }
        writing.commit().map_err(failed)
    }
}

fn failed(error: impl Into<redb::Error>) -> StorageError {
    StorageError::Database(Box::new(error.into()))
}

#[cfg(test)]
mod tests {
    use super::super::MemoryStorage;
    use super::*;

    fn put(name: &str, byte: u8) -> Change {
        Change::Put {
            name: name.to_owned(),
            record: vec![byte],
        }
    }

    fn both() -> (tempfile::TempDir, Vec<Box<dyn Storage>>) {
        let directory = tempfile::TempDir::new().unwrap();
        let disk = DiskStorage::open(directory.path()).unwrap();
        (
            directory,
            vec![Box::new(disk), Box::<MemoryStorage>::default()],
        )
    }

    #[test]
    fn records_come_back_until_they_are_removed() {
        let (_directory, storages) = both();
        for storage in storages {
            assert_eq!(storage.read("a").unwrap(), None);
            storage.commit(vec![put("a", 1), put("b", 2)]).unwrap();
            let remove = Change::Remove { name: "a".into() };
            storage.commit(vec![put("b", 3), remove]).unwrap();
            assert_eq!(storage.read("a").unwrap(), None);
            assert_eq!(storage.read("b").unwrap(), Some(vec![3]));
        }
    }

    #[test]
    fn names_come_in_order_from_where_they_are_wanted() {
        let (_directory, storages) = both();
        for storage in storages {
            assert!(storage.names("m/", "", 9).unwrap().is_empty());
            let names = ["l/9", "m/1", "m/2", "m/3", "n/0"];
            storage
                .commit(names.map(|name| put(name, 0)).into())
                .unwrap();
            assert_eq!(storage.names("m/", "", 9).unwrap(), ["m/1", "m/2", "m/3"]);
            assert_eq!(storage.names("m/", "m/1", 1).unwrap(), ["m/2"]);
        }
    }

    #[test]
    fn records_are_their_owners_alone_and_one_processs() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::TempDir::new().unwrap();
        let place = directory.path().join("account");
        assert!(!DiskStorage::exists(&place).unwrap());
        let disk = DiskStorage::open(&place).unwrap();
        disk.commit(vec![put("a", 1)]).unwrap();
        assert!(matches!(
            DiskStorage::open(&place),
            Err(StorageError::InUse(_))
        ));
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&place.join(FILE))), (0o700, 0o600));
        drop(disk);
        let again = DiskStorage::open(&place).unwrap();
        assert_eq!(again.read("a").unwrap(), Some(vec![1]));
    }
}
