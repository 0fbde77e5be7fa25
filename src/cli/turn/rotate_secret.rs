//! `privcomm turn rotate-secret`

use clap::Args;

use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::site::confirm;
use crate::cli::when::moment;
use crate::wire::people::{SecretRequest, SecretRotated};

/// Give the media relay a new secret, which ends the credentials of the old one
///
/// What was opened with an old credential lapses within ten minutes, because it can't be refreshed;
/// clients get new credentials by themselves. With --keep-old nobody notices: credentials that were
/// given out are honoured until they expire, or until the daemon restarts. Where the secret comes from
/// turn.secret_file, that file has to be changed instead, on every box that has it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm turn rotate-secret --keep-old      now and then, to be careful
  privcomm turn rotate-secret --yes           the secret got out")]
pub(in crate::cli) struct RotateSecret {
    #[command(flatten)]
    daemon: Running,

    /// Honour credentials of the old secret until they expire
    #[arg(long)]
    keep_old: bool,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

impl RotateSecret {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let daemon = self.daemon.reach(output)?;
        let question = "End every credential of the media relay? Calls that use it may break off.";
        confirm(self.yes || self.keep_old, question)?;
        let request = SecretRequest {
            keep_old: self.keep_old,
        };
        let rotated: SecretRotated = daemon.post("/v1/turn/rotate-secret", &request)?;
        output.show(&rotated, || match rotated.old_until {
            Some(until) => format!(
                "the media relay has a new secret; old credentials are honoured until {}\n",
                moment(until)
            ),
            None => "the media relay has a new secret; every old credential has ended\n".to_owned(),
        })?;
        Ok(Exit::Done)
    }
}
