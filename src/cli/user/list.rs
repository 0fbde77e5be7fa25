//! `privcomm user list`

use clap::Args;

use crate::cli::daemon::{Daemon, Running};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{Output, table};
use crate::cli::when::day;
use crate::cli::words::{amount, cut, harmless};
use crate::wire::people::{Standing, User, Users};

/// Characters of a published name that are shown.
const NAME: usize = 16;

/// List members, in the order of their ids
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm user list
  privcomm user list --suspended
  privcomm user list --json | jq '.users | length'")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    daemon: Running,

    /// Only those who are suspended, or were reset
    #[arg(long)]
    suspended: bool,

    /// Only those who are online
    #[arg(long)]
    online: bool,
}

impl List {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let mut users = everybody(&self.daemon.reach(output)?)?;
        users.retain(|user| {
            (!self.suspended || user.standing != Standing::Active) && (!self.online || user.online)
        });
        let listed = Users { users, more: false };
        output.show(&listed, || lines(&listed.users))?;
        Ok(Exit::Done)
    }
}

/// Every page.
fn everybody(daemon: &Daemon<'_>) -> Result<Vec<User>, CliError> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let path = match users.last() {
            Some(last) => format!("/v1/users?after={}", last.user_id),
            None => "/v1/users".to_owned(),
        };
        let page: Users = daemon.get(&path)?;
        let is_last = !page.more || page.users.is_empty();
        users.extend(page.users);
        if is_last {
            return Ok(users);
        }
    }
}

fn lines(users: &[User]) -> String {
    let row = |user: &User| {
        let name = user.public_name.as_ref();
        [
            user.short_id.clone(),
            name.map(|name| cut(&harmless(&name.0), NAME))
                .unwrap_or_default(),
            match (user.standing, user.online) {
                (Standing::Suspended, _) => "suspended",
                (Standing::Reset, _) => "reset",
                (Standing::Active, true) => "online",
                (Standing::Active, false) => "offline",
            }
            .to_owned(),
            format!("{} ({})", user.queued_messages, amount(user.queued_bytes)),
            user.member_since.clone(),
            day(&user.last_seen),
        ]
    };
    let rows: Vec<_> = users.iter().map(row).collect();
    table(
        ["ID", "NAME", "STATE", "QUEUE", "MEMBER SINCE", "LAST SEEN"],
        &rows,
    )
}
