//! Calls against their goals: 1,000 set up and ended a second on one core, 5,000 held at once.
//!
//! `cargo bench --bench calls [-- rate held]` starts the real binary as a process of its own, on one
//! core, and loads it from another by one thread. 10,000 members are connected, half of them in each
//! dialect, and call each other in all four pairings, within the limits on calls as they are by
//! default. Every step of a call is waited for at both ends: ring, answer, three candidates from
//! either side, hang-up. The limit beside it is a bare WebSocket echo, made with the same crates.

#![expect(
    clippy::cast_precision_loss,
    reason = "figures are printed with three digits"
)]

#[path = "../rig/account.rs"]
mod account;
#[expect(
    dead_code,
    reason = "benches/messages kills it, too, and times its start"
)]
#[path = "../rig/daemon.rs"]
mod daemon;
mod echo;
#[path = "../rig/hands.rs"]
mod hands;
mod held;
mod load;
#[path = "../rig/machine.rs"]
mod machine;
#[path = "../rig/parts.rs"]
mod parts;
mod phone;
mod rate;
mod script;
#[path = "../rig/socket.rs"]
mod socket;
#[expect(
    dead_code,
    reason = "benches/messages looks at the time before a stretch ends"
)]
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
const PARTS: [(&str, Part); 2] = [("rate", rate::run), ("held", held::run)];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("calls: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let words = parts::words();
    if words == [echo::WORD] {
        return echo::serve();
    }
    let chosen = parts::chosen(&PARTS, &words)?;
    machine::raise_file_limit()?;
    machine::take_core(machine::GENERATOR_CORE)?;
    let mut table = Table::default();
    for (_, part) in chosen {
        part(&mut table)?;
    }
    table.print("Calls, 10,000 members connected");
    println!(
        "How to read it: a ratio of 1 or more reaches its goal; figures by CPU time hold still, \
         the others follow the machine."
    );
    Ok(())
}
