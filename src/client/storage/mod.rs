//! Where a client keeps what it must not forget: sealed records under names, changed together or
//! not at all.
//!
//! A [`Storage`] sees names and sealed bytes. What is sealed, and under which key, is the
//! [`Vault`](super::Vault)'s affair.

mod disk;
mod key_file;
mod memory;

use std::fmt;
use std::path::PathBuf;

pub use disk::DiskStorage;
pub(super) use key_file::place;
pub use key_file::{Passphrase, is_wrapped, unlock};
pub use memory::MemoryStorage;

/// A keeper of records.
///
/// Every method may block; a client calls them where that holds up nobody.
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// The record of this name.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// The first `limit` names that begin with `prefix` and come after `after`, in their order.
    fn names(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, StorageError>;

    /// Makes every change or none. What was changed survives the end of the process, and of the
    /// machine's power, from when this returns.
    fn commit(&self, changes: Vec<Change>) -> Result<(), StorageError>;
}

/// A change of one record.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// The record is this from now on.
    Put {
        /// Its name.
        name: String,
        /// Its sealed bytes.
        record: Vec<u8>,
    },
    /// There is no such record any more.
    Remove {
        /// Its name.
        name: String,
    },
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Put { .. } => "Put(…)",
            Self::Remove { .. } => "Remove(…)",
        })
    }
}

/// Why records can't be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Another process has the storage.
    #[error("another process has {} open", .0.display())]
    InUse(PathBuf),
    /// A file or directory that can't be used.
    #[error("can't use {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database refuses.
    #[error("the database can't be used: {0}")]
    Database(Box<redb::Error>),
    /// The key is wrapped, and the passphrase is missing or another one.
    #[error("expected the passphrase of this storage, found {0}")]
    Passphrase(&'static str),
    /// The storage fails, for a reason of its own.
    #[error("the storage fails: {0}")]
    Other(String),
}
