//! The database file: opened, kept to its owner, opened anew after a failure.
//!
//! A database that met an I/O error refuses all further work, so the writer has it opened anew
//! before its next group. Readers meanwhile hear that the database failed.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, StorageError,
    WriteTransaction,
};

use super::damage;
use super::error::StoreError;

/// The name of the database file in the state directory.
pub const DATABASE_FILE: &str = "privcomm.redb";

/// Where the bytes of a database are, and how it is opened there.
pub(super) trait Medium: Send + Sync {
    /// Opens the database, or makes it.
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError>;
    /// The file, for messages; an empty path where there is none.
    fn path(&self) -> &Path;
    /// Bytes that are free around it.
    fn free_space(&self) -> io::Result<u64>;
    /// Bytes of the file system it is on.
    fn file_system_size(&self) -> io::Result<u64>;
    /// Bytes it takes.
    fn size(&self) -> io::Result<u64>;
}

/// The open database. Whoever holds a transaction can go on while it is opened anew.
pub(super) struct Disk {
    medium: Box<dyn Medium>,
    cache_bytes: usize,
    database: RwLock<Option<Database>>,
}

impl Disk {
    /// Opens the database on `medium`, with so much memory for its pages.
    pub(super) fn open(medium: Box<dyn Medium>, cache_bytes: usize) -> Result<Self, StoreError> {
        let disk = Self {
            medium,
            cache_bytes,
            database: RwLock::new(None),
        };
        disk.reopen()?;
        Ok(disk)
    }

    /// Closes the database if it is open, and opens it.
    pub(super) fn reopen(&self) -> Result<(), StoreError> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        drop(database.take());
        let mut builder = Builder::new();
        builder.set_cache_size(self.cache_bytes);
        let opened = damage::found_by(|| {
            let opened = self.medium.open(&builder);
            opened.map_err(|error| self.open_error(error))
        })?;
        *database = Some(opened);
        Ok(())
    }

    /// Closes the database: the file's lock is released.
    pub(super) fn close(&self) {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        drop(database.take());
    }

    /// A snapshot: what the last commit left.
    pub(super) fn read(&self) -> Result<ReadTransaction, StoreError> {
        self.with(|database| Ok(database.begin_read()?))
    }

    /// The write transaction; there is one at a time. It commits in two phases, because strangers
    /// decide what is in it, and saves what makes the next start quick after a crash.
    pub(super) fn write(&self) -> Result<WriteTransaction, StoreError> {
        let mut transaction = self.with(|database| Ok(database.begin_write()?))?;
        transaction.set_two_phase_commit(true);
        transaction.set_quick_repair(true);
        Ok(transaction)
    }

    /// Bytes free on the file system.
    pub(super) fn free_space(&self) -> Result<u64, StoreError> {
        self.medium
            .free_space()
            .map_err(|error| StoreError::file("read the free space of", self.medium.path(), error))
    }

    /// Bytes of the file system, free or not.
    pub(super) fn file_system_size(&self) -> Result<u64, StoreError> {
        let size = self.medium.file_system_size();
        size.map_err(|error| StoreError::file("read the size of", self.medium.path(), error))
    }

    /// Bytes the database file takes.
    pub(super) fn size(&self) -> Result<u64, StoreError> {
        self.medium
            .size()
            .map_err(|error| StoreError::file("read the size of", self.medium.path(), error))
    }

    /// Has `work` done with the whole database, while nobody else has any part of it.
    pub(super) fn alone<T>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let database = database.as_mut();
        database.map_or_else(|| Err(StoreError::Database("it isn't open".into())), work)
    }

    fn with<T>(
        &self,
        begin: impl FnOnce(&Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database
            .as_ref()
            .map_or_else(|| Err(StoreError::Database("it isn't open".into())), begin)
    }

    fn open_error(&self, error: DatabaseError) -> StoreError {
        match error {
            DatabaseError::DatabaseAlreadyOpen => StoreError::AlreadyOpen {
                path: self.medium.path().to_owned(),
            },
            DatabaseError::Storage(StorageError::Io(error)) if is_denied(&error) => {
                StoreError::file("open", self.medium.path(), error)
            }
            other => other.into(),
        }
    }
}

/// Whether a file operation failed because there is no room, or none for this user.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Whether a file operation failed because the file is another user's.
pub(super) fn is_denied(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// A database file in a state directory, readable by its owner only.
pub(super) struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// The database file in `dir`, which is made where it doesn't exist. Both are the owner's only.
    pub(super) fn create(dir: &Path) -> Result<Self, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| StoreError::file("make the directory", dir, error))?;
        let path = dir.join(DATABASE_FILE);
        Self::touch(&path).map_err(|error| StoreError::file("open", &path, error))?;
        // The file's name must be as durable as what will be in it.
        File::open(dir)
            .and_then(|dir| dir.sync_all())
            .map_err(|error| StoreError::file("sync", dir, error))?;
        Ok(Self { path })
    }

    /// The database file in `dir`, which must be there. Nothing is made, and nothing changed.
    pub(super) fn existing(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(DATABASE_FILE);
        fs::metadata(&path).map_err(|error| StoreError::file("open", &path, error))?;
        Ok(Self { path })
    }

    fn touch(path: &Path) -> io::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(file)
    }
}

impl Medium for StateFile {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.create_file(Self::touch(&self.path)?)
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn free_space(&self) -> io::Result<u64> {
        let system = rustix::fs::statvfs(&self.path)?;
        Ok(system.f_bavail.saturating_mul(system.f_frsize))
    }

    fn file_system_size(&self) -> io::Result<u64> {
        let system = rustix::fs::statvfs(&self.path)?;
        Ok(system.f_blocks.saturating_mul(system.f_frsize))
    }

    fn size(&self) -> io::Result<u64> {
        Ok(fs::metadata(&self.path)?.len())
    }
}

/// A database that is gone when it is closed.
pub(super) struct Memory;

impl Medium for Memory {
    fn open(&self, builder: &Builder) -> Result<Database, DatabaseError> {
        builder.create_with_backend(redb::backends::InMemoryBackend::new())
    }

    fn path(&self) -> &Path {
        Path::new("")
    }

    fn free_space(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn file_system_size(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }

    fn size(&self) -> io::Result<u64> {
        Ok(0)
    }
}
