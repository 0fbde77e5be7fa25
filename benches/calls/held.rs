//! 5,000 calls held at once: what each keeps in memory, and whether calls that ended leave anything
//! that grows.

use std::time::Duration;

use crate::Outcome;
use crate::account;
use crate::daemon::Daemon;
use crate::load::{Load, Pace};
use crate::phone::{connect_all, introduce};
use crate::rate::{MEMBERS, UNDER_WAY};
use crate::script::Extent;
use crate::stretch::settled;
use crate::table::{Goal, Table};

const CALLS: usize = MEMBERS / 2;
/// The daemon keeps for 90 s what was said in a call, for a party that may turn out to be away.
const KEPT: Duration = Duration::from_secs(95);
/// It remembers for 60 s that a call was.
const REMEMBERED: Duration = Duration::from_secs(65);
const PACE: Pace = Pace::UnderWay(UNDER_WAY);
/// Rounds after the first: each member has called the other as often as it may then.
const MORE: usize = 5;

pub(crate) fn run(table: &mut Table) -> Outcome<()> {
    let daemon = Daemon::fresh()?;
    let accounts = account::make(daemon.address(), MEMBERS)?;
    introduce(daemon.address(), &accounts)?;
    // What registering left free in memory would otherwise be used again, and not be counted.
    let daemon = daemon.restart()?;
    eprintln!("held: daemon {:?}", daemon.process());
    let process = daemon.process();
    let mut load = Load::new(connect_all(daemon.address(), &accounts)?)?;
    let before = settled(&process)?;
    let what = format!("resident memory, {MEMBERS} connected");
    table.add(what, before as f64 / 1024.0, "MiB", Goal::None);
    let each = |resident: usize| resident.saturating_sub(before) as f64 / CALLS as f64;
    let mut row = |what: &str, resident: usize| {
        let what = format!("for each of {CALLS} calls: {what}");
        table.add(what, each(resident), "KiB", Goal::None);
    };
    load.round(0, Extent::Begin, PACE)?;
    row("just connected", settled(&process)?);
    load.wait(KEPT)?;
    row("held for 95 s", settled(&process)?);
    load.round(0, Extent::End, PACE)?;
    load.wait(REMEMBERED)?;
    row("65 s after its end", settled(&process)?);
    let mut rounds = Vec::new();
    for round in 1..=MORE {
        load.round(round % 2, Extent::Begin, PACE)?;
        rounds.push(settled(&process)?);
        row("a later round, just connected", rounds[round - 1]);
        load.round(round % 2, Extent::End, PACE)?;
    }
    // Each of the pair has called by then, and all that is kept for either is there.
    if let [_, early, .., late] = rounds[..] {
        let what = "the last round's by the third's";
        table.add(what, each(late) / each(early), "times", Goal::AtMost(1.1));
    }
    drop(load);
    daemon.finish()
}
