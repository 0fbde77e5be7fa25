//! `privcomm turn`: the media relay.

mod allocations;
mod credentials;
mod rotate_secret;
mod test;

use clap::Subcommand;

pub(super) use self::test::{lines, trial};

use super::exit::{CliError, Exit};
use super::output::Output;

/// Look after the media relay
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm turn test
  privcomm turn credentials --ttl 1h
  privcomm turn allocations
  privcomm turn rotate-secret --keep-old")]
pub(super) enum TurnCommand {
    Test(test::Test),
    Credentials(credentials::Credentials),
    Allocations(allocations::Allocations),
    RotateSecret(rotate_secret::RotateSecret),
}

impl TurnCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Test(command) => command.run(output),
            Self::Credentials(command) => command.run(output),
            Self::Allocations(command) => command.run(output),
            Self::RotateSecret(command) => command.run(output),
        }
    }
}
