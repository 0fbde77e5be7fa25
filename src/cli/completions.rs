//! `privcomm completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Invocation;
use super::exit::{CliError, Exit};
use super::output;

/// Print what a shell needs to complete this command line
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm completions bash > ~/.bash_completion
  privcomm completions fish > ~/.config/fish/completions/privcomm.fish

The Debian package brings them along.")]
pub(super) struct Completions {
    /// For which shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<Exit, CliError> {
        let mut script = Vec::new();
        let mut command = Invocation::command();
        let name = command.get_name().to_owned();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        output::bytes(&script)?;
        Ok(Exit::Done)
    }
}
