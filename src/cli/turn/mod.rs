//! `privcomm turn`: the media relay.

mod credentials;

use clap::Subcommand;

use super::exit::{CliError, Exit};
use super::output::Output;

/// Look after the media relay
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm turn credentials --ttl 1h")]
pub(super) enum TurnCommand {
    Credentials(credentials::Credentials),
}

impl TurnCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Credentials(command) => command.run(output),
        }
    }
}
