//! Putting a backup in the place of a state directory.
//!
//! The new state is built beside the old one, settled and checked, and then both are exchanged in
//! one step of the file system. Whatever interrupts it, the state directory is the old one or the
//! new one.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::base::Timestamp;
use crate::store::StoreError;
use crate::store::disk::DATABASE_FILE;
use crate::store::migrate::MIGRATIONS;
use crate::store::offline::OfflineStore;

use super::archive::{self, Files};
use super::durable::{parent, sync_directory};
use super::error::BackupError;
use super::header::Header;
use super::seal::Passphrase;
use super::{Progress, SECRETS_FILE};

/// The configuration of a backup lies in the restored state under this name.
const CONFIG_FILE: &str = "config.toml.restored";
/// Says that a directory is a state in the making. It stays in the state afterwards for a moment.
const MARK: &str = "in-the-making";
/// Where backups are kept where nothing else is configured: they outlive a restore.
const BACKUPS: &str = "backups";

/// A backup that is to take the place of a state directory.
#[derive(Debug, Clone)]
pub struct Restore {
    /// The backup.
    pub file: PathBuf,
    /// Its passphrase.
    pub passphrase: Option<Passphrase>,
    /// The state directory. It need not exist.
    pub state: PathBuf,
    /// The time.
    pub now: Timestamp,
}

/// What a drill found: everything would work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// What the backup says of itself; that much is true.
    pub header: Header,
    /// The schema the restored database would have.
    pub schema: u64,
    /// Rows that were looked at.
    pub rows: u64,
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the backup says of itself.
    pub header: Header,
    /// Where the previous state is kept, if there was one.
    pub kept: Option<PathBuf>,
    /// The epoch of the backup.
    pub epoch_before: u64,
    /// The epoch now.
    pub epoch: u64,
    /// The configuration of the backup, put aside.
    pub config: Option<PathBuf>,
}

/// The moments at which a restore can be interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Build,
    Unpacked,
    Built,
    Exchange,
    Exchanged,
    Kept,
}

/// Hears of each step before it is taken, and may refuse it.
pub(super) type Watch<'a> = &'a mut dyn FnMut(Step) -> Result<(), BackupError>;

impl Restore {
    /// Does everything but the exchange, beside the state directory, and leaves nothing behind.
    pub fn drill(&self, progress: &mut Progress<'_>) -> Result<Drill, BackupError> {
        let state = self.state_path();
        let site = beside(&state, "drill");
        clear(&site)?;
        let drilled = self.build(&site, None, &mut |_| Ok(()), progress);
        let cleared = clear(&site);
        let (built, _) = drilled?;
        cleared?;
        Ok(built)
    }

    /// Restores the backup. Refused while a daemon has the state.
    pub fn run(&self, progress: &mut Progress<'_>) -> Result<Restored, BackupError> {
        self.run_watched(progress, &mut |_| Ok(()))
    }

    pub(super) fn run_watched(
        &self,
        progress: &mut Progress<'_>,
        watch: Watch<'_>,
    ) -> Result<Restored, BackupError> {
        let state = self.state_path();
        let current = current_epoch(&state)?;
        let _lock = lock(&state)?;
        let site = beside(&state, "restoring");
        forget_mark(&state)?;
        self.clear_site(&state, &site)?;
        watch(Step::Build)?;
        let (built, config) = self.build(&site, current, &mut *watch, progress)?;
        watch(Step::Built)?;
        let epoch = epoch_after(built.header.epoch, current);
        hand_over(&site, &state)?;
        watch(Step::Exchange)?;
        let kept = self.exchange(&site, &state, watch)?;
        let config = config.map(|_| state.join(CONFIG_FILE));
        Ok(Restored {
            kept,
            epoch_before: built.header.epoch,
            epoch,
            config,
            header: built.header,
        })
    }

    /// The state directory itself, where the path leads there over links.
    fn state_path(&self) -> PathBuf {
        fs::canonicalize(&self.state).unwrap_or_else(|_| self.state.components().collect())
    }

    /// Builds a state in the directory `site`, in an epoch after the `current` one. Where its
    /// configuration lies, if the backup has one.
    fn build(
        &self,
        site: &Path,
        current: Option<u64>,
        watch: Watch<'_>,
        progress: &mut Progress<'_>,
    ) -> Result<(Drill, Option<PathBuf>), BackupError> {
        let archive = archive::open_file(&self.file, self.passphrase.as_ref())?;
        let header = archive.header().clone();
        refuse_newer(&header)?;
        begin(site)?;
        let database = OfflineStore::create(site)?;
        progress.expect(0);
        let Files { secrets, config } = archive.unpack(Some(database.disk()), progress)?;
        write_file(&site.join(SECRETS_FILE), &secrets)?;
        let config = match config {
            Some(config) => {
                let path = site.join(CONFIG_FILE);
                write_file(&path, &config)?;
                Some(path)
            }
            None => None,
        };
        database.migrate()?;
        let schema = database.schema()?.found;
        watch(Step::Unpacked)?;
        database.settle(epoch_after(header.epoch, current), self.now)?;
        let rows = database.check_rows()?;
        drop(database);
        sync_directory(site)?;
        let drill = Drill {
            header,
            schema,
            rows,
        };
        Ok((drill, config))
    }

