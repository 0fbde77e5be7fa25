//! Many connections: what one costs that is idle, and what it adds to messages of others.

use std::time::Duration;

use crate::Outcome;
use crate::account;
use crate::client::{Client, connect_all};
use crate::daemon::Daemon;
use crate::live::{CLIENTS, pair};
use crate::load::Load;
use crate::machine::Process;
use crate::stretch::{Stretch, settled};
use crate::table::{Goal, Table};

const FEW: usize = 1000;
const MANY: usize = 10_000;
/// Messages in flight, of all clients together.
const IN_FLIGHT: usize = CLIENTS;
const LONG: Duration = Duration::from_secs(3);

pub(crate) fn run(table: &mut Table) -> Outcome<()> {
    let daemon = Daemon::fresh()?;
    let accounts = account::make(daemon.address(), MANY)?;
    // What registering left free in memory would otherwise be used again, and not be counted.
    let daemon = daemon.restart()?;
    eprintln!("idle: daemon {:?}", daemon.process());
    let process = daemon.process();
    let empty = settled(&process)?;
    table.add(
        "resident memory, nobody connected",
        empty as f64 / 1024.0,
        "MiB",
        Goal::AtMost(25.0),
    );
    let mut clients = Vec::new();
    for count in [FEW, MANY] {
        clients.extend(connect_all(
            daemon.address(),
            &accounts[clients.len()..count],
        )?);
        let resident = settled(&process)?;
        table.add(
            format!("resident memory for each of {count} idle WebSockets"),
            resident.saturating_sub(empty) as f64 / count as f64,
            "KiB",
            Goal::AtMost(6.0),
        );
    }
    let users: Vec<_> = accounts
        .iter()
        .map(|account| account.user.as_str())
        .collect();
    pair(&mut clients, &users)?;
    let (everybody, clients) = cpu_of(table, &process, clients, MANY)?;
    let (some, mut clients) = cpu_of(table, &process, clients, CLIENTS)?;
    clients.truncate(CLIENTS);
    settled(&process)?;
    let (alone, _) = cpu_of(table, &process, clients, CLIENTS)?;
    for (what, millis) in [
        (format!("{MANY} connections, {CLIENTS} of them busy"), some),
        (format!("{MANY} connections, all busy"), everybody),
    ] {
        table.add(
            format!("CPU per message: {what}, by {CLIENTS} alone"),
            millis / alone,
            "times",
            Goal::AtMost(1.3),
        );
    }
    daemon.finish()
}

/// CPU for a message, the first `busy` of the clients writing in turn.
fn cpu_of(
    table: &mut Table,
    daemon: &Process,
    clients: Vec<Client>,
    busy: usize,
) -> Outcome<(f64, Vec<Client>)> {
    let count = clients.len();
    let mut load = Load::new(clients, 1)?;
    load.take_turns(busy, IN_FLIGHT, Duration::from_secs(1))?;
    let before = load.tally().accepted;
    let stretch = Stretch::begin(daemon)?;
    load.take_turns(busy, IN_FLIGHT, LONG)?;
    let cost = stretch.end()?;
    let accepted = load.tally().accepted - before;
    load.settle()?;
    let millis = cost.daemon_millis(accepted);
    table.add(
        format!("live, {busy} of {count} connections writing in turn: daemon's CPU"),
        millis,
        "ms/message",
        Goal::None,
    );
    table.add(
        "the same: written to disk",
        cost.written as f64 / accepted.max(1) as f64,
        "B/message",
        Goal::None,
    );
    eprintln!("    {}/s, {}", cost.rate(accepted).round(), cost.busy());
    Ok((millis, load.into_clients()))
}
