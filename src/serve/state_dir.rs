//! The state directory and the secrets in it.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::error::ServeError;
use crate::auth::Secrets;
use crate::base::Secret;
use crate::messenger::Vault;
use crate::store::DATABASE_FILE;
use crate::store::backup::SECRETS_FILE;

/// The state directory that systemd gives the packaged service.
const SERVICE_DIRECTORY: &str = "/var/lib/privcomm";

/// The directory that everything is kept in.
#[derive(Debug, Clone)]
pub(super) struct StateDir(PathBuf);

impl StateDir {
    /// The directory that was asked for, or the first that applies of systemd's, XDG's and the home
    /// directory's; made for its owner alone if need be.
    pub(super) fn open(asked: Option<PathBuf>) -> Result<Self, ServeError> {
        let path = asked.or_else(usual).ok_or(ServeError::NoStateDirectory)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|source| ServeError::file("make", &path, source))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The secrets, made now if this is the first start.
    pub(super) fn secrets(&self) -> Result<Secrets, ServeError> {
        let path = self.0.join(SECRETS_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => {
                warn_if_shared(&path);
                Secrets::decode(&text).map_err(|source| ServeError::Secrets { path, source })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.make_secrets(&path),
            Err(source) => Err(ServeError::file("read", path, source)),
        }
    }

    fn make_secrets(&self, path: &Path) -> Result<Secrets, ServeError> {
        if self.0.join(DATABASE_FILE).exists() {
            return Err(ServeError::SecretsLost(path.to_owned()));
        }
        let secrets = Secrets::generate(Secret::random);
        write_durably(path, secrets.encode().as_bytes())
            .map_err(|source| ServeError::file("write", path, source))?;
        Ok(secrets)
    }
}

/// Where the state is that commands work with: the directory that was asked for, else that of the
/// service, else that of a daemon started by hand by this user. Nothing is made.
pub fn state_directory(asked: Option<PathBuf>) -> Result<PathBuf, ServeError> {
    // What can't be looked at is taken to be there, so that its user hears why.
    let service = Path::new(SERVICE_DIRECTORY);
    let service = service.try_exists().unwrap_or(true).then_some(service);
    let found = asked.or_else(|| service.map(Into::into)).or_else(usual);
    found.ok_or(ServeError::NoStateDirectory)
}

impl Vault for StateDir {
    fn keep(&self, secrets: &Secrets) -> io::Result<()> {
        write_durably(&self.0.join(SECRETS_FILE), secrets.encode().as_bytes())
    }
}

/// The directory that a daemon takes which isn't told another.
pub(super) fn usual() -> Option<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    absolute("STATE_DIRECTORY")
        .or_else(|| Some(absolute("XDG_STATE_HOME")?.join("privcomm")))
        .or_else(|| Some(absolute("HOME")?.join(".local/state/privcomm")))
}

fn warn_if_shared(path: &Path) {
    let mode = fs::metadata(path).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        tracing::warn!(
            "others can read the secrets; fix: chmod 600 {}",
            path.display()
        );
    }
}

/// Whole or not at all, and still there after a power cut.
fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state_dir() -> (tempfile::TempDir, StateDir) {
        let temporary = tempfile::tempdir().unwrap();
        let state_dir = StateDir::open(Some(temporary.path().join("a/b"))).unwrap();
        (temporary, state_dir)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn secrets_are_made_once_and_for_their_owner_alone() {
        let (_temporary, state_dir) = state_dir();
        let made = state_dir.secrets().unwrap();
        assert_eq!(state_dir.secrets().unwrap(), made);
        assert_eq!(mode(&state_dir.path().join(SECRETS_FILE)), 0o600);
        assert_eq!(mode(state_dir.path()), 0o700);
    }

    #[test]
    fn secrets_are_not_made_anew_beside_a_database() {
        let (_temporary, state_dir) = state_dir();
        fs::write(state_dir.path().join(DATABASE_FILE), "").unwrap();
        assert!(matches!(
            state_dir.secrets(),
            Err(ServeError::SecretsLost(_))
        ));
    }

    #[test]
    fn a_broken_secrets_file_is_refused_and_kept() {
        let (_temporary, state_dir) = state_dir();
        let path = state_dir.path().join(SECRETS_FILE);
        fs::write(&path, "pepper = 7\n").unwrap();
        assert!(matches!(
            state_dir.secrets(),
            Err(ServeError::Secrets { .. })
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "pepper = 7\n");
    }
}
