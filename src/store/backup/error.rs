//! What can go wrong with a backup.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::store::error::StoreError;

/// Why a backup couldn't be made, read or restored.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// It isn't one of ours.
    #[error("this is no backup of privcomm")]
    Foreign,
    /// A newer version of this program made the file.
    #[error(
        "the backup has file format {found}, and this version reads formats up to {supported}: \
         use the version that made it, or a newer one"
    )]
    NewerFormat {
        /// The format of the file.
        found: u16,
        /// The newest that is read here.
        supported: u16,
    },
    /// What is read isn't what was written.
    #[error("the backup is damaged: {0}; use another one")]
    Damaged(&'static str),
    /// It needs a passphrase.
    #[error("the backup is sealed, and no passphrase was given")]
    Sealed,
    /// Another passphrase sealed it.
    #[error("the passphrase doesn't fit this backup")]
    WrongPassphrase,
    /// The key couldn't be made of the passphrase.
    #[error("can't make a key of the passphrase: {0}")]
    Key(Arc<str>),
    /// Something is in the place where it should go.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// There is no such backup.
    #[error("no backup in {} begins with {name:?}", directory.display())]
    NotFound {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// Several backups begin like this.
    #[error("{name:?} fits several backups: {}; write more of the name", fitting.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// What it fits.
        fitting: Vec<String>,
    },
    /// The state directory can't be exchanged in one step.
    #[error(
        "{} can't be exchanged in one step: {reason}\n  fix: restore to a directory that is no \
         mount point, with --data, and set store.path to it",
        path.display()
    )]
    Unexchangeable {
        /// The state directory.
        path: PathBuf,
        /// What the system said.
        reason: Arc<io::Error>,
    },
    /// A file operation failed.
    #[error("can't {action} {}: {reason}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        reason: Arc<io::Error>,
    },
    /// The program ended meanwhile.
    #[error("the program ended before the backup was done")]
    Interrupted,
    /// Reading or writing the file itself failed.
    #[error("can't read or write the backup: {0}")]
    Stream(Arc<io::Error>),
    /// The database failed, or doesn't fit this version.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>, reason: io::Error) -> Self {
        Self::File {
            action,
            path: path.into(),
            reason: Arc::new(reason),
        }
    }
}

/// An error of ours may have travelled through a reader or writer that knows only I/O errors.
impl From<io::Error> for BackupError {
    fn from(error: io::Error) -> Self {
        if let Some(own) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<Self>())
        {
            return own.clone();
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("it ends too early"),
            _ => Self::Stream(Arc::new(error)),
        }
    }
}

impl From<BackupError> for io::Error {
    fn from(error: BackupError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
