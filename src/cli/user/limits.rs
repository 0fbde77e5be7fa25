//! `privcomm user limits`

use clap::Args;

use super::Who;
use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{Output, table};
use crate::wire::people::{UserLimit, UserLimits};

/// Show what a member may use, and how much of it they do
///
/// Limits are the same for every member: one who could be given more could be given less without
/// noticing. The setting that changes each is named.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm user limits anna")]
pub(in crate::cli) struct Limits {
    #[command(flatten)]
    daemon: Running,

    #[command(flatten)]
    who: Who,
}

impl Limits {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let limits: UserLimits = self.daemon.reach(output)?.get(&self.who.path("/limits"))?;
        output.show(&limits, || lines(&limits.limits))?;
        Ok(Exit::Done)
    }
}

fn lines(limits: &[UserLimit]) -> String {
    let row = |limit: &UserLimit| {
        [
            limit.what.clone(),
            limit.used.map_or_else(String::new, |used| used.to_string()),
            limit.limit.clone(),
            limit.setting.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = limits.iter().map(row).collect();
    table(["WHAT", "USED", "LIMIT", "SETTING"], &rows)
}
