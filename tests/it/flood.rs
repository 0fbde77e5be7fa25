//! Strangers flood the media relay from thousands of addresses, and calls go on through it.

mod calls;
#[expect(dead_code, reason = "the benchmark, whose this is, needs more of it")]
#[path = "../../benches/relay/crowd.rs"]
mod crowd;
mod strangers;
#[expect(dead_code, reason = "the benchmark, whose this is, needs more of it")]
#[path = "../../benches/relay/stun.rs"]
mod stun;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::rig::{Process, Setup};
use calls::Calls;
use strangers::{Flood, Strangers};

const SECRET: &str = "a-secret-for-a-flood";
/// What the relay is flooded with where the machine has that much to give, packets a second.
const WANTED: u32 = 50_000;
/// Answers a second that strangers get in all; twice as many may come at once.
const RATION: u32 = 2_000;
/// The longest answer to a question of 28 bytes.
const LONGEST: usize = 64;
const TRIAL: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_secs(3);
/// What may come and go in a process that has settled.
const GROWTH: usize = 2 << 20;
/// More than what a start and a stop say, and less than a line for each hundred packets.
const LINES: usize = 200;

#[tokio::test]
async fn calls_go_on_through_a_flood_and_nothing_grows() {
    let setup = Setup::strict();
    let secret = setup.data().with_extension("secret");
    std::fs::write(&secret, SECRET).unwrap();
    std::fs::set_permissions(&secret, Permissions::from_mode(0o600)).unwrap();
    let process = setup
        .set(format!("turn.secret_file={}", secret.display()))
        .set(format!("limits.stun_answers_in_all={RATION}"))
        .set("telemetry.log=debug")
        .spawn()
        .await;
    std::fs::remove_file(secret).unwrap();
    let mut calls = Calls::open(process.relay(), SECRET);
    let mut strangers = Strangers::new(process.relay());
    let begin = Instant::now();
    let rate = bearable(&mut strangers);
    let before = process.resident();

    let over = AtomicBool::new(false);
    let spoken = thread::scope(|scope| {
        let talking = scope.spawn(|| {
            let spoken = calls.talk(LONG);
            over.store(true, Ordering::Relaxed);
            spoken
        });
        strangers.flood(rate, || over.load(Ordering::Relaxed));
        talking.join().unwrap()
    });
    let grown = process.resident().saturating_sub(before);
    println!(
        "{rate} packets a second of {WANTED} wanted; calls lost {} of {}; memory grew by {grown}",
        spoken.lost, spoken.sent
    );
    assert!(spoken.lost * 100 < spoken.sent, "{spoken:?}");
    assert!(grown < GROWTH, "{grown} bytes");
    is_rationed(&strangers.sum(), begin.elapsed());
    is_quiet(process).await;
}

/// The rate that this machine sends and receives without losing packets before the relay sees them.
fn bearable(strangers: &mut Strangers) -> u32 {
    let mut rate = WANTED;
    loop {
        let (lost, start) = (strangers.lost_by_the_system(), Instant::now());
        let sent = strangers.flood(rate, || start.elapsed() >= TRIAL);
        let reached = sent >= f64::from(rate) * TRIAL.as_secs_f64() * 0.9;
        if reached && strangers.lost_by_the_system() == lost {
            return rate;
        }
        rate = rate / 4 * 3;
        assert!(rate > 1_000, "this machine bears no flood");
    }
}

fn is_rationed(flood: &Flood, took: Duration) {
    let most = f64::from(RATION) * (took.as_secs_f64() + 2.0);
    assert!(flood.answers <= most, "{flood:?}, at most {most}");
    assert!(flood.answers >= most / 4.0, "{flood:?}, at most {most}");
    assert!(flood.longest <= LONGEST, "{flood:?}");
    assert!(flood.bytes <= most * 64.0, "{flood:?}");
}

/// Nothing is said of packets, however much is to be told.
async fn is_quiet(process: Process) {
    process.signal(Signal::TERM);
    let (status, said) = process.wait().await;
    assert!(status.success(), "{status}: {said}");
    assert!(said.lines().count() < LINES, "{said}");
}
