//! File operations that a power cut doesn't undo.

use std::fs::{self, File};
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::error::BackupError;

/// Gives a finished file its name, unless something has it: whoever asked may not have been allowed
/// to see that.
pub(super) fn put_in_place(draft: &Path, place: &Path) -> Result<(), BackupError> {
    let exists = || BackupError::Exists(place.to_owned());
    match renameat_with(CWD, draft, CWD, place, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Err(exists()),
        // A file system that can't do both in one step.
        Err(Errno::INVAL | Errno::NOSYS) if fs::symlink_metadata(place).is_ok() => {
            return Err(exists());
        }
        Err(Errno::INVAL | Errno::NOSYS) => {
            fs::rename(draft, place).map_err(|error| BackupError::file("make", place, error))?;
        }
        Err(error) => return Err(BackupError::file("make", place, error.into())),
    }
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
