//! Messages against GOALS: live, durable, drained, idle; and how fast the daemon starts.
//!
//! `cargo bench --bench messages [-- live durable drain idle start]` starts the real binary as a process
//! of its own, on one core, and loads it from another, by single threads. CPU per message is the daemon's user and
//! system time by the work done: it holds still where messages per second follow the machine.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures are printed with three digits"
)]

#[path = "../rig/account.rs"]
mod account;
mod client;
#[path = "../rig/daemon.rs"]
mod daemon;
mod disk;
mod drain;
mod durable;
#[path = "../rig/hands.rs"]
mod hands;
mod idle;
mod live;
mod load;
#[path = "../rig/machine.rs"]
mod machine;
#[path = "../rig/parts.rs"]
mod parts;
#[path = "../rig/socket.rs"]
mod socket;
mod start;
#[path = "../rig/stretch.rs"]
mod stretch;
#[path = "../rig/table.rs"]
mod table;

use std::error::Error;
use std::process::ExitCode;

use table::Table;

/// What a step gives, or why it couldn't.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A part of the benchmark: fills its rows in.
type Part = fn(&mut Table) -> Outcome<()>;

/// In the order in which they run.
const PARTS: [(&str, Part); 5] = [
    ("live", live::run),
    ("durable", durable::run),
    ("drain", drain::run),
    ("idle", idle::run),
    ("start", start::run),
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("messages: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let words = parts::words();
    let chosen = parts::chosen(&PARTS, &words)?;
    machine::raise_file_limit()?;
    machine::take_core(machine::GENERATOR_CORE)?;
    let mut table = Table::default();
    for (_, part) in chosen {
        part(&mut table)?;
    }
    table.print("1 KiB messages");
    println!(
        "How to read it: a ratio of 1 or more reaches its goal; CPU figures hold still, \
         rates and latencies follow the machine and its disk."
    );
    Ok(())
}
