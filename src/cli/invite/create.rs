//! `privcomm invite create`

use std::time::Duration;

use clap::Args;

use crate::base::Private;
use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::qr;
use crate::cli::when::moment;
use crate::cli::who::{Name, name};
use crate::cli::words::many;
use crate::config::duration;
use crate::wire::people::{InviteRequest, NewInvite};

/// Make an invite and print its link, once
///
/// The code stands behind the `#` of the link, which browsers keep to themselves: opening or
/// previewing the link doesn't use it up.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm invite create --qr                     for whoever scans it first
  privcomm invite create --for anna               only good for the handle anna
  privcomm invite create --uses 20 --expires 7d   for a whole club
  privcomm invite create --recover anna           anna lost her phone: her old
      keys, queue and sockets go when it is used, and her contacts are told")]
pub(in crate::cli) struct Create {
    #[command(flatten)]
    daemon: Running,

    /// The one handle that may register with it, as its owner will type it
    #[arg(long = "for", value_name = "HANDLE", value_parser = name)]
    handle: Option<Name>,

    /// How often it can be used [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    uses: Option<u32>,

    /// How long it is good for, 1m to 365d [default: 1d]
    #[arg(long, value_name = "DURATION", value_parser = life)]
    expires: Option<Duration>,

    /// Let this member start again with new keys instead
    #[arg(long, value_name = "USER", value_parser = name, conflicts_with_all = ["handle", "uses"])]
    recover: Option<Name>,

    /// Show the link as a QR code, too
    #[arg(long)]
    qr: bool,
}

impl Create {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let typed = |name: &Name| Private(name.as_str().to_owned());
        let request = InviteRequest {
            handle: self.handle.as_ref().map(typed),
            uses: self.uses,
            ttl: self.expires.map(|life| life.as_secs()),
            recover: self.recover.as_ref().map(typed),
        };
        let made: NewInvite = self.daemon.reach(output)?.post("/v1/invites", &request)?;
        tell(&made, self.qr, output)?;
        Ok(Exit::Done)
    }
}

/// Prints a fresh code: the link is what was asked for, the rest is talk.
pub(in crate::cli) fn tell(
    made: &NewInvite,
    with_qr: bool,
    output: &Output,
) -> Result<(), CliError> {
    output.show(made, || {
        let picture = with_qr
            .then(|| qr::picture(&made.link.0, qr::ink()))
            .flatten();
        format!("{}\n{}", made.link.0, picture.unwrap_or_default())
    })?;
    if !output.is_json() {
        output.note(format_args!(
            "good until {}, {}; shown this once (invite {})",
            moment(made.invite.expires_at),
            match made.invite.uses_left {
                1 => "once".to_owned(),
                uses => many(uses.into(), "time"),
            },
            made.invite.id
        ));
    }
    Ok(())
}

fn life(text: &str) -> Result<Duration, String> {
    duration(text)
        .filter(|life| (60..=365 * 86_400).contains(&life.as_secs()))
        .ok_or_else(|| "expected a duration from 1m to 365d, such as 24h".to_owned())
}
