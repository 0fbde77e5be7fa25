//! `privcomm user show`

use clap::Args;

use super::Who;
use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::when::{day, moment};
use crate::cli::who::Name;
use crate::cli::words::{amount, harmless};
use crate::wire::people::{Standing, UserReport};

/// Show a member: since when, whether online, what waits, when last seen
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm user show anna
  privcomm user show 3f0c
  privcomm user show @abba        a handle that could be the beginning of an id")]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    daemon: Running,

    #[command(flatten)]
    who: Who,
}

impl Show {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let report: UserReport = self.daemon.reach(output)?.get(&self.who.path(""))?;
        output.show(&report, || line(&self.who.user, &report))?;
        Ok(Exit::Done)
    }
}

/// A member on one line, and on a second what is out of the ordinary.
pub(super) fn line(asked: &Name, report: &UserReport) -> String {
    let user = &report.user;
    let presence = if user.online { "online" } else { "offline" };
    let fields = [
        called(asked, report),
        Some(format!("{}…", user.short_id)),
        Some(format!("member since {}", user.member_since)),
        Some(presence.to_owned()),
        Some(format!(
            "queue {} ({})",
            user.queued_messages,
            amount(user.queued_bytes)
        )),
        Some(format!("prekeys {}", report.one_time_prekeys)),
        Some(format!("last seen {}", day(&user.last_seen))),
    ];
    let fields: Vec<_> = fields.into_iter().flatten().collect();
    let more = match user.standing {
        Standing::Active => String::new(),
        Standing::Suspended => suspended(report),
        Standing::Reset => format!(
            "was reset: needs a recovery code    privcomm invite create --recover {}\n",
            user.short_id
        ),
    };
    format!("{}\n{more}", fields.join("   "))
}

/// What a member goes by: the handle that was typed, or the name they chose to publish.
fn called(asked: &Name, report: &UserReport) -> Option<String> {
    if !asked.begins(&report.user.user_id.to_string()) {
        return Some(asked.to_string().trim_start_matches('@').to_owned());
    }
    let published = report.user.public_name.as_ref();
    published.map(|name| harmless(&name.0))
}

fn suspended(report: &UserReport) -> String {
    let suspension = report.user.suspension.as_ref();
    let until = suspension.and_then(|it| it.until);
    let reason = suspension.and_then(|it| it.reason.as_deref());
    let until = until.map(|until| format!(" until {}", moment(until)));
    let reason = reason.map(|reason| format!(": {}", harmless(reason)));
    format!(
        "suspended{}{}\n",
        until.unwrap_or_default(),
        reason.unwrap_or_default()
    )
}
