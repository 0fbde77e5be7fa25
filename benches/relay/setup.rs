//! What an allocation costs: four requests, and the memory that stays.

use crate::Outcome;
use crate::clients::allocate;
use crate::crowd::Crowd;
use crate::figures::{Figures, Meter};
use crate::server::{Kind, Mode, Server};
use crate::table::Goal;

/// Allocations before anything is counted, and those that count.
const FIRST: usize = 100;
const MANY: usize = 4000;

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    for (mode, cpu_goal, memory_goal) in [
        (Mode::Pair, Goal::AtMost(60.0), Goal::AtMost(8.0)),
        (Mode::Peer, Goal::None, Goal::None),
    ] {
        let cpu = format!("{mode}, set-up of an allocation, 4 requests");
        let memory = format!("{mode}, resident memory per allocation");
        for kind in [Kind::Privcomm, Kind::Coturn, Kind::TurnRs] {
            if let Some(server) = Server::start(kind, mode)? {
                let (micros, kib) = measure(&server, mode)?;
                figures.add(kind, &cpu, micros, "µs CPU", cpu_goal);
                figures.add(kind, &memory, kib, "KiB", memory_goal);
                server.finish()?;
            }
        }
        for what in [cpu, memory] {
            figures.compare(&what, Kind::Coturn, Goal::None);
            figures.compare(&what, Kind::TurnRs, Goal::None);
        }
    }
    Ok(())
}

/// Microseconds of CPU time and KiB of memory for one.
fn measure(server: &Server, mode: Mode) -> Outcome<(f64, f64)> {
    let mut crowd = Crowd::new()?;
    allocate(&mut crowd, server.address(), mode, 0, FIRST)?;
    let process = server.process();
    let before = process.resident()?;
    let meter = Meter::begin(&process)?;
    allocate(&mut crowd, server.address(), mode, FIRST, MANY)?;
    let used = meter.end()?;
    let grown = process.resident()?.saturating_sub(before);
    let micros = used.server.as_secs_f64() * 1e6 / MANY as f64;
    Ok((micros, grown as f64 / MANY as f64))
}
