//! `privcomm man`

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::Invocation;
use super::exit::{CliError, Exit};
use super::output;

/// Print the manual page, or write one for every command into a directory
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm man | man -l -
  privcomm man ./man

The Debian package brings the pages along: man privcomm-serve")]
pub(super) struct Manual {
    /// Where to write privcomm.1, privcomm-serve.1 and so on
    directory: Option<PathBuf>,
}

impl Manual {
    pub(super) fn run(&self) -> Result<Exit, CliError> {
        let command = Invocation::command();
        if let Some(directory) = &self.directory {
            clap_mangen::generate_to(command, directory).map_err(|source| CliError::Write {
                path: directory.clone(),
                source,
            })?;
        } else {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            output::bytes(&page)?;
        }
        Ok(Exit::Done)
    }
}
