//! Between connected pairs: saturated, and paced.

use std::time::Duration;

use crate::Outcome;
use crate::account;
use crate::client::{Client, connect_all};
use crate::daemon::Daemon;
use crate::load::Load;
use crate::machine::Process;
use crate::stretch::{Cost, Stretch};
use crate::table::{Goal, Table};

/// Everybody in the benchmarks with 100 clients.
pub(crate) const CLIENTS: usize = 100;
/// Messages that each client keeps unaccepted, one row for each.
const WINDOWS: [usize; 4] = [1, 2, 8, 32];
const WARM_UP: Duration = Duration::from_secs(1);
const LONG: Duration = Duration::from_secs(4);
/// 1,000 messages a second.
const INTERVAL: Duration = Duration::from_millis(1);

pub(crate) fn run(table: &mut Table) -> Outcome<()> {
    let daemon = Daemon::fresh()?;
    eprintln!("live: daemon {:?}", daemon.process());
    table.add(
        "start to ready, empty",
        daemon.start_time().as_secs_f64() * 1000.0,
        "ms",
        Goal::AtMost(100.0),
    );
    let accounts = account::make(daemon.address(), CLIENTS)?;
    let mut clients = connect_all(daemon.address(), &accounts)?;
    let users: Vec<_> = accounts
        .iter()
        .map(|account| account.user.as_str())
        .collect();
    pair(&mut clients, &users)?;
    let mut load = Load::new(clients, 1)?;
    for window in WINDOWS {
        saturate(table, &daemon.process(), &mut load, window)?;
    }
    pace(table, &mut load)?;
    daemon.finish()
}

/// Has each client write to its neighbour.
pub(crate) fn pair(clients: &mut [Client], users: &[&str]) -> Outcome<()> {
    let payload = payload()?;
    for (index, client) in clients.iter_mut().enumerate() {
        client.write_to(users[index ^ 1], &payload);
    }
    Ok(())
}

/// 1 KiB of noise, in base64.
pub(crate) fn payload() -> Outcome<String> {
    use base64::Engine as _;
    let mut noise = [0; 1024];
    getrandom::fill(&mut noise)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(noise))
}

fn saturate(table: &mut Table, daemon: &Process, load: &mut Load, window: usize) -> Outcome<()> {
    load.keep_in_flight(window)?;
    load.run_for(WARM_UP)?;
    let before = load.tally();
    let stretch = Stretch::begin(daemon)?;
    load.run_for(LONG)?;
    let cost = stretch.end()?;
    let tally = load.tally();
    load.settle()?;
    load.run_until(|tally| tally.received >= tally.sent)?;
    let count = tally.accepted - before.accepted;
    let what = format!("live, {CLIENTS} clients, {window} in flight each");
    live_rows(table, &what, &cost, count);
    let each = (tally.received - before.received) as f64
        / (tally.acknowledgements - before.acknowledgements).max(1) as f64;
    eprintln!("    {}; {each:.1} messages in an ack", cost.busy());
    Ok(())
}

fn live_rows(table: &mut Table, what: &str, cost: &Cost, count: usize) {
    table.add(
        format!("{what}: messages"),
        cost.rate(count),
        "/s",
        Goal::AtLeast(70_000.0),
    );
    table.add(
        format!("{what}: daemon's CPU"),
        cost.daemon_millis(count),
        "ms/message",
        Goal::AtMost(0.015),
    );
    table.add(
        format!("{what}: written to disk"),
        cost.written as f64 / count.max(1) as f64,
        "B/message",
        Goal::None,
    );
}

fn pace(table: &mut Table, load: &mut Load) -> Outcome<()> {
    load.pace(INTERVAL, WARM_UP)?;
    load.note_times();
    load.pace(INTERVAL, LONG)?;
    load.settle()?;
    let mut times = load.take_times();
    for (what, times, goals) in [
        ("sender to recipient", &mut times.to_recipient, [0.4, 2.0]),
        ("sender to acceptance", &mut times.to_acceptance, [0.0, 0.0]),
    ] {
        times.sort_unstable();
        eprintln!("  {what}: worst {:?}", times.last());
        for (name, part, goal) in [("p50", 500, goals[0]), ("p99", 990, goals[1])] {
            let time = times
                .get(times.len() * part / 1000)
                .ok_or("nothing was sent")?;
            let goal = if goal > 0.0 {
                Goal::AtMost(goal)
            } else {
                Goal::None
            };
            table.add(
                format!("live, 1,000 messages a second: {what}, {name}"),
                time.as_secs_f64() * 1000.0,
                "ms",
                goal,
            );
        }
    }
    Ok(())
}
