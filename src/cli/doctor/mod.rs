//! `privcomm doctor`: every check there is, one file a group. Nothing is changed by any.

mod appearance;
mod clock;
mod config;
mod database;
mod disk;
mod files;
mod http;
mod outside;
mod public;
mod push;
mod relay;
mod scene;
mod tls;
mod tunnel;
mod unit;
mod upgrade;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use self::scene::Scene;
use super::daemon::Running;
use super::exit::{CliError, Exit};
use super::finding::{Finding, Group, Outcome, lines};
use super::output::{Output, text};
use crate::config::duration;

/// Check everything: from the clock to what the public name serves. Changes nothing
///
/// It really allocates and relays, really holds a socket, and compares the bytes that are served.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm doctor
  privcomm doctor --only relay --json
  privcomm doctor --outside                    a link for a phone without Wi-Fi
  privcomm doctor --only public --hold 130s    past the patience of proxies

Exit codes: 0 nothing fails, 7 something does (--strict: or warns).")]
pub(super) struct Doctor {
    #[command(flatten)]
    daemon: Running,

    /// State directory, where no daemon says it [default: store.path]
    #[arg(
        long,
        value_name = "DIR",
        env = "PRIVCOMM_DATA",
        hide_env_values = true
    )]
    data: Option<PathBuf>,

    /// Check only this group; may be repeated
    #[arg(long, value_name = "GROUP")]
    only: Vec<Group>,

    /// Connect to nothing beyond this machine
    #[arg(long)]
    offline: bool,

    /// Print a link, once, with which any phone proves what of this machine is reached
    ///
    /// It is good for ten minutes. What was reached from a public address is shown by ports, status
    /// and doctor until the daemon restarts.
    #[arg(long, conflicts_with_all = ["only", "offline", "strict"])]
    outside: bool,

    /// Exit with 7 on warnings too
    #[arg(long)]
    strict: bool,

    /// How long a socket of the public name is held, at most 4m
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = span)]
    hold: Duration,

    /// Where cloudflared's local endpoints are [default: the first of 127.0.0.1:20241 to 20245]
    #[arg(
        long,
        value_name = "ADDR",
        env = "PRIVCOMM_TUNNEL_METRICS",
        hide_env_values = true
    )]
    metrics: Option<SocketAddr>,
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    findings: &'a [Finding],
}

/// A group's checks.
type Check = fn(&Scene<'_>) -> Vec<Finding>;

/// Every group, in the order in which they are shown.
const CHECKS: [(Group, Check); 14] = [
    (Group::Clock, clock::check),
    (Group::Config, config::check),
    (Group::Database, database::check),
    (Group::Disk, disk::check),
    (Group::Files, files::check),
    (Group::Unit, unit::check),
    (Group::Http, http::check),
    (Group::Tunnel, tunnel::check),
    (Group::Public, public::check),
    (Group::Relay, relay::check),
    (Group::Outside, outside::check),
    (Group::Push, push::check),
    (Group::Tls, tls::check),
    (Group::Upgrade, upgrade::check),
];

/// Longer than proxies let idle sockets live, and four heartbeats.
const PATIENT_HOLD: Duration = Duration::from_secs(130);

impl Doctor {
    /// The checks of these groups, with all the patience they need.
    pub(super) const fn of(daemon: Running, only: Vec<Group>) -> Self {
        Self {
            daemon,
            data: None,
            only,
            offline: false,
            outside: false,
            strict: false,
            hold: PATIENT_HOLD,
            metrics: None,
        }
    }

    /// The same, holding sockets for `span`.
    pub(super) fn holding(self, span: Duration) -> Self {
        Self { hold: span, ..self }
    }

    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        if self.outside {
            return outside::link(&self.daemon, output);
        }
        let findings = if output.is_json() {
            self.examine(output)?
        } else {
            self.examine_aloud(output)?
        };
        let worst = findings.iter().map(|finding| finding.outcome).max();
        let ok = match worst {
            Some(Outcome::Fail) => false,
            Some(Outcome::Warn) => !self.strict,
            Some(Outcome::Ok) | None => true,
        };
        if output.is_json() {
            let findings = &findings;
            super::output::document(&Document { ok, findings })?;
        }
        Ok(if ok { Exit::Done } else { Exit::ChecksFailed })
    }

    /// Every check that stays on this machine.
    pub(super) fn quick(daemon: Running) -> Self {
        Self {
            offline: true,
            hold: Duration::from_secs(1),
            ..Self::of(daemon, Vec::new())
        }
    }

    /// What the checks that were asked for find.
    pub(super) fn examine(&self, output: &Output) -> Result<Vec<Finding>, CliError> {
        self.each_group(output, |_| Ok(()))
    }

    /// The same, each group shown as it is found: some take their time.
    pub(super) fn examine_aloud(&self, output: &Output) -> Result<Vec<Finding>, CliError> {
        self.each_group(output, |findings| Ok(text(&lines(findings))?))
    }

    fn each_group(
        &self,
        output: &Output,
        heard: impl Fn(&[Finding]) -> Result<(), CliError>,
    ) -> Result<Vec<Finding>, CliError> {
        let scene = Scene::look(self, output)?;
        let asked = |group: &Group| self.only.is_empty() || self.only.contains(group);
        let mut all = Vec::new();
        for (_, check) in CHECKS.into_iter().filter(|(group, _)| asked(group)) {
            let found = check(&scene);
            heard(&found)?;
            all.extend(found);
        }
        Ok(all)
    }
}

/// How long a socket may be held.
pub(super) fn span(text: &str) -> Result<Duration, String> {
    duration(text)
        .filter(|span| *span <= Duration::from_mins(4))
        .ok_or_else(|| "expected a duration of at most 4m, such as 130s".to_owned())
}
