//! File operations that a power cut doesn't undo.

use std::fs::{self, File};
use std::path::Path;

use super::error::BackupError;

/// Gives a finished file its name.
pub(super) fn put_in_place(draft: &Path, place: &Path) -> Result<(), BackupError> {
    fs::rename(draft, place).map_err(|error| BackupError::file("make", place, error))?;
    sync_directory(parent(place))
}

/// Has the names in a directory outlive a power cut.
pub(super) fn sync_directory(directory: &Path) -> Result<(), BackupError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| BackupError::file("sync", directory, error))
}

/// The directory that a path is in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
