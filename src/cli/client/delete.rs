//! `privcomm client delete`

use clap::Args;

use super::place::Place;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::site::confirm;

/// Delete the account, at the server and here
///
/// Its handle is free for others afterwards. There is no way back, not even with a backup.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm client delete
  privcomm client delete --yes --dir /var/lib/echo-bot")]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    place: Place,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

impl Delete {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let (client, runtime) = self.place.open()?;
        confirm(self.yes, "Delete the account and all its messages?")?;
        runtime.block_on(client.delete())?;
        output.note(format_args!("the account is gone"));
        Ok(Exit::Done)
    }
}
