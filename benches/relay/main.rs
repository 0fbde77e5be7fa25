//! The media relay against its goals: pairs, peers outside, voice, bursts, set-up, a flood.
//!
//! `cargo bench --bench relay [-- pair peer voice burst setup flood]` starts this daemon, coturn and
//! turn-rs where they are installed, and a bare reflector, one at a time and each on one core, and
//! loads them from another by one thread. `PRIVCOMM_BIN` names another build of the daemon,
//! `PRIVCOMM_SET` adds settings (`key=value;key=value`), and `PRIVCOMM_SECONDS` says how long each
//! server is loaded in place of four: one is enough to see that all works, and for nothing else.
//!
//! turn-rs: `cargo install turn-server --version 4.1.5 --locked --no-default-features --features udp`
//! (the other features need a compiler of protocol buffers).

#![expect(
    clippy::cast_precision_loss,
    reason = "figures are printed with three digits"
)]

mod clients;
mod crowd;
mod figures;
mod flood;
mod load;
#[path = "../rig/machine.rs"]
mod machine;
mod media;
#[path = "../rig/parts.rs"]
mod parts;
mod server;
mod setup;
mod stun;
#[path = "../rig/table.rs"]
mod table;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use figures::Figures;

/// What a step gives, or why it couldn't.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The argument on which this program is the reflector.
pub(crate) const REFLECT: &str = "reflect";

/// How long each server is loaded.
pub(crate) fn time_for_each() -> Duration {
    let chosen = std::env::var(SECONDS).ok();
    let seconds = chosen.and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(LONG))
}

/// The variable that says how long instead, in seconds.
const SECONDS: &str = "PRIVCOMM_SECONDS";
const LONG: u64 = 4;

/// A part of the benchmark: fills its rows in.
type Part = fn(&mut Figures) -> Outcome<()>;

/// In the order in which they run.
const PARTS: [(&str, Part); 6] = [
    ("pair", media::pair),
    ("peer", media::peer),
    ("voice", media::voice),
    ("burst", media::burst),
    ("setup", setup::run),
    ("flood", flood::run),
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let words = parts::words();
    if words == [REFLECT] {
        return crowd::reflect();
    }
    let chosen = parts::chosen(&PARTS, &words)?;
    machine::raise_file_limit()?;
    machine::take_core(machine::GENERATOR_CORE)?;
    eprintln!("privcomm is {}", server::binary().display());
    let mut figures = Figures::default();
    for (name, part) in chosen {
        eprintln!("{name}");
        part(&mut figures)?;
    }
    figures.print();
    Ok(())
}
