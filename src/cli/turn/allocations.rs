//! `privcomm turn allocations`

use clap::Args;

use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{Output, table};
use crate::cli::words::{amount, many, span};
use crate::wire::admin::{Allocation, Allocations as Live};

/// List the live allocations of the media relay: neither where nor whose they are
///
/// Rows with the same number under WHO are on one account. P/C are live permissions and channels,
/// IN is from the client, OUT to it, OVER
/// counts packets beyond turn.max_bitrate.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm turn allocations
  privcomm turn allocations --json")]
pub(in crate::cli) struct Allocations {
    #[command(flatten)]
    daemon: Running,
}

const HEADS: [&str; 9] = [
    "ID", "WHO", "VIA", "AGE", "LEFT", "P/C", "IN", "OUT", "OVER",
];

impl Allocations {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let live: Live = self.daemon.reach(output)?.get("/v1/turn/allocations")?;
        output.show(&live, || text(&live))?;
        Ok(Exit::Done)
    }
}

fn text(live: &Live) -> String {
    let count = u64::try_from(live.allocations.len()).unwrap_or(u64::MAX);
    let sum = format!(
        "{}, {}\n",
        many(count, "allocation"),
        many(live.holders, "holder")
    );
    if live.allocations.is_empty() {
        return sum;
    }
    let rows: Vec<_> = live.allocations.iter().map(row).collect();
    table(HEADS, &rows) + &sum
}

fn row(it: &Allocation) -> [String; 9] {
    let family = if it.family == "ipv6" { "6" } else { "4" };
    [
        it.id.clone(),
        it.holder.to_string(),
        format!("{}/{family}", it.transport),
        span(it.age),
        span(it.expires_in),
        format!("{}/{}", it.permissions, it.channels),
        flow(it.packets_in, it.bytes_in),
        flow(it.packets_out, it.bytes_out),
        it.over_rate.to_string(),
    ]
}

fn flow(packets: u64, bytes: u64) -> String {
    format!("{packets} ({})", amount(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_relay_fits_a_terminal() {
        let busy = Allocation {
            id: "89abcdef".to_owned(),
            transport: "tcp".to_owned(),
            family: "ipv6".to_owned(),
            holder: 12,
            age: 3725,
            expires_in: 599,
            permissions: 2,
            channels: 1,
            packets_in: 123_456,
            bytes_in: 19_700_000,
            packets_out: 123_456,
            bytes_out: 19_700_000,
            over_rate: 0,
        };
        let live = Live {
            allocations: vec![busy],
            holders: 1,
        };
        let text = text(&live);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(text.ends_with("\n1 allocation, 1 holder\n"), "{text}");
    }
}
