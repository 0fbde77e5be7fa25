//! What an allocation costs: four requests, and the memory that stays.

use crate::Outcome;
use crate::clients::allocate;
use crate::crowd::Crowd;
use crate::figures::{Figures, Meter};
use crate::server::{Kind, Mode, Server};
use crate::table::Goal;

/// Allocations before anything is counted, and those that count: enough for ticks of 10 ms.
const FIRST: usize = 100;
const MANY: usize = 4000;

const CPU: &str = "set-up of an allocation, 4 requests";
const MEMORY: &str = "resident memory per allocation";

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    for kind in [Kind::Privcomm, Kind::Coturn, Kind::TurnRs] {
        let Some(server) = Server::start(kind, Mode::Pair)? else {
            continue;
        };
        let mut crowd = Crowd::new()?;
        allocate(&mut crowd, server.address(), Mode::Pair, 0, FIRST)?;
        let process = server.process();
        let before = process.resident()?;
        let meter = Meter::begin(&process)?;
        allocate(&mut crowd, server.address(), Mode::Pair, FIRST, MANY)?;
        let used = meter.end()?;
        let grown = process.resident()?.saturating_sub(before);
        let each = used.server.as_secs_f64() * 1e6 / MANY as f64;
        figures.add(kind, CPU, each, "µs CPU", Goal::AtMost(60.0));
        figures.add(
            kind,
            MEMORY,
            grown as f64 / MANY as f64,
            "KiB",
            Goal::AtMost(8.0),
        );
        server.finish()?;
    }
    for what in [CPU, MEMORY] {
        figures.compare(what, Kind::Coturn, Goal::None);
        figures.compare(what, Kind::TurnRs, Goal::None);
    }
    Ok(())
}
