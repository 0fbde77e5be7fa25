//! What a running daemon backs up, and where to.

use std::fs;
use std::path::{Path, PathBuf};

use crate::base::Timestamp;
use crate::store::Store;

use super::create::{BackupFile, BackupRequest};
use super::error::BackupError;
use super::seal::Passphrase;
use super::shelf::{Kind, Shelf};
use super::{Progress, SECRETS_FILE, verify};

/// The files that belong to a database and go into its backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belongings {
    /// The state directory, with the secrets.
    pub state: PathBuf,
    /// The configuration file, if there is one.
    pub config: Option<PathBuf>,
}

impl Belongings {
    /// What a backup to `file` is made of now. A database without secrets is of no use, so their
    /// absence is an error.
    pub fn request(
        &self,
        file: PathBuf,
        now: Timestamp,
        passphrase: Option<Passphrase>,
    ) -> Result<BackupRequest, BackupError> {
        let read =
            |path: &Path| fs::read(path).map_err(|error| BackupError::file("read", path, error));
        Ok(BackupRequest {
            file,
            now,
            secrets: read(&self.state.join(SECRETS_FILE))?,
            config: self.config.as_deref().map(read).transpose()?,
            passphrase,
        })
    }
}

/// The backups of a store that is in use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Backups {
    /// The database.
    pub store: Store,
    /// What belongs to it.
    pub belongings: Belongings,
    /// Where backups are kept.
    pub shelf: Shelf,
}

impl Backups {
    /// Makes a backup on the shelf.
    pub async fn create(
        &self,
        kind: &Kind,
        now: Timestamp,
        passphrase: Option<Passphrase>,
    ) -> Result<BackupFile, BackupError> {
        let file = self.shelf.place(kind, now)?;
        self.create_at(file, now, passphrase).await
    }

    /// Makes a backup in a place of its own, and reads it back before it counts.
    pub async fn create_at(
        &self,
        file: PathBuf,
        now: Timestamp,
        passphrase: Option<Passphrase>,
    ) -> Result<BackupFile, BackupError> {
        let request = self.belongings.request(file, now, passphrase.clone())?;
        let made = self.store.back_up(request).await?;
        let path = made.path.clone();
        let verified = tokio::task::spawn_blocking(move || {
            verify(&path, passphrase.as_ref(), &mut Progress::silent())
        });
        verified.await.unwrap_or(Err(BackupError::Interrupted))?;
        Ok(made)
    }
}
