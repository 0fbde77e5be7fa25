//! From the start of the process to ready: with nothing in it and with a great deal, after a stop
//! and after `kill -9` under load. And what it holds in memory when nobody comes.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use privcomm::base::{Clock, MessageId, Timestamp, UserId};
use privcomm::store::{Admission, NewMessage, Registration, Store, StoreOptions};
use rustix::fs::{Advice, fadvise};

use crate::Outcome;
use crate::daemon::Daemon;
use crate::durable::Away;
use crate::stretch::settled;
use crate::table::{Goal, Table};

const USERS: usize = 100_000;
const QUEUED: usize = 1_000_000;
/// Registrations in a group.
const GROUP: usize = 1000;
/// Messages handed in and not yet written: two full groups.
const UNDER_WAY: usize = 8192;
/// Of one message: 1 KiB as clients send it.
const PAYLOAD: usize = 768;
/// A start is measured so often, and the one in the middle counts.
const STARTS: usize = 5;
/// Messages that each client keeps unaccepted while the daemon is killed.
const WINDOW: usize = 16;
const UNDER_LOAD: Duration = Duration::from_millis(500);

pub(crate) fn run(table: &mut Table) -> Outcome<()> {
    eprintln!("start: with nothing in it");
    let fresh = Daemon::fresh()?;
    table.add(
        "start to ready, the very first",
        millis(&fresh),
        "ms",
        Goal::AtMost(100.0),
    );
    measure(table, fresh, "empty", 100.0)?.finish()?;

    // A database doesn't come without its secrets.
    let dir = Daemon::fresh()?.stop()?;
    let begun = Instant::now();
    fill(&dir.path().join("state"))?;
    eprintln!(
        "start: {USERS} users and {QUEUED} messages in {:.0?}",
        begun.elapsed()
    );
    let what = format!("{USERS} users, {QUEUED} queued");
    let daemon = Daemon::on(dir)?;
    measure(table, daemon, &what, 1000.0)?.finish()
}

/// Starts after stops, after kills under load, and the memory in between.
fn measure(table: &mut Table, daemon: Daemon, what: &str, goal: f64) -> Outcome<Daemon> {
    let goal = Goal::AtMost(goal);
    let (daemon, times) = starts(daemon, Daemon::restart)?;
    table.add(
        format!("start to ready, {what}: after a stop"),
        times,
        "ms",
        goal,
    );
    let cold = |daemon: Daemon| {
        let dir = daemon.stop()?;
        leave_memory(&dir.path().join("state"))?;
        Daemon::on(dir)
    };
    let (daemon, times) = starts(daemon, cold)?;
    table.add(
        "the same, nothing of its state in the page cache",
        times,
        "ms",
        goal,
    );
    table.add(
        "resident memory, nobody connected",
        settled(&daemon.process())? as f64 / 1024.0,
        "MiB",
        Goal::AtMost(25.0),
    );
    let (daemon, times) = starts(daemon, kill)?;
    table.add(
        format!("start to ready, {what}: after kill -9 under load"),
        times,
        "ms",
        goal,
    );
    table.add(
        "resident memory after that, nobody connected",
        settled(&daemon.process())? as f64 / 1024.0,
        "MiB",
        Goal::AtMost(25.0),
    );
    Ok(daemon)
}

/// Starts it [`STARTS`] times `again`: how many milliseconds the one in the middle took.
fn starts(mut daemon: Daemon, again: impl Fn(Daemon) -> Outcome<Daemon>) -> Outcome<(Daemon, f64)> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        daemon = again(daemon)?;
        times.push(millis(&daemon));
    }
    eprintln!("    {times:.0?} ms");
    times.sort_by(f64::total_cmp);
    Ok((daemon, times[STARTS / 2]))
}

fn millis(daemon: &Daemon) -> f64 {
    daemon.start_time().as_secs_f64() * 1000.0
}

/// Kills it while every client writes to somebody who is away.
fn kill(daemon: Daemon) -> Outcome<Daemon> {
    let mut away = Away::new(&daemon)?;
    away.load.keep_in_flight(WINDOW)?;
    away.load.run_for(UNDER_LOAD)?;
    daemon.crash()
}

/// Has the system forget what it read of these files.
fn leave_memory(state: &Path) -> Outcome<()> {
    for entry in state.read_dir()? {
        let path = entry?.path();
        if path.is_file() {
            let file = File::open(path)?;
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// Makes members with queues through the daemon's own store, in groups as it would write them.
fn fill(state: &Path) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let options = StoreOptions {
        cache_bytes: 512 << 20,
        commit_delay: Duration::ZERO,
        disk_floor: 0,
    };
    runtime.block_on(async {
        let store = Store::open(state, &options)?;
        let users = register_all(&store).await?;
        eprintln!("start: {} users", users.len());
        queue_all(&store, &users)?;
        store.close().await;
        Ok(())
    })
}

async fn register_all(store: &Store) -> Outcome<Vec<UserId>> {
    let now = Clock::System.now();
    let mut users = Vec::with_capacity(USERS);
    while users.len() < USERS {
        let group: Vec<UserId> = (0..GROUP.min(USERS - users.len()))
            .map(|_| UserId::random())
            .collect();
        let registered = group.iter().map(|user| store.register(member(*user, now)));
        try_join_all(registered).await?;
        users.extend(group);
    }
    Ok(users)
}

fn member(user: UserId, now: Timestamp) -> Registration {
    let half = *user.as_bytes();
    let mut handle = [0; 32];
    handle[..16].copy_from_slice(&half);
    Registration {
        handle,
        identity_key: handle,
        signed_prekey: [1; 32],
        prekey_signature: [2; 64],
        registration_id: Some(1),
        prekeys: (0..10).map(|id| (id, [3; 32])).collect(),
        candidate: user,
        now,
        admission: Admission::Open,
        code: None,
    }
}

/// As many messages for each of `users`, one after the other in turn.
fn queue_all(store: &Store, users: &[UserId]) -> Outcome<()> {
    let now = Clock::System.now();
    let (sender, written) = mpsc::channel();
    let mut under_way = 0;
    for (seq, recipient) in (1..).zip(users.iter().cycle().take(QUEUED)) {
        let mut payload = [0; PAYLOAD];
        getrandom::fill(&mut payload)?;
        let message = NewMessage {
            seq,
            message_id: MessageId::random(),
            sender: users[0],
            recipient: *recipient,
            timestamp: now,
            payload: payload.to_vec().into(),
        };
        let sender = sender.clone();
        store.write_soon(store.pending(message, move |outcome| {
            // Nobody listens any more only after another one failed.
            let _ = sender.send(outcome);
        }));
        under_way += 1;
        if under_way == UNDER_WAY {
            written.recv()??;
            under_way -= 1;
        }
    }
    drop(sender);
    for outcome in written {
        outcome?;
    }
    Ok(())
}
