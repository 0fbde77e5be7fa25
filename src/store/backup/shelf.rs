//! The directory that backups are kept in.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::base::Timestamp;

use super::archive::read_header;
use super::error::BackupError;
use super::header::Header;

/// What the names of backups end with.
const ENDING: &str = ".pcb";

/// Why a backup was made: what its name begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// By the schedule. Only these are ever pruned.
    Daily,
    /// Because somebody asked for it.
    Manual,
    /// Before the migration to this version of the program.
    Before(String),
}

impl Kind {
    fn name(&self, now: Timestamp) -> String {
        let time: String = now
            .to_string()
            .split('.')
            .next()
            .unwrap_or_default()
            .replace(['-', ':'], "");
        let date = time.split('T').next().unwrap_or_default();
        match self {
            Self::Daily => format!("daily-{date}"),
            Self::Manual => format!("manual-{time}"),
            Self::Before(version) => format!("pre-{version}-{time}"),
        }
    }
}

/// A backup in the directory.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its name, without the ending.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// How long it is.
    pub bytes: u64,
    /// What it says of itself, unverified.
    pub header: Result<Header, BackupError>,
}

impl Listed {
    /// When it was made, where it says so.
    pub fn made_at(&self) -> Option<Timestamp> {
        self.header.as_ref().ok().map(|header| header.made_at)
    }

    fn is_daily(&self) -> bool {
        self.name.starts_with("daily-") && self.header.is_ok()
    }
}

/// The directory that backups are kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelf(PathBuf);

impl Shelf {
    /// The backups in `directory`, which need not exist yet.
    pub fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// Where that is.
    pub fn directory(&self) -> &Path {
        &self.0
    }

    /// A name that is free for a backup of this kind. The directory is made if need be, for its owner
    /// alone.
    pub fn place(&self, kind: &Kind, now: Timestamp) -> Result<PathBuf, BackupError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
            .map_err(|error| BackupError::file("make the directory", &self.0, error))?;
        let name = kind.name(now);
        let first = self.0.join(format!("{name}{ENDING}"));
        let mut others = (2..).map(|n: u32| self.0.join(format!("{name}-{n}{ENDING}")));
        let is_free = |path: &PathBuf| !path.exists();
        Ok(std::iter::once(first.clone())
            .chain(others.by_ref())
            .find(is_free)
            .unwrap_or(first))
    }

    /// Every backup in the directory, the newest first. A directory that doesn't exist has none.
    pub fn list(&self) -> Result<Vec<Listed>, BackupError> {
        let failed = |error| BackupError::file("read the directory", &self.0, error);
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut listed = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let file_name = entry.file_name();
            let Some(name) = file_name
                .to_str()
                .and_then(|name| name.strip_suffix(ENDING))
            else {
                continue;
            };
            let path = entry.path();
            listed.push(Listed {
                name: name.to_owned(),
                bytes: entry.metadata().map_err(failed)?.len(),
                header: read_header(&path),
                path,
            });
        }
        listed.sort_by(|a, b| (b.made_at(), &b.name).cmp(&(a.made_at(), &a.name)));
        Ok(listed)
    }

    /// The backup of this name, or the one whose name begins so.
    pub fn find(&self, name: &str) -> Result<Listed, BackupError> {
        let wanted = name.strip_suffix(ENDING).unwrap_or(name);
        let mut fitting = self.list()?;
        fitting.retain(|listed| listed.name.starts_with(wanted));
        if let Some(exact) = fitting.iter().position(|listed| listed.name == wanted) {
            return Ok(fitting.swap_remove(exact));
        }
        match fitting.len() {
            0 => Err(BackupError::NotFound {
                name: name.to_owned(),
                directory: self.0.clone(),
            }),
            1 => Ok(fitting.swap_remove(0)),
            _ => Err(BackupError::Ambiguous {
                name: name.to_owned(),
                fitting: fitting.into_iter().map(|listed| listed.name).collect(),
            }),
        }
    }

    /// When the newest backup of any kind was made.
    pub fn newest(&self) -> Result<Option<Timestamp>, BackupError> {
        Ok(self.list()?.iter().filter_map(Listed::made_at).max())
    }

    /// When the newest scheduled backup was made.
    pub fn newest_daily(&self) -> Result<Option<Timestamp>, BackupError> {
        let listed = self.list()?;
        let newest = listed.iter().find(|listed| listed.is_daily());
        Ok(newest.and_then(Listed::made_at))
    }

    /// The scheduled backups that are older than the newest `keep`.
    pub fn superfluous(&self, keep: usize) -> Result<Vec<Listed>, BackupError> {
        let mut listed = self.list()?;
        listed.retain(Listed::is_daily);
        Ok(listed.split_off(keep.min(listed.len())))
    }

    /// Deletes scheduled backups, all but the newest `keep`. What was deleted.
    pub fn prune(&self, keep: usize) -> Result<Vec<Listed>, BackupError> {
        let superfluous = self.superfluous(keep)?;
        for listed in &superfluous {
            fs::remove_file(&listed.path)
                .map_err(|error| BackupError::file("delete", &listed.path, error))?;
        }
        Ok(superfluous)
    }
}
