//! `privcomm backup …`

mod create;
mod list;
mod passphrase;
mod prune;
mod verify;

use std::path::Path;

use clap::Subcommand;

use super::exit::{CliError, Exit};
use super::output::Output;
use crate::store::backup::{Header, Shelf, header};

pub(super) use passphrase::{PassphraseSource, ask_unseen};

/// Make, list, verify and prune backups
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm backup create       one file with everything, while the daemon runs
  privcomm backup list         what there is to go back to")]
pub(super) enum BackupCommand {
    Create(create::Create),
    List(list::List),
    Verify(verify::Verify),
    Prune(prune::Prune),
}

impl BackupCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Create(command) => command.run(output),
            Self::List(command) => command.run(output),
            Self::Verify(command) => command.run(output),
            Self::Prune(command) => command.run(output),
        }
    }
}

/// The backup that `name` names: a file, or one on the shelf.
pub(super) fn named(shelf: &Shelf, name: &str) -> Result<(std::path::PathBuf, Header), CliError> {
    let path = Path::new(name);
    if path.is_file() || name.contains('/') {
        return Ok((path.to_owned(), header(path)?));
    }
    let listed = shelf.find(name)?;
    Ok((listed.path, listed.header?))
}
