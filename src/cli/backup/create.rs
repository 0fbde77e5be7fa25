//! `privcomm backup create`: through the daemon where one runs, else of the file itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::PassphraseSource;
use crate::base::Private;
use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::progress;
use crate::cli::site::Site;
use crate::cli::words::{amount, many};
use crate::store::backup::{BackupError, Kind, Passphrase, verify};
use crate::store::{OfflineStore, StoreError};
use crate::wire::admin::{BackupMade, BackupOrder};

/// How long a backup of a large database may take.
const PATIENCE: Duration = Duration::from_hours(6);

/// Make a backup: database, secrets and configuration in one file
///
/// Nobody notices: the daemon goes on, and everything accepted before the start is in it. Whoever has
/// the file has the secrets; seal what leaves the machine.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm backup create
  privcomm backup create --seal --to /media/stick/")]
pub(in crate::cli) struct Create {
    #[command(flatten)]
    running: Running,

    /// State directory [default: store.path]
    #[arg(
        long,
        value_name = "DIR",
        env = "PRIVCOMM_DATA",
        hide_env_values = true
    )]
    data: Option<PathBuf>,

    /// Where to: a directory, or a file [default: backup.directory]
    #[arg(long, value_name = "PATH")]
    to: Option<PathBuf>,

    /// Seal it with a passphrase
    #[arg(long)]
    seal: bool,

    #[command(flatten)]
    passphrase: PassphraseSource,
}

impl Create {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let site = Site::of(&self.running.settings, self.data.as_ref())?;
        let passphrase = self.seal.then(|| self.passphrase.new_one()).transpose()?;
        let to = self.to.as_deref().map(|to| file(to, &site)).transpose()?;
        // Whoever names a daemon and no state means the state of that daemon.
        let made = if self.running.is_named() && self.data.is_none() {
            self.online(to, passphrase, output)?
        } else {
            self.wherever_it_is(&site, to, passphrase, output)?
        };
        output.show(&made, || words(&made))?;
        Ok(Exit::Done)
    }

    fn wherever_it_is(
        &self,
        site: &Site,
        to: Option<PathBuf>,
        passphrase: Option<Passphrase>,
        output: &Output,
    ) -> Result<BackupMade, CliError> {
        match OfflineStore::open(&site.belongings.state) {
            Ok(database) => {
                output.note(format_args!("no daemon runs: backing up the file itself"));
                offline(&database, site, to, passphrase.as_ref(), output)
            }
            Err(StoreError::AlreadyOpen { .. }) => self.online(to, passphrase, output),
            // The service's state is its own; the daemon is asked, and says why not.
            Err(StoreError::File { reason, .. })
                if reason.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                self.online(to, passphrase, output)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn online(
        &self,
        to: Option<PathBuf>,
        passphrase: Option<Passphrase>,
        output: &Output,
    ) -> Result<BackupMade, CliError> {
        let order = BackupOrder {
            to: to.map(|path| path.display().to_string()),
            passphrase: passphrase.map(|passphrase| Private(passphrase.expose().to_owned())),
        };
        let daemon = self.running.reach(output)?.patient(PATIENCE);
        daemon.post("/v1/backups", &order)
    }
}

fn offline(
    database: &OfflineStore,
    site: &Site,
    to: Option<PathBuf>,
    passphrase: Option<&Passphrase>,
    output: &Output,
) -> Result<BackupMade, CliError> {
    let file = match to {
        Some(file) => file,
        None => site.shelf.place(&Kind::Manual, site.now)?,
    };
    let request = site
        .belongings
        .request(file, site.now, passphrase.cloned())?;
    let made = progress::shown(output, "backup", |progress| {
        database.back_up(&request, progress)
    })?;
    progress::shown(output, "verifying", |progress| {
        verify(&made.path, passphrase, progress)
    })?;
    Ok(BackupMade {
        path: made.path.display().to_string(),
        bytes: made.bytes,
        accounts: made.header.accounts,
        messages: made.header.messages,
        sealed: made.header.is_sealed(),
    })
}

/// The file that is meant: a fresh one where a directory was named. From the root, because the
/// daemon has another working directory.
fn file(to: &Path, site: &Site) -> Result<PathBuf, CliError> {
    let path = std::path::absolute(to)?;
    if path.is_dir() {
        let shelf = crate::store::backup::Shelf::new(path);
        return Ok(shelf.place(&Kind::Manual, site.now)?);
    }
    if path.exists() {
        return Err(BackupError::Exists(path).into());
    }
    Ok(path)
}

fn words(made: &BackupMade) -> String {
    format!(
        "{} (verified{}): {}, {}, {}\n",
        made.path,
        if made.sealed { ", sealed" } else { "" },
        amount(made.bytes),
        many(made.accounts, "account"),
        many(made.messages, "message"),
    )
}
