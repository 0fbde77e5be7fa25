//! `privcomm invite`: codes that let somebody register, or start again.

pub(super) mod create;
mod list;

use clap::Subcommand;

use super::exit::{CliError, Exit};
use super::output::Output;

/// Make, list and take back invites
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm invite create --qr
  privcomm invite list
  privcomm invite revoke 3f0c")]
pub(super) enum InviteCommand {
    Create(create::Create),
    List(list::List),
    Show(list::Show),
    Revoke(list::Revoke),
}

impl InviteCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Create(command) => command.run(output),
            Self::List(command) => command.run(output),
            Self::Show(command) => command.run(output),
            Self::Revoke(command) => command.run(output),
        }
    }
}

pub(super) use create::tell;
