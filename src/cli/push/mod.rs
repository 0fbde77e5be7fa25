//! `privcomm push`: notifications.

mod keys;
mod test;

use clap::Subcommand;

use super::exit::{CliError, Exit};
use super::output::Output;

/// See how notifications are set up, and try one
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm push keys
  privcomm push test anna")]
pub(super) enum PushCommand {
    Keys(keys::Keys),
    Test(test::Test),
}

impl PushCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Keys(command) => command.run(output),
            Self::Test(command) => command.run(output),
        }
    }
}
