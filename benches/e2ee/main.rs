//! End-to-end encryption: messages, session set-ups and state, beside vodozemac's Olm.
//!
//! `cargo bench --bench e2ee` works in one thread and measures by the CPU time that the kernel counts
//! for it, so that neighbours take less from the figures. Ours and theirs take turns in short
//! rounds and the best round of each counts, so that a machine whose speed changes changes both. Ours
//! pads 1 KiB to 2 KiB, as a message does; Olm pads it to 1040 bytes, and is measured with 2 KiB too.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures are printed with three digits"
)]

#[path = "../rig/machine.rs"]
#[expect(
    dead_code,
    reason = "of the machine, this benchmark needs its core only"
)]
mod machine;
mod olm;
mod ours;
#[path = "../rig/table.rs"]
#[expect(dead_code, reason = "nothing here has a most")]
mod table;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use table::{Goal, Table};

/// What a step gives, or why it couldn't.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Messages a second, each way.
const MESSAGES: f64 = 50_000.0;
const ROUNDS: usize = 12;
/// Messages in a round: below what may be skipped.
pub(crate) const BATCH: usize = 900;
/// Session set-ups in a round.
pub(crate) const SESSIONS: usize = 60;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("e2ee: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    machine::take_core(machine::GENERATOR_CORE)?;
    let mut table = Table::default();
    let (text, long) = (vec![b'a'; 1024], vec![b'a'; 2047]);
    let (mut ours, mut theirs, mut theirs_long) =
        (Rates::default(), Rates::default(), Rates::default());
    for _ in 0..ROUNDS {
        ours.keep_best(ours::messages(&text)?);
        theirs.keep_best(olm::messages(&text)?);
        theirs_long.keep_best(olm::messages(&long)?);
    }
    table.add(
        "1 KiB messages encrypted",
        ours.sealed,
        "/s",
        Goal::AtLeast(MESSAGES),
    );
    table.add(
        "1 KiB messages decrypted",
        ours.opened,
        "/s",
        Goal::AtLeast(MESSAGES),
    );
    table.add("  Olm: encrypted", theirs.sealed, "/s", Goal::None);
    table.add("  Olm: decrypted", theirs.opened, "/s", Goal::None);
    table.add(
        "  ours to Olm's, encrypting",
        ours.sealed / theirs.sealed,
        "",
        Goal::None,
    );
    table.add(
        "  ours to Olm's, decrypting",
        ours.opened / theirs.opened,
        "",
        Goal::None,
    );
    let (sealed, opened) = (
        ours.sealed / theirs_long.sealed,
        ours.opened / theirs_long.opened,
    );
    table.add(
        "  as many bytes sealed (2 KiB), encrypting",
        sealed,
        "",
        Goal::None,
    );
    table.add(
        "  as many bytes sealed (2 KiB), decrypting",
        opened,
        "",
        Goal::None,
    );
    let (mut ours, mut theirs) = (0.0_f64, 0.0_f64);
    for _ in 0..ROUNDS {
        ours = ours.max(ours::set_ups()?);
        theirs = theirs.max(olm::set_ups()?);
    }
    table.add("session set-ups, both sides", ours, "/s", Goal::None);
    table.add("  Olm", theirs, "/s", Goal::None);
    table.add("  ours to Olm's", ours / theirs, "", Goal::None);
    let (state, skipped) = ours::state()?;
    table.add("state of a session, stored", state, "bytes", Goal::None);
    table.add(
        "  with 2000 keys of missing messages",
        skipped,
        "bytes",
        Goal::None,
    );
    table.add(
        "  Olm, its pickle before it is sealed",
        olm::state()?,
        "bytes",
        Goal::None,
    );
    table.print("End-to-end encryption, per second of one core's time");
    Ok(())
}

/// Messages a second.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) sealed: f64,
    pub(crate) opened: f64,
}

impl Rates {
    fn keep_best(&mut self, other: Self) {
        self.sealed = self.sealed.max(other.sealed);
        self.opened = self.opened.max(other.opened);
    }
}

/// What `work` gives, and how much CPU time it takes.
pub(crate) fn timed<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<(T, Duration)> {
    let start = cpu()?;
    let done = work()?;
    Ok((done, cpu()?.saturating_sub(start)))
}

/// The CPU time of this thread so far.
fn cpu() -> Outcome<Duration> {
    Ok(clock_gettime(ClockId::ThreadCPUTime).try_into()?)
}

pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}
