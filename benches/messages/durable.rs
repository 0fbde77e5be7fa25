//! To recipients who are away: every message is synced before it is accepted.

use std::time::Duration;

use crate::Outcome;
use crate::account::{self, Account};
use crate::client::connect_all;
use crate::daemon::Daemon;
use crate::disk;
use crate::live::{CLIENTS, payload};
use crate::load::Load;
use crate::stretch::Stretch;
use crate::table::{Goal, Table};

/// Messages that each client keeps unaccepted, one row for each.
const WINDOWS: [usize; 3] = [1, 16, 64];
const WARM_UP: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(3);

/// Senders who are connected, and as many recipients who aren't.
pub(crate) struct Away {
    pub(crate) load: Load,
    pub(crate) recipients: Vec<Account>,
}

impl Away {
    pub(crate) fn new(daemon: &Daemon) -> Outcome<Self> {
        let mut senders = account::make(daemon.address(), 2 * CLIENTS)?;
        let recipients = senders.split_off(CLIENTS);
        let mut clients = connect_all(daemon.address(), &senders)?;
        let payload = payload()?;
        for (client, recipient) in clients.iter_mut().zip(&recipients) {
            client.write_to(&recipient.user, &payload);
        }
        let load = Load::new(clients, 1)?;
        Ok(Self { load, recipients })
    }
}

pub(crate) fn run(table: &mut Table) -> Outcome<()> {
    let daemon = Daemon::fresh()?;
    eprintln!("durable: daemon {:?}", daemon.process());
    let size = payload()?.len();
    let mut away = Away::new(&daemon)?;
    // Disks have moods: the plain loop runs beside every load, and its best counts.
    let mut single = disk::syncs_per_second(daemon.dir(), size)?;
    let mut best: f64 = 0.0;
    for window in WINDOWS {
        away.load.keep_in_flight(window)?;
        away.load.run_for(WARM_UP)?;
        let before = away.load.tally().accepted;
        let stretch = Stretch::begin(&daemon.process())?;
        away.load.run_for(LONG)?;
        let cost = stretch.end()?;
        let count = away.load.tally().accepted - before;
        away.load.settle()?;
        single = single.max(disk::syncs_per_second(daemon.dir(), size)?);
        best = best.max(cost.rate(count));
        let what = format!("durable, {CLIENTS} clients, {window} in flight each");
        let written = cost.written as f64 / count.max(1) as f64;
        table.add(
            format!("{what}: accepted"),
            cost.rate(count),
            "/s",
            Goal::AtLeast(40_000.0),
        );
        table.add(
            format!("{what}: daemon's CPU"),
            cost.daemon_millis(count),
            "ms/message",
            Goal::AtMost(0.025),
        );
        table.add(
            format!("{what}: written by its size"),
            written / size as f64,
            "times",
            Goal::AtMost(4.0),
        );
        eprintln!("    {}", cost.busy());
    }
    table.add(
        "limit: append and fdatasync of 1 message, as messages",
        single,
        "/s",
        Goal::None,
    );
    table.add(
        "durable at its best, by that",
        best / single,
        "times",
        Goal::None,
    );
    for (what, bytes) in [("64 KiB", 64 << 10), ("512 KiB", 512 << 10)] {
        let rate = disk::syncs_per_second(daemon.dir(), bytes)?;
        let limit = rate * (bytes / size) as f64;
        table.add(
            format!("limit: append and fdatasync of {what}, as messages"),
            limit,
            "/s",
            Goal::None,
        );
        table.add(
            "durable at its best, by that",
            best / limit,
            "times",
            Goal::None,
        );
    }
    daemon.finish()
}
