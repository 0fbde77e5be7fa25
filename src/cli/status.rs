//! `privcomm status`: how the daemon is, on one screen.

use std::fmt::Write as _;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::daemon::{Running, runtime};
use super::exit::{CliError, Exit};
use super::output::Output;
use super::tunnel::Cloudflared;
use super::when::{date, moment, recent};
use super::words::{amount, hanging, many, span};
use crate::base::Trouble;
use crate::wire::admin::{Disk, JobOutcome, JobReport, RelayFigures, Status as Report};
use crate::wire::outside::SeenOutside;

/// Say how the daemon is: who is there, what waits, calls, relay, disk
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm status
  privcomm status --json
  privcomm status --socket ./state/admin.sock      a daemon started by hand")]
pub(super) struct Status {
    #[command(flatten)]
    daemon: Running,

    /// Show it again every so many seconds, until Ctrl-C
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2",
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    watch: Option<u64>,

    /// Where cloudflared's local endpoints are [default: the first of 127.0.0.1:20241 to 20245]
    #[arg(
        long,
        value_name = "ADDR",
        env = "PRIVCOMM_TUNNEL_METRICS",
        hide_env_values = true
    )]
    metrics: Option<SocketAddr>,
}

/// Moves a terminal's cursor home and clears what is there.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Where the second column begins.
const INDENT: usize = 10;

#[derive(Serialize)]
struct Document<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// Connections of cloudflared; none: it doesn't run here.
    tunnel_connections: Option<u64>,
}

impl Status {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        loop {
            self.show(output)?;
            let Some(seconds) = self.watch else {
                return Ok(Exit::Done);
            };
            std::thread::sleep(Duration::from_secs(seconds));
        }
    }

    fn show(&self, output: &Output) -> Result<(), CliError> {
        let report: Report = self.daemon.reach(output)?.get("/v1/status")?;
        let found = runtime()?.block_on(Cloudflared::look(self.metrics));
        let document = Document {
            report: &report,
            tunnel_connections: found.running.as_ref().map(|live| live.connections),
        };
        output.show(&document, || {
            let clear = self.watch.is_some() && std::io::stdout().is_terminal();
            format!(
                "{}{}",
                if clear { CLEAR } else { "" },
                screen(&report, &found)
            )
        })?;
        Ok(())
    }
}

/// Two columns: what, and how it is.
fn screen(report: &Report, found: &Cloudflared) -> String {
    let Report {
        members,
        queue,
        calls,
        ..
    } = report;
    let mut lines = vec![
        (
            "privcomm",
            format!("{}, up {}", report.version, span(report.uptime)),
        ),
        (
            "members",
            format!(
                "{} online of {}, {}",
                members.online,
                members.accounts,
                many(report.connections, "connection")
            ),
        ),
        (
            "queue",
            format!(
                "{} waiting for their recipients",
                many(queue.messages, "message")
            ),
        ),
        (
            "calls",
            format!(
                "{} ringing, {} connected; {} since the start, {} answered",
                calls.ringing, calls.connected, calls.started, calls.answered
            ),
        ),
    ];
    lines.push((
        "relay",
        report
            .relay
            .as_ref()
            .map_or_else(|| no_relay(report), relay),
    ));
    lines.extend(disk(&report.disk).into_iter().map(|line| ("disk", line)));
    lines.push(("backup", backup(report)));
    lines.extend(report.jobs.iter().map(|it| ("jobs", job(it))));
    lines.push(("tunnel", tunnel(found)));
    lines.push(("outside", outside(&report.seen_outside)));
    lines.push(("cert", certificate(report)));
    let mut text = String::new();
    let mut last = "";
    for (name, line) in lines {
        let shown = if name == last { "" } else { name };
        let _ = writeln!(text, "{shown:<8}  {}", hanging(&line, INDENT));
        last = name;
    }
    text
}

fn no_relay(report: &Report) -> String {
    if report.relay_untold {
        format!(
            "runs, but members aren't told where   {}",
            Trouble::RelayUntold
        )
    } else {
        "switched off".to_owned()
    }
}

fn relay(figures: &RelayFigures) -> String {
    format!(
        "{} now, {} ever; {} ({}) relayed",
        many(figures.allocations, "allocation"),
        figures.allocations_ever,
        many(figures.packets, "packet"),
        amount(figures.bytes)
    )
}

fn disk(disk: &Disk) -> Vec<String> {
    let of = disk
        .total_bytes
        .map_or_else(String::new, |bytes| format!(" of {}", amount(bytes)));
    let free = disk.free_bytes.map_or_else(
        || "free space unknown".to_owned(),
        |bytes| format!("{} free{of}", amount(bytes)),
    );
    if disk.low {
        let floor = amount(disk.floor_bytes);
        return vec![
            format!("FULL   {free} (floor {floor})   {}", Trouble::DiskFull),
            "new messages are refused, delivery and deletion go on".to_owned(),
        ];
    }
    vec![format!("{free}, database {}", amount(disk.database_bytes))]
}

fn tunnel(found: &Cloudflared) -> String {
    match &found.running {
        Some(live) if live.connections > 0 => {
            format!("up, {}", many(live.connections, "connection"))
        }
        Some(_) => format!("DOWN   no connection   {}", Trouble::TunnelDown),
        None if found.is_there() => format!("DOWN   not running   {}", Trouble::TunnelDown),
        None => "no cloudflared here".to_owned(),
    }
}

fn backup(report: &Report) -> String {
    report.last_backup.map_or_else(
        || "none yet; privcomm backup create makes one".to_owned(),
        |at| format!("last {}", moment(at)),
    )
}

/// A job in a line: how it went last, and when it comes again.
fn job(job: &JobReport) -> String {
    let next = recent(job.next_at);
    let at = if next.contains(':') { "at" } else { "on" };
    let name = &job.name;
    let last = job.last_at.map(recent).unwrap_or_default();
    let words = job.words.as_deref().unwrap_or_default();
    match job.outcome {
        JobOutcome::Waiting => format!("{name}: first {at} {next}"),
        JobOutcome::Nothing => format!("{name}: {last} nothing to do; next {at} {next}"),
        JobOutcome::Done => format!("{name}: {last} {words}; next {at} {next}"),
        JobOutcome::Failed => format!("{name}: {last} FAILED: {words}; next {at} {next}"),
    }
}

/// What was reached from outside, and when last.
fn outside(seen: &SeenOutside) -> String {
    let each = [
        ("pages", seen.http),
        ("messages", seen.socket),
        ("UDP", seen.udp),
        ("TCP", seen.tcp),
        ("TLS", seen.tls),
    ];
    let Some(last) = each.iter().filter_map(|(_, at)| *at).max() else {
        return "nobody seen since the start".to_owned();
    };
    let names: Vec<&str> = each
        .iter()
        .filter_map(|(name, at)| at.map(|_| *name))
        .collect();
    format!("seen {}: {}", recent(last), names.join(", "))
}

/// What is left of the certificate of the media relay. The web side's is the proxy's affair.
fn certificate(report: &Report) -> String {
    let Some(ends) = report.certificate_ends else {
        return "none: calls have no TLS door".to_owned();
    };
    let now = report
        .started_at
        .saturating_add(Duration::from_secs(report.uptime));
    match ends.since(now).as_secs() / 86_400 {
        _ if ends <= now => format!("ENDED   {}   {}", date(ends), Trouble::CertificateEnds),
        days @ 0..14 => format!("{} left   {}", many(days, "day"), Trouble::CertificateEnds),
        days => format!("{} left, until {}", many(days, "day"), date(ends)),
    }
}