    /// Makes room for building. What an interrupted restore left there is a half-built state, or the
    /// old state itself, just after the exchange; that is kept.
    fn clear_site(&self, state: &Path, site: &Path) -> Result<(), BackupError> {
        let is_old_state = site.join(DATABASE_FILE).exists() && !site.join(MARK).exists();
        if is_old_state {
            let kept = free_name(state, self.now);
            return rename(site, &kept);
        }
        clear(site)
    }

    /// Puts `site` in the place of `state`. Where the old state is kept.
    fn exchange(
        &self,
        site: &Path,
        state: &Path,
        watch: Watch<'_>,
    ) -> Result<Option<PathBuf>, BackupError> {
        if !state.exists() {
            rename(site, state)?;
            forget_mark(state)?;
            return Ok(None);
        }
        renameat_with(CWD, site, CWD, state, RenameFlags::EXCHANGE).map_err(|error| {
            BackupError::Unexchangeable {
                path: state.to_owned(),
                reason: Arc::new(error.into()),
            }
        })?;
        sync_directory(parent(state))?;
        watch(Step::Exchanged)?;
        let kept = free_name(state, self.now);
        rename(site, &kept)?;
        watch(Step::Kept)?;
        if kept.join(BACKUPS).exists() && !state.join(BACKUPS).exists() {
            rename(&kept.join(BACKUPS), &state.join(BACKUPS))?;
        }
        forget_mark(state)?;
        Ok(Some(kept))
    }
}

/// Above the epoch of the backup, and of the state it replaces.
fn epoch_after(backup: u64, current: Option<u64>) -> u64 {
    backup.max(current.unwrap_or(0)).saturating_add(1)
}

fn refuse_newer(header: &Header) -> Result<(), BackupError> {
    let current = MIGRATIONS.current();
    if header.schema > current {
        return Err(StoreError::NewerSchema {
            found: header.schema,
            supported: current,
            written_by: Some(header.made_by.clone()),
        }
        .into());
    }
    Ok(())
}

/// The epoch of the present state. None where there is none, or its database can't be read: that is
/// what backups are for.
fn current_epoch(state: &Path) -> Result<Option<u64>, BackupError> {
    match OfflineStore::open(state).and_then(|database| database.epoch()) {
        Ok(epoch) => Ok(Some(epoch)),
        Err(error @ StoreError::AlreadyOpen { .. }) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// Keeps daemons from the state meanwhile: the lock is the database's own.
fn lock(state: &Path) -> Result<Option<File>, BackupError> {
    let path = state.join(DATABASE_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(BackupError::file("open", path, error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::AlreadyOpen { path }.into()),
        Err(TryLockError::Error(error)) => Err(BackupError::file("lock", path, error)),
    }
}

/// A directory beside another, with its name and more.
fn beside(state: &Path, purpose: &str) -> PathBuf {
    let mut name = state.as_os_str().to_owned();
    name.push(format!(".{purpose}"));
    PathBuf::from(name)
}

/// `<state>.before-YYYYMMDD`, or with a number behind it.
fn free_name(state: &Path, now: Timestamp) -> PathBuf {
    let day = now.date().replace('-', "");
    let first = beside(state, &format!("before-{day}"));
    let others = (2..).map(|n: u32| beside(state, &format!("before-{day}-{n}")));
    std::iter::once(first.clone())
        .chain(others)
        .find(|path| !path.exists())
        .unwrap_or(first)
}

/// Makes the directory of a state in the making.
fn begin(site: &Path) -> Result<(), BackupError> {
    // Its own last part must not be there: a directory of somebody else's would take the secrets in.
    let mut own = DirBuilder::new();
    own.mode(0o700)
        .recursive(true)
        .create(parent(site))
        .and_then(|()| own.recursive(false).create(site))
        .map_err(|error| BackupError::file("make the directory", site, error))?;
    write_file(&site.join(MARK), b"")
}

fn clear(site: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(site) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BackupError::file("clear", site, error))
        }
        _ => Ok(()),
    }
}

/// A live state has no mark: one that an interrupted restore left would make it look half-built.
fn forget_mark(state: &Path) -> Result<(), BackupError> {
    let mark = state.join(MARK);
    match fs::remove_file(&mark) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(BackupError::file("delete", &mark, error)),
        Ok(()) => sync_directory(state),
    }
}

fn rename(from: &Path, to: &Path) -> Result<(), BackupError> {
    fs::rename(from, to).map_err(|error| BackupError::file("move", from, error))?;
    sync_directory(parent(to))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
    written.map_err(|error| BackupError::file("write", path, error))
}

/// Gives the new state to whom the old one belongs: root restores what a service of its own user
/// will open.
fn hand_over(site: &Path, state: &Path) -> Result<(), BackupError> {
    let Ok(owner) = fs::metadata(state) else {
        return Ok(());
    };
    let own = fs::metadata(site).map_err(|error| BackupError::file("look at", site, error))?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    let given = |path: &Path| {
        chown(path, Some(owner.uid()), Some(owner.gid()))
            .map_err(|error| BackupError::file("give away", path, error))
    };
    let entries = fs::read_dir(site).map_err(|error| BackupError::file("read", site, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| BackupError::file("read", site, error))?;
        given(&entry.path())?;
    }
    given(site)
}
