//! How many calls the daemon sets up and ends on one core, and what a call costs it.

use std::time::Duration;

use crate::Outcome;
use crate::account;
use crate::daemon::Daemon;
use crate::echo;
use crate::load::{Load, Pace};
use crate::machine::Process;
use crate::phone::{connect_all, introduce};
use crate::script::Extent;
use crate::stretch::Stretch;
use crate::table::{Goal, Table};

/// Members connected; half as many calls in a round.
pub(crate) const MEMBERS: usize = 10_000;
/// Calls under way at once where the daemon is to be busy.
pub(crate) const UNDER_WAY: usize = 64;
/// 1,000 calls a second.
const INTERVAL: Duration = Duration::from_millis(1);
/// Rounds in which it is busy: three more, and a member has called the other as often as it may.
const ROUNDS: usize = 4;

pub(crate) fn run(table: &mut Table) -> Outcome<()> {
    let daemon = Daemon::fresh()?;
    eprintln!("rate: daemon {:?}", daemon.process());
    let accounts = account::make(daemon.address(), MEMBERS)?;
    introduce(daemon.address(), &accounts)?;
    let mut load = Load::new(connect_all(daemon.address(), &accounts)?)?;
    let process = daemon.process();
    load.round(0, Extent::Whole, Pace::UnderWay(UNDER_WAY))?;
    pace(table, &process, &mut load)?;
    let (share, bytes) = saturate(table, &process, &mut load)?;
    drop(load);
    daemon.finish()?;
    let bare = echo::frames_by_cpu(bytes, 2 * UNDER_WAY)?;
    table.add(
        format!("a bare echo of frames of {bytes} bytes: frames by CPU second"),
        bare,
        "/CPU-s",
        Goal::None,
    );
    table.add(
        "calls' frames by those of the echo",
        share / bare,
        "times",
        Goal::None,
    );
    Ok(())
}

/// As many calls as are to be reached, at the pace of people who call.
fn pace(table: &mut Table, daemon: &Process, load: &mut Load) -> Outcome<()> {
    load.take_set_ups();
    let before = load.tally().calls;
    let stretch = Stretch::begin(daemon)?;
    load.round(1, Extent::Whole, Pace::Every(INTERVAL))?;
    let cost = stretch.end()?;
    let count = load.tally().calls - before;
    eprintln!("    {:.0} calls/s, {}", cost.rate(count), cost.busy());
    let what = "1,000 calls a second";
    table.add(
        format!("{what}: daemon's share of a core"),
        100.0 * cost.daemon_cpu.as_secs_f64() / cost.time.as_secs_f64(),
        "%",
        Goal::AtMost(100.0),
    );
    let times = load.take_set_ups();
    for (name, part) in [("p50", 500), ("p99", 990)] {
        let time = times.get(times.len() * part / 1000);
        table.add(
            format!("{what}: from ringing to connected, {name}"),
            time.ok_or("no call was connected")?.as_secs_f64() * 1000.0,
            "ms",
            Goal::None,
        );
    }
    Ok(())
}

/// As many calls as it can. Returns frames by CPU second, and the bytes of a frame.
fn saturate(table: &mut Table, daemon: &Process, load: &mut Load) -> Outcome<(f64, usize)> {
    let before = load.tally();
    let stretch = Stretch::begin(daemon)?;
    for round in 0..ROUNDS {
        load.round(round % 2, Extent::Whole, Pace::UnderWay(UNDER_WAY))?;
    }
    let cost = stretch.end()?;
    let now = load.tally();
    let (calls, frames) = (now.calls - before.calls, now.frames - before.frames);
    eprintln!(
        "    {}, {} frames a call",
        cost.busy(),
        frames / calls.max(1)
    );
    let cpu = cost.daemon_cpu.as_secs_f64();
    table.add(
        format!("{UNDER_WAY} under way: calls set up and ended"),
        cost.rate(calls),
        "/s",
        Goal::AtLeast(1000.0),
    );
    table.add(
        "the same by the daemon's CPU time",
        calls as f64 / cpu,
        "/CPU-s",
        Goal::AtLeast(1000.0),
    );
    table.add(
        "daemon's CPU",
        cost.daemon_millis(calls),
        "ms/call",
        Goal::None,
    );
    table.add(
        "written to disk",
        cost.written as f64 / calls.max(1) as f64,
        "B/call",
        Goal::None,
    );
    let share = frames as f64 / cpu;
    table.add("frames read and written", share, "/CPU-s", Goal::None);
    Ok((share, (now.bytes - before.bytes) / frames.max(1)))
}
