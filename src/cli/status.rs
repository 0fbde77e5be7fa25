//! `privcomm status`: how the daemon is, on one screen.

use std::fmt::Write as _;

use clap::Args;

use super::daemon::Running;
use super::exit::{CliError, Exit};
use super::output::Output;
use super::words::{amount, many, span};
use crate::base::Trouble;
use crate::wire::admin::{Disk, RelayFigures, Status as Report};

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
}

impl Status {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let report: Report = self.daemon.reach(output)?.get("/v1/status")?;
        output.show(&report, || screen(&report))?;
        Ok(Exit::Done)
    }
}

/// Two columns: what, and how it is.
fn screen(report: &Report) -> String {
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
            .map_or_else(|| "switched off".to_owned(), relay),
    ));
    lines.extend(disk(&report.disk).into_iter().map(|line| ("disk", line)));
    let mut text = String::new();
    let mut last = "";
    for (name, line) in lines {
        let shown = if name == last { "" } else { name };
        let _ = writeln!(text, "{shown:<8}  {line}");
        last = name;
    }
    text
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
    let free = disk.free_bytes.map_or_else(
        || "free space unknown".to_owned(),
        |bytes| format!("{} free", amount(bytes)),
    );
    let database = format!("database {}", amount(disk.database_bytes));
    if disk.low {
        return vec![
            format!("FULL, {free}, {database}   {}", Trouble::DiskFull),
            "new messages are refused, delivery and deletion go on".to_owned(),
        ];
    }
    vec![format!("{free}, {database}")]
}
