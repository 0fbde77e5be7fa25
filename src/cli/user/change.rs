//! `privcomm user suspend`, `resume`, `reset` and `delete`

use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::Who;
use super::show::line;
use crate::cli::daemon::{Daemon, Running};
use crate::cli::exit::{CliError, Exit};
use crate::cli::invite;
use crate::cli::output::Output;
use crate::cli::site::confirm;
use crate::cli::who::Name;
use crate::config::duration;
use crate::wire::people::{NewInvite, SuspendRequest, UserReport};

/// Bar a member: they can receive and export, and neither send nor call
///
/// Their tokens, socket, calls and relay allocations end at once. They may log in again, read what
/// waits for them, and delete the account.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm user suspend mallory --for 7d --reason \"calls\"
  privcomm user suspend 3f0c")]
pub(in crate::cli) struct Suspend {
    #[command(flatten)]
    daemon: Running,

    #[command(flatten)]
    who: Who,

    /// How long; it ends by itself then [default: until privcomm user resume]
    #[arg(long = "for", value_name = "DURATION", value_parser = term)]
    term: Option<Duration>,

    /// Why, for other operators; the member isn't told
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Suspend {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let request = SuspendRequest {
            ttl: self.term.map(|term| term.as_secs()),
            reason: self.reason.clone(),
        };
        let daemon = self.daemon.reach(output)?;
        let report: UserReport = daemon.post(&self.who.path("/suspend"), &request)?;
        output.show(&report, || line(&self.who.user, &report))?;
        Ok(Exit::Done)
    }
}

fn term(text: &str) -> Result<Duration, String> {
    duration(text)
        .filter(|term| term.as_secs() > 0)
        .ok_or_else(|| "expected a duration of at least 1s, such as 7d".to_owned())
}

/// Let a member in again who is suspended
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm user resume mallory")]
pub(in crate::cli) struct Resume {
    #[command(flatten)]
    daemon: Running,

    #[command(flatten)]
    who: Who,
}

impl Resume {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let daemon = self.daemon.reach(output)?;
        let report: UserReport = daemon.post(&self.who.path("/resume"), &())?;
        output.show(&report, || line(&self.who.user, &report))?;
        Ok(Exit::Done)
    }
}

/// End everything that a member's keys can do, at once, and print a link to start again with
///
/// For a phone that was stolen: tokens, socket, calls, prekeys, and all messages to the member and
/// from them go now, not when the link is used. Handle, contacts and user id stay. Where nothing is
/// urgent, privcomm invite create --recover does the same when its link is used.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm user reset anna --qr")]
pub(in crate::cli) struct Reset {
    #[command(flatten)]
    daemon: Running,

    #[command(flatten)]
    who: Who,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,

    /// Show the link as a QR code, too
    #[arg(long)]
    qr: bool,
}

impl Reset {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let daemon = self.daemon.reach(output)?;
        let found = ask(&daemon, &self.who, self.yes, "End all keys and messages of")?;
        let made: NewInvite = daemon.post(&found.path("/v1/users", "/reset"), &())?;
        invite::tell(&made, self.qr, output)?;
        Ok(Exit::Done)
    }
}

/// Delete a member and everything that is theirs
///
/// Their socket closes at once; messages to them and from them are gone. This can't be undone.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm user delete mallory
  privcomm user delete 3f0c --yes")]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    daemon: Running,

    #[command(flatten)]
    who: Who,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

#[derive(Serialize)]
struct Deleted {
    deleted: String,
}

impl Delete {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let daemon = self.daemon.reach(output)?;
        let found = ask(&daemon, &self.who, self.yes, "Delete for good:")?;
        let () = daemon.post(&found.path("/v1/users", "/delete"), &())?;
        let deleted = Deleted {
            deleted: found.as_str().to_owned(),
        };
        output.show(&deleted, || format!("{found} is deleted\n"))?;
        Ok(Exit::Done)
    }
}

/// Looks the member up and has it confirmed that it is them. Their whole id, so that nobody else can
/// come to be meant in between.
fn ask(daemon: &Daemon<'_>, who: &Who, yes: bool, question: &str) -> Result<Name, CliError> {
    let report: UserReport = daemon.get(&who.path(""))?;
    let shown = line(&who.user, &report);
    confirm(
        yes,
        &format!("{question} {}\nAre you sure?", shown.trim_end()),
    )?;
    Ok(report.user.user_id.to_string().into())
}
