//! `privcomm token`: what members prove with every request who they are.

use clap::{Args, Subcommand};

use super::daemon::Running;
use super::exit::{CliError, Exit};
use super::output::Output;
use super::site::confirm;
use super::words::many;
use crate::wire::people::KeyRotated;

/// Look after the tokens of members
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm token rotate-key --yes")]
pub(super) enum TokenCommand {
    RotateKey(RotateKey),
}

impl TokenCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::RotateKey(command) => command.run(output),
        }
    }
}

/// End all tokens at once, by signing with a new key from now on
///
/// Every session is closed; clients log in anew by themselves. No message is lost, and calls go on
/// where their clients return in time.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm token rotate-key
  privcomm token rotate-key --yes --json")]
pub(in crate::cli) struct RotateKey {
    #[command(flatten)]
    daemon: Running,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

impl RotateKey {
    fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let daemon = self.daemon.reach(output)?;
        confirm(self.yes, "End every token, and close every session?")?;
        let rotated: KeyRotated = daemon.post("/v1/token/rotate-key", &())?;
        output.show(&rotated, || {
            format!(
                "every token has ended; {} closed\n",
                many(rotated.sessions, "session")
            )
        })?;
        Ok(Exit::Done)
    }
}
