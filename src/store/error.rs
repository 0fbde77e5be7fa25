//! What can go wrong in the store.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::is_full;

/// Why the store couldn't do what was asked.
///
/// Cheap to clone: one failed commit is heard by everybody whose write was in it. After a failed
/// commit the outcome is open: the write is usually undone, but may turn out to have been kept.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process, or another store of this one, has the database.
    #[error("{} is in use by another process: stop the service first", path.display())]
    AlreadyOpen {
        /// The database file.
        path: PathBuf,
    },
    /// A newer version of this program wrote the database.
    #[error(
        "the database has schema {found}, written by {}, but this is privcomm {}, which knows \
         schemas up to {supported}\n  fix: install {} or a newer version, or go back to the \
         snapshot from before the upgrade: privcomm backup list, then privcomm restore pre-…",
        program(written_by.as_deref()),
        super::VERSION,
        program(written_by.as_deref())
    )]
    NewerSchema {
        /// The schema of the database.
        found: u64,
        /// The newest schema this version knows.
        supported: u64,
        /// The version that wrote it, where it says so.
        written_by: Option<String>,
    },
    /// A newer version of this program wrote the database or the backup, and put a table into it that
    /// this one would leave out of backups and forget to clear.
    #[error(
        "the database has the table {table:?} of {}, and this is privcomm {}, which doesn't know it\n  \
         fix: install {} or a newer version, or go back to a backup from before the upgrade: \
         privcomm backup list, then privcomm restore …",
        program(written_by.as_deref()),
        super::VERSION,
        program(written_by.as_deref())
    )]
    NewerTable {
        /// The table.
        table: String,
        /// The version that wrote it, where it says so.
        written_by: Option<String>,
    },
    /// The daemon that had the database was killed, and to open it is to write to it.
    #[error("the database was not closed as it should be; the next start puts that right")]
    Unclosed,
    /// An older version of this program wrote the database, and it hasn't been migrated yet.
    #[error(
        "the database has schema {found}, and this version works with schema {current}\n  \
         fix: privcomm db migrate"
    )]
    OlderSchema {
        /// The schema of the database.
        found: u64,
        /// The schema this version works with.
        current: u64,
    },
    /// The disk has no room for what was to be written. Nothing of it was.
    #[error("the disk is full")]
    Full,
    /// A file operation around the database failed.
    #[error("cannot {action} {}: {reason}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        reason: Arc<io::Error>,
    },
    /// The database itself failed: the disk under it, mostly.
    #[error("the database failed: {0}")]
    Database(Arc<str>),
    /// The file isn't what the database wrote: all of it, or a part.
    #[error("the database is damaged: {0}")]
    Damaged(Arc<str>),
    /// A row doesn't read as what it should be.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The store was closed, or its writer ended.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>, reason: io::Error) -> Self {
        Self::File {
            action,
            path: path.into(),
            reason: Arc::new(reason),
        }
    }
}

/// A row that doesn't read as what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Written in a form this version doesn't know.
    #[error("a stored {record} has version {found}, expected {expected}")]
    Version {
        /// Which kind of record.
        record: &'static str,
        /// Its version byte.
        found: u8,
        /// The version byte that is known.
        expected: u8,
    },
    /// Ends too early.
    #[error("a stored {record} ends {missing} bytes too early")]
    Short {
        /// Which kind of record.
        record: &'static str,
        /// How many bytes the next field lacks.
        missing: usize,
    },
    /// Goes on after its end.
    #[error("a stored {record} goes on for {excess} bytes after its end")]
    Long {
        /// Which kind of record.
        record: &'static str,
        /// How many bytes are too many.
        excess: usize,
    },
    /// Holds a value its field can't have.
    #[error("a stored {record} has an impossible {field}")]
    Field {
        /// Which kind of record.
        record: &'static str,
        /// Which field.
        field: &'static str,
    },
    /// Another row says that it exists, but it doesn't.
    #[error("a stored {record} is missing")]
    Missing {
        /// Which kind of record.
        record: &'static str,
    },
}

impl From<redb::StorageError> for StoreError {
    fn from(error: redb::StorageError) -> Self {
        match error {
            redb::StorageError::Io(error) if is_full(&error) => Self::Full,
            redb::StorageError::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                Self::Damaged(error.to_string().into())
            }
            redb::StorageError::Corrupted(how) => Self::Damaged(how.into()),
            error => Self::Database(error.to_string().into()),
        }
    }
}

macro_rules! database_failure {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> Self {
                match error {
                    redb::$error::Storage(error) => error.into(),
                    error => Self::Database(error.to_string().into()),
                }
            }
        }
    )*};
}

database_failure!(
    TableError,
    TransactionError,
    CommitError,
    CompactionError,
    DatabaseError
);

fn program(version: Option<&str>) -> String {
    version.map_or_else(
        || "a newer version of privcomm".to_owned(),
        |version| format!("privcomm {version}"),
    )
}
