//! A backlog comes back to its recipients, from a daemon that was started anew.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::{Client, Heard, connect_all};
use crate::daemon::Daemon;
use crate::durable::Away;
use crate::live::CLIENTS;
use crate::load::Load;
use crate::stretch::Stretch;
use crate::table::{Goal, Table};

/// Messages that wait for each.
const BACKLOG: usize = 1000;
/// The lengths of which the first message is timed, and for how many recipients.
const LENGTHS: [usize; 2] = [100, 5000];
const TRIES: usize = 7;
/// In which acknowledgements reach the disk.
const AFTERMATH: Duration = Duration::from_millis(500);

pub(crate) fn run(table: &mut Table) -> Outcome<()> {
    let daemon = Daemon::fresh()?;
    let mut away = Away::new(&daemon)?;
    away.load.keep_in_flight(16)?;
    away.load
        .run_until(|tally| tally.sent >= CLIENTS * BACKLOG)?;
    away.load.settle()?;
    let total = away.load.tally().sent;
    let recipients = away.recipients;
    drop(away.load);
    let daemon = daemon.restart()?;
    eprintln!("drain: daemon {:?}", daemon.process());
    let stretch = Stretch::begin(&daemon.process())?;
    let mut load = Load::new(connect_all(daemon.address(), &recipients)?, 1)?;
    load.run_until(|tally| tally.received >= total)?;
    let time = stretch.time();
    load.run_for(AFTERMATH)?;
    let mut cost = stretch.end()?;
    cost.time = time;
    let what = format!("draining {CLIENTS} backlogs of {BACKLOG}");
    table.add(
        format!("{what}: messages"),
        cost.rate(total),
        "/s",
        Goal::AtLeast(60_000.0),
    );
    table.add(
        format!("{what}: daemon's CPU"),
        cost.daemon_millis(total),
        "ms/message",
        Goal::AtMost(0.02),
    );
    table.add(
        format!("{what}: written to disk"),
        cost.written as f64 / total as f64,
        "B/message",
        Goal::None,
    );
    eprintln!("    {}", cost.busy());
    drop(load);
    daemon.finish()?;
    first_of(table)
}

/// How long the first message takes, from the connect on, by the length of the backlog.
fn first_of(table: &mut Table) -> Outcome<()> {
    let daemon = Daemon::fresh()?;
    let away = Away::new(&daemon)?;
    let mut next = 1;
    let mut senders = away.load.into_clients();
    for length in LENGTHS {
        let group = senders.drain(..TRIES).collect();
        let mut load = Load::new(group, next)?;
        load.keep_in_flight(16)?;
        load.run_until(|tally| tally.sent >= TRIES * length)?;
        load.settle()?;
        next = load.next();
    }
    let daemon = daemon.crash()?;
    table.add(
        "start to ready after kill -9, 36,000 messages queued",
        daemon.start_time().as_secs_f64() * 1000.0,
        "ms",
        Goal::AtMost(1000.0),
    );
    let mut medians = Vec::new();
    for (round, length) in LENGTHS.into_iter().enumerate() {
        let mut times = Vec::new();
        for account in &away.recipients[round * TRIES..(round + 1) * TRIES] {
            let start = Instant::now();
            let mut client = Client::connect(daemon.address(), account)?;
            client.wait_for(|heard| matches!(heard, Heard::Message(_)))?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_unstable_by(f64::total_cmp);
        let median = times[TRIES / 2];
        medians.push(median);
        table.add(
            format!("connect to first message of a backlog of {length}, median"),
            median,
            "ms",
            Goal::None,
        );
    }
    table.add(
        "the same: the long backlog by the short one",
        medians[1] / medians[0],
        "times",
        Goal::AtMost(1.3),
    );
    daemon.finish()
}
