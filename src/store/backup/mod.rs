//! Backups: one file with the database, its secrets and the configuration.
//!
//! What it promises:
//!
//! - **Whole.** Everything that was committed before it was begun is in it, from one moment.
//! - **Others go on.** It reads a snapshot; writers don't wait for it, and memory stays flat.
//! - **What is read is what was written.** Every byte is under a checksum in its place or, with a
//!   passphrase, sealed. A file that was cut, changed or rearranged is refused.
//! - **Old or new.** A restore that is interrupted leaves the old state or the new one.
//!
//! ```text
//! header in the clear  ‖  chunks, each protected in its place { zstd { sections } }
//! ```

mod archive;
mod chunks;
mod create;
mod durable;
mod error;
mod header;
mod keeper;
mod progress;
mod restore;
mod seal;
mod sections;
mod shelf;
#[cfg(test)]
mod tests;

pub(super) use create::write;

pub use create::{BackupFile, BackupRequest};
pub use error::BackupError;
pub use header::Header;
pub use keeper::{Backups, Belongings};
pub use progress::Progress;
pub use restore::{Drill, Restore, Restored};
pub use seal::Passphrase;
pub use shelf::{Kind, Listed, Shelf};

use std::path::Path;

/// The name of the file with the secrets in the state directory.
pub const SECRETS_FILE: &str = "secrets.toml";

/// The section with the secrets' file.
const SECRETS_SECTION: &str = "secrets.toml";
/// The section with the configuration file.
const CONFIG_SECTION: &str = "config.toml";
/// What the section of a table begins with; its name follows.
const TABLE_SECTION: &str = "table/";
/// What the names of tables with accounts begin with; the version of the table follows.
const ACCOUNTS: &str = "accounts-";
/// The same for messages.
const MESSAGES: &str = "messages-";

/// Reads a backup from its first byte to its last, and says what it is.
pub fn verify(
    path: &Path,
    passphrase: Option<&Passphrase>,
    progress: &mut Progress<'_>,
) -> Result<Header, BackupError> {
    let archive = archive::open_file(path, passphrase)?;
    let header = archive.header().clone();
    archive.unpack(None, progress)?;
    Ok(header)
}

/// What a backup says of itself, unverified, and without a passphrase.
pub fn header(path: &Path) -> Result<Header, BackupError> {
    archive::read_header(path)
}
