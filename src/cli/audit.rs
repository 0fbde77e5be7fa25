//! `privcomm audit`: what operators did.

use std::fs;
use std::time::Duration;

use clap::Args;

use super::daemon::Running;
use super::exit::{CliError, Exit};
use super::output::{Output, table};
use super::when::moment;
use super::words::{cut, harmless};
use crate::base::{Clock, Timestamp};
use crate::config::duration;
use crate::wire::people::{Audit, Deed};

/// The width that lines are cut to.
const WIDTH: usize = 80;

/// Say what operators did: when, who, which command, to whom; the newest last
///
/// The last 10,000 deeds are kept. Of members only the first eight characters of an id stand there, of
/// messages nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm audit
  privcomm audit --since 7d
  privcomm audit --json")]
pub(super) struct AuditCommand {
    #[command(flatten)]
    daemon: Running,

    /// How far back, such as 7d [default: all that is kept]
    #[arg(long, value_name = "DURATION", value_parser = span)]
    since: Option<Duration>,
}

impl AuditCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let now = Clock::System.now();
        let since = self
            .since
            .map_or_else(Timestamp::default, |span| now.saturating_sub(span));
        let daemon = self.daemon.reach(output)?;
        let audit: Audit = daemon.get(&format!("/v1/audit?since={}", since.as_millis()))?;
        output.show(&audit, || lines(&audit))?;
        Ok(Exit::Done)
    }
}

fn span(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| "expected a duration such as 7d".to_owned())
}

fn lines(audit: &Audit) -> String {
    let names = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let row = |deed: &Deed| {
        [
            moment(deed.at),
            deed.uid
                .map_or_else(|| "-".to_owned(), |uid| user_name(&names, uid)),
            deed.action.clone(),
            deed.subject.clone().unwrap_or_default(),
            deed.note.as_deref().map(harmless).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = audit.deeds.iter().map(row).collect();
    let text = table(["WHEN", "WHO", "COMMAND", "WHAT", "NOTE"], &rows);
    text.lines().map(|line| cut(line, WIDTH) + "\n").collect()
}

/// The name of a user in a file of the form of passwd(5), or their number.
fn user_name(names: &str, uid: u32) -> String {
    let found = names.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == uid).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| uid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_goes_by_name_where_there_is_one() {
        let names = "root:x:0:0:root:/root:/bin/bash\nbroken\nanna:x:1000:1000::/:\n";
        assert_eq!(user_name(names, 1000), "anna");
        assert_eq!(user_name(names, 7), "7");
    }
}
