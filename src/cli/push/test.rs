//! `privcomm push test`

use clap::Args;

use crate::base::Trouble;
use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::who::{Name, name};
use crate::cli::words::harmless;
use crate::wire::push::{PushTestRequest, PushTested};

/// Wake a member's devices once, and say what their push services answer
///
/// The member sees what always comes with a push when nothing waits: nothing, or that there may be
/// something new. A subscription that its service has ended is forgotten.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm push test anna
  privcomm push test 3f0c --json

Exit codes: 0 every service took it, 7 one did not, or there is none.")]
pub(in crate::cli) struct Test {
    #[command(flatten)]
    daemon: Running,

    /// A handle, or any beginning of a user id that no other has
    #[arg(value_name = "USER", value_parser = name)]
    user: Name,
}

impl Test {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let request = PushTestRequest {
            user: self.user.as_str().to_owned(),
        };
        let daemon = self.daemon.reach(output)?;
        let tested: PushTested = daemon.post("/v1/push/test", &request)?;
        output.show(&tested, || lines(&tested))?;
        let is_good = !tested.devices.is_empty() && tested.devices.iter().all(|it| it.taken);
        Ok(if is_good {
            Exit::Done
        } else {
            Exit::ChecksFailed
        })
    }
}

fn lines(tested: &PushTested) -> String {
    if tested.devices.is_empty() {
        return "no device of this member is subscribed\n".to_owned();
    }
    let line = |device: &crate::wire::push::PushedDevice| {
        let code = if device.taken {
            String::new()
        } else {
            format!("  {}", Trouble::PushFailing)
        };
        format!(
            "{}: {}{code}\n",
            harmless(&device.service),
            harmless(&device.answer)
        )
    };
    tested.devices.iter().map(line).collect()
}
