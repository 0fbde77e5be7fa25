//! `privcomm push keys`

use clap::Args;

use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::site::confirm;
use crate::wire::push::PushState;

/// Show the key that push services know this server by, or replace it
///
/// Every subscription is made for that key. A new one ends them all; clients subscribe anew by
/// themselves when they are next opened, and until then nothing wakes them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm push keys
  privcomm push keys --rotate      the secrets got out")]
pub(in crate::cli) struct Keys {
    #[command(flatten)]
    daemon: Running,

    /// Make a new key, which ends every subscription
    #[arg(long)]
    rotate: bool,

    /// Don't ask
    #[arg(long, short, requires = "rotate")]
    yes: bool,
}

impl Keys {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let daemon = self.daemon.reach(output)?;
        let state: PushState = if self.rotate {
            let question =
                "End every subscription? Nobody is notified before their client was opened.";
            confirm(self.yes, question)?;
            daemon.post("/v1/push/rotate-key", &())?
        } else {
            daemon.get("/v1/push")?
        };
        output.show(&state, || lines(&state))?;
        Ok(Exit::Done)
    }
}

fn lines(state: &PushState) -> String {
    let Some(key) = &state.vapid_key else {
        return "notifications are off: push.enabled is false\n".to_owned();
    };
    let subject = state.subject.as_deref().unwrap_or("nobody named");
    format!(
        "key            {key}\nresponsible    {subject}\nsubscriptions  {}\nsince start    {} taken, {} given up\n",
        state.subscriptions, state.sent, state.failed
    )
}
