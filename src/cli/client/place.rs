//! Where the account is kept, and what it takes to open it.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::runtime::Runtime;

use crate::base::{Private, Trouble, UserId};
use crate::cli::backup::ask_unseen;
use crate::cli::daemon::runtime;
use crate::cli::exit::{CliError, Exit};
use crate::client::storage::{DiskStorage, Passphrase, StorageError, is_wrapped};
use crate::client::{Client, Error, Settings, Vault};

const PASSPHRASE: &str = "PRIVCOMM_CLIENT_PASSPHRASE";

/// Which account.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Directory of the account [default: privcomm/client in $XDG_DATA_HOME or ~/.local/share]
    #[arg(long, value_name = "DIR", env = "PRIVCOMM_CLIENT_DIR")]
    dir: Option<PathBuf>,

    /// Read the passphrase of the account from this file [default: $PRIVCOMM_CLIENT_PASSPHRASE, else
    /// the terminal, where there is one]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,

    /// A certificate (PEM) to believe beside those of this machine's authorities
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
}

/// Whether a new account is to be kept under a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// If one is given.
    IfGiven,
    /// It is asked for where none is given.
    Asked,
}

impl Place {
    /// What the client is told besides.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            certificate: self.certificate.clone(),
            ..Settings::default()
        }
    }

    /// The certificate to believe as well.
    pub(super) fn certificate(&self) -> Option<PathBuf> {
        self.certificate.clone()
    }

    /// The account that is kept here, and a runtime to use it in.
    pub(super) fn open(&self) -> Result<(Client, Runtime), CliError> {
        let runtime = runtime()?;
        let directory = self.directory()?;
        if !DiskStorage::exists(&directory).unwrap_or(true) {
            return Err(Error::NoAccount.into());
        }
        let vault = self.vault(&directory, Wish::IfGiven)?;
        let client = runtime.block_on(Client::open(vault, self.settings()))?;
        Ok((client, runtime))
    }

    /// Where a new account is to be kept.
    pub(super) fn new_vault(&self, wish: Wish) -> Result<Vault, CliError> {
        self.vault(&self.directory()?, wish)
    }

    fn vault(&self, directory: &Path, wish: Wish) -> Result<Vault, CliError> {
        let is_wrapped = is_wrapped(directory).map_err(Error::from)?;
        let passphrase = match (self.given()?, is_wrapped, wish) {
            (Some(passphrase), _, _) => Passphrase::Some(passphrase),
            (None, true, _) => Passphrase::Some(ask("Passphrase of the account: ")?),
            (None, false, Wish::Asked) => Passphrase::Some(ask_twice()?),
            (None, false, Wish::IfGiven) => Passphrase::None,
        };
        Ok(Vault::at(directory, &passphrase)?)
    }

    fn directory(&self) -> Result<PathBuf, CliError> {
        if let Some(directory) = &self.dir {
            return Ok(directory.clone());
        }
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let data = set("XDG_DATA_HOME").map(PathBuf::from);
        let data = data.or_else(|| Some(PathBuf::from(set("HOME")?).join(".local/share")));
        match data {
            Some(data) => Ok(data.join("privcomm/client")),
            None => Err(unusable("name the directory of the account: --dir DIR")),
        }
    }

    fn given(&self) -> Result<Option<Private<String>>, CliError> {
        let text = match &self.passphrase_file {
            Some(path) => fs::read_to_string(path)
                .map_err(|error| unusable(format!("can't read {}: {error}", path.display())))?,
            None => match std::env::var(PASSPHRASE) {
                Ok(text) => text,
                Err(_) => return Ok(None),
            },
        };
        one_line(&text).map(Some)
    }
}

/// Whom a command is about: a user id, a name on this device, or a handle.
pub(super) async fn find(client: &Client, who: &str) -> Result<UserId, Error> {
    match who.parse() {
        Ok(user) => Ok(user),
        Err(_) => client.find(who).await,
    }
}

/// Something that was given and can't be used.
pub(super) fn unusable(detail: impl Into<String>) -> CliError {
    CliError::Found {
        trouble: Trouble::ClientInput,
        detail: detail.into(),
        exit: Exit::Usage,
    }
}

/// A secret that is typed unseen.
pub(super) fn ask(question: &str) -> Result<Private<String>, CliError> {
    match ask_unseen(question)? {
        Some(line) => one_line(&line),
        None => Err(Error::Storage(StorageError::Passphrase("none, and no terminal")).into()),
    }
}

fn ask_twice() -> Result<Private<String>, CliError> {
    let first = ask("Passphrase for the account: ")?;
    if *ask("Once more: ")? == *first {
        Ok(first)
    } else {
        Err(unusable("the two passphrases differ"))
    }
}

fn one_line(text: &str) -> Result<Private<String>, CliError> {
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err(unusable("the passphrase is empty")),
        line => Ok(Private(line.to_owned())),
    }
}
