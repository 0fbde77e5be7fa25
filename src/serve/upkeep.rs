//! The database before the daemon has it: where its backups go, and how an old one becomes new.

use std::fmt;
use std::path::{Path, PathBuf};

use super::error::ServeError;
use crate::base::Timestamp;
use crate::config::Config;
use crate::store::backup::{BackupFile, Belongings, Kind, Progress, Shelf, verify};
use crate::store::{DATABASE_FILE, OfflineStore, Schema};

/// Where backups go where nothing is configured: into the state, the one place that is surely ours.
const USUAL_BACKUPS: &str = "backups";

/// Where the backups of the state in `state` are kept.
pub fn shelf(config: &Config, state: &Path) -> Shelf {
    let directory = config.backup.directory.clone();
    Shelf::new(directory.unwrap_or_else(|| state.join(USUAL_BACKUPS)))
}

/// A migration that was done.
#[derive(Debug, Clone)]
pub struct Upgraded {
    /// The snapshot from before it, verified.
    pub snapshot: BackupFile,
    /// From which schema to which.
    pub schema: Schema,
}

impl fmt::Display for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "snapshot {} (verified), database format {} -> {}",
            self.snapshot.path.display(),
            self.schema.found,
            self.schema.current
        )
    }
}

/// Brings the database in the state directory to the schema of this version, after a snapshot that
/// was read back. None where there is nothing to do, or no database yet. A snapshot that can't be
/// made keeps the migration from beginning.
pub fn upgrade(
    belongings: &Belongings,
    shelf: &Shelf,
    now: Timestamp,
    progress: &mut Progress<'_>,
) -> Result<Option<Upgraded>, ServeError> {
    if !belongings.state.join(DATABASE_FILE).exists() {
        return Ok(None);
    }
    let database = OfflineStore::open(&belongings.state)?;
    let schema = database.schema()?;
    if !schema.is_older() {
        return Ok(None);
    }
    let kind = Kind::Before(env!("CARGO_PKG_VERSION").to_owned());
    let file: PathBuf = shelf.place(&kind, now)?;
    let snapshot = database.back_up(&belongings.request(file, now, None)?, progress)?;
    verify(&snapshot.path, None, progress)?;
    database.migrate()?;
    Ok(Some(Upgraded { snapshot, schema }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::backup::SECRETS_FILE;
    use crate::store::{Store, StoreOptions};

    const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);

    /// A state whose database looks older than it is: there is no real older schema yet.
    fn older_state() -> (tempfile::TempDir, Belongings, Shelf) {
        let state = tempfile::tempdir().unwrap();
        drop(Store::open(state.path(), &StoreOptions::default()).unwrap());
        OfflineStore::open(state.path()).unwrap().pretend_schema(0);
        let belongings = Belongings {
            state: state.path().to_owned(),
            config: None,
        };
        let shelf = shelf(&Config::default(), state.path());
        (state, belongings, shelf)
    }

    #[test]
    fn a_verified_snapshot_comes_before_a_migration() {
        let (state, belongings, shelf) = older_state();
        std::fs::write(state.path().join(SECRETS_FILE), "pepper = 1").unwrap();
        let upgraded = upgrade(&belongings, &shelf, NOW, &mut Progress::silent());
        let upgraded = upgraded.unwrap().unwrap();
        let own = env!("CARGO_PKG_VERSION");
        let found = shelf.find(&format!("pre-{own}")).unwrap();
        assert_eq!(found.path, upgraded.snapshot.path);
        assert_eq!(found.header.unwrap().schema, 0);
        assert_eq!((upgraded.schema.found, upgraded.schema.current), (0, 1));
        assert!(upgraded.to_string().ends_with("database format 0 -> 1"));
    }

    #[test]
    fn without_a_snapshot_nothing_is_migrated() {
        let (state, belongings, shelf) = older_state();
        let error = upgrade(&belongings, &shelf, NOW, &mut Progress::silent()).unwrap_err();
        assert!(error.to_string().contains("snapshot"), "{error}");
        let schema = OfflineStore::open(state.path()).unwrap().schema().unwrap();
        assert_eq!(schema.found, 0);
    }

    #[test]
    fn a_current_database_and_none_at_all_need_nothing() {
        let state = tempfile::tempdir().unwrap();
        let belongings = Belongings {
            state: state.path().to_owned(),
            config: None,
        };
        let shelf = shelf(&Config::default(), state.path());
        let run = || upgrade(&belongings, &shelf, NOW, &mut Progress::silent()).unwrap();
        assert!(run().is_none());
        drop(Store::open(state.path(), &StoreOptions::default()).unwrap());
        assert!(run().is_none());
        assert!(shelf.list().unwrap().is_empty());
    }
}
