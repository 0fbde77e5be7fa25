//! `privcomm invite list`, `show` and `revoke`

use clap::Args;

use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{Output, table};
use crate::cli::when::moment;
use crate::cli::who::{Name, name};
use crate::wire::people::{Admits, Invite, InviteState, Invites};

/// List every invite that is remembered, the newest first; never their codes
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm invite list
  privcomm invite list --json")]
pub(in crate::cli) struct List {
    #[command(flatten)]
    daemon: Running,
}

impl List {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let listed: Invites = self.daemon.reach(output)?.get("/v1/invites")?;
        output.show(&listed, || lines(&listed.invites))?;
        Ok(Exit::Done)
    }
}

/// Show one invite; never its code
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm invite show 3f0c")]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    daemon: Running,

    /// Any beginning of its id that no other has
    #[arg(value_name = "ID", value_parser = name)]
    id: Name,
}

impl Show {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let path = self.id.path("/v1/invites", "");
        let invite: Invite = self.daemon.reach(output)?.get(&path)?;
        output.show(&invite, || lines(std::slice::from_ref(&invite)))?;
        Ok(Exit::Done)
    }
}

/// Take an invite back: it is worth nothing from then on
///
/// Whoever registered with it before stays.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm invite revoke 3f0c")]
pub(in crate::cli) struct Revoke {
    #[command(flatten)]
    daemon: Running,

    /// Any beginning of its id that no other has
    #[arg(value_name = "ID", value_parser = name)]
    id: Name,
}

impl Revoke {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let path = self.id.path("/v1/invites", "/revoke");
        let invite: Invite = self.daemon.reach(output)?.post(&path, &())?;
        output.show(&invite, || lines(std::slice::from_ref(&invite)))?;
        Ok(Exit::Done)
    }
}

fn lines(invites: &[Invite]) -> String {
    let row = |invite: &Invite| {
        [
            invite.id.clone(),
            match invite.state {
                InviteState::Open => "open",
                InviteState::Used => "used",
                InviteState::Expired => "expired",
                InviteState::Revoked => "revoked",
            }
            .to_owned(),
            match (invite.admits, invite.recovers) {
                (_, Some(user)) => format!("recovers {}…", &user.to_string()[..8]),
                (Admits::OneHandle, None) => "one handle".to_owned(),
                (Admits::Anybody | Admits::Recovery, None) => "anybody".to_owned(),
            },
            invite.uses_left.to_string(),
            moment(invite.created_at),
            moment(invite.expires_at),
        ]
    };
    let rows: Vec<_> = invites.iter().map(row).collect();
    table(["ID", "STATE", "FOR", "USES", "MADE", "EXPIRES"], &rows)
}
