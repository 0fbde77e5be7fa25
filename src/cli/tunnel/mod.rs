//! `privcomm tunnel`: cloudflared, which brings the web side out.

mod cloudflared;
mod ingress;
mod judge;

use std::fmt::Write as _;
use std::net::SocketAddr;

use clap::{Args, Subcommand};
use serde::Serialize;

pub(super) use self::cloudflared::Cloudflared;
pub(super) use self::judge::{Target, judge};
use super::daemon::{Running, runtime};
use super::exit::{CliError, Exit};
use super::finding::{Finding, Outcome, lines};
use super::output::{Output, table};
use crate::base::Trouble;
use crate::wire::admin::{Purpose, Surroundings};

/// Set up and check a Cloudflare tunnel
///
/// A tunnel carries pages, the API and sockets. It can't carry calls, which have a door of their
/// own: `privcomm ports`.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm tunnel config chat.example.org > /etc/cloudflared/config.yml
  privcomm tunnel check
  privcomm tunnel show --json")]
pub(super) enum TunnelCommand {
    Config(Config),
    Check(Check),
    Show(Show),
}

/// Print a configuration for cloudflared
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm tunnel config chat.example.org     what cloudflared needs to be told")]
pub(super) struct Config {
    /// The public name
    hostname: String,

    /// The name or id of the tunnel
    #[arg(long, default_value = "TUNNEL")]
    tunnel: String,

    #[command(flatten)]
    daemon: Running,
}

/// Say what is wrong with the tunnel; exit with 7 where something is
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm tunnel check --strict")]
pub(super) struct Check {
    #[command(flatten)]
    place: Place,

    /// Exit with 7 on warnings too
    #[arg(long)]
    strict: bool,
}

/// Show the rules in effect
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm tunnel show")]
pub(super) struct Show {
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    daemon: Running,

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
struct Printed<'a> {
    yaml: &'a str,
}

#[derive(Serialize)]
struct Checked {
    ok: bool,
    findings: Vec<Finding>,
}

#[derive(Serialize)]
struct Shown<'a> {
    connections: Option<u64>,
    file: Option<String>,
    rules: &'a [ingress::Rule],
}

impl TunnelCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Config(command) => command.run(output),
            Self::Check(command) => command.run(output),
            Self::Show(command) => command.run(output),
        }
    }
}

impl Config {
    fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let web = target(&self.daemon, output).web.into_iter().next();
        let service = web.unwrap_or_else(|| "127.0.0.1:8000".to_owned());
        let yaml = template(&self.tunnel, &self.hostname, &service);
        output.show(&Printed { yaml: &yaml }, || yaml.clone())?;
        Ok(Exit::Done)
    }
}

/// A configuration of cloudflared. `http:` and not `unix:`, over which WebSockets fail whenever it
/// falls back to HTTP/2.
fn template(tunnel: &str, hostname: &str, service: &str) -> String {
    format!(
        "\
# /etc/cloudflared/config.yml: the web side of privcomm. Calls have their own door: UDP and TCP 3478.
# Make the tunnel and its name first:
#   cloudflared tunnel login
#   cloudflared tunnel create {tunnel}
#   cloudflared tunnel route dns {tunnel} {hostname}
# then install the service, without its own update timer:
#   cloudflared service install --no-update-service
tunnel: {tunnel}
credentials-file: /etc/cloudflared/{tunnel}.json
ingress:
  - hostname: {hostname}
    service: http://{service}
  - service: http_status:404
"
    )
}

impl Check {
    fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let found = runtime()?.block_on(Cloudflared::look(self.place.metrics));
        let findings = judge(&found, &target(&self.place.daemon, output));
        let worst = findings.iter().map(|finding| finding.outcome).max();
        let ok = match worst {
            Some(Outcome::Fail) => false,
            Some(Outcome::Warn) => !self.strict,
            Some(Outcome::Ok) | None => true,
        };
        let document = Checked { ok, findings };
        output.show(&document, || lines(&document.findings))?;
        Ok(if ok { Exit::Done } else { Exit::ChecksFailed })
    }
}

impl Show {
    fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let found = runtime()?.block_on(Cloudflared::look(self.place.metrics));
        if !found.is_there() {
            return Err(CliError::Found {
                trouble: Trouble::TunnelDown,
                detail: "no cloudflared runs here, and it has no configuration".to_owned(),
                exit: Exit::NotFound,
            });
        }
        let file = found
            .file
            .as_ref()
            .map(|(path, _)| path.display().to_string());
        let shown = Shown {
            connections: found.running.as_ref().map(|live| live.connections),
            file,
            rules: found.rules().unwrap_or(&[]),
        };
        output.show(&shown, || screen(&found, &shown))?;
        Ok(Exit::Done)
    }
}

fn screen(found: &Cloudflared, shown: &Shown<'_>) -> String {
    let mut text = String::new();
    match &found.running {
        Some(live) => {
            let _ = writeln!(
                text,
                "running, {} connections, endpoints at {}",
                live.connections, live.metrics
            );
        }
        None => text.push_str("not running\n"),
    }
    if let Some(file) = &shown.file {
        let _ = writeln!(text, "file {file}");
    }
    let or_all = |part: &str| {
        if part.is_empty() {
            "*".to_owned()
        } else {
            part.to_owned()
        }
    };
    let row = |rule: &ingress::Rule| {
        [
            or_all(&rule.hostname),
            or_all(&rule.path),
            rule.service.clone(),
        ]
    };
    let rows: Vec<_> = shown.rules.iter().map(row).collect();
    text + &table(["HOSTNAME", "PATH", "SERVICE"], &rows)
}

/// What a tunnel should lead to: as the daemon says, or the configuration where it doesn't run.
pub(super) fn target(daemon: &Running, output: &Output) -> Target {
    let reached = daemon.reach(output);
    let said = reached.and_then(|daemon| daemon.get::<Surroundings>("/v1/surroundings"));
    if let Ok(surroundings) = said {
        return target_of(&surroundings);
    }
    let Ok(loaded) = daemon.load() else {
        return Target::default();
    };
    let server = &loaded.config().server;
    Target {
        host: server.public_url.as_deref().and_then(host_of),
        web: server.listen.iter().map(ToString::to_string).collect(),
    }
}

/// The same from what the daemon says.
pub(super) fn target_of(surroundings: &Surroundings) -> Target {
    let web = surroundings.ports.iter();
    let web = web.filter(|port| port.purpose == Purpose::Web && port.protocol == "tcp");
    Target {
        host: surroundings.public_url.as_deref().and_then(host_of),
        web: web.map(|port| port.address.clone()).collect(),
    }
}

/// The host of a URL, without its port.
pub(super) fn host_of(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    uri.host().map(str::to_owned)
}
