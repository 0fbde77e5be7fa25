//! What was measured of every server, and the ratios between them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::Outcome;
use crate::machine::Process;
use crate::server::Kind;
use crate::table::{Goal, Table};

/// Every figure of a run.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    measured: Table,
    ratios: Table,
    /// What ratios are made of: what was measured, of whom.
    scores: BTreeMap<(String, Kind), f64>,
}

impl Figures {
    /// Adds a figure of a server. The goal is for this daemon.
    pub(crate) fn add(
        &mut self,
        kind: Kind,
        what: &str,
        value: f64,
        unit: &'static str,
        goal: Goal,
    ) {
        let goal = if kind == Kind::Privcomm {
            goal
        } else {
            Goal::None
        };
        self.measured
            .add(format!("{kind:<9}{what}"), value, unit, goal);
        self.scores.insert((what.to_owned(), kind), value);
    }

    /// Compares this daemon with another in a figure that both have.
    pub(crate) fn compare(&mut self, what: &str, other: Kind, goal: Goal) {
        let score = |kind| self.scores.get(&(what.to_owned(), kind));
        if let (Some(own), Some(theirs)) = (score(Kind::Privcomm), score(other)) {
            let what = format!("{what}: privcomm / {other}");
            self.ratios.add(what, own / theirs, "×", goal);
        }
    }

    /// Prints all of them, ratios last.
    pub(crate) fn print(&self) {
        self.measured.print("media relay, every server on one core");
        self.ratios.print("ratios");
        println!(
            "How to read it: kpkt/CPU-s is thousand packets delivered per second of the server's \
             CPU time and holds still where the machine doesn't; a ratio of 1 or more in the last \
             column reaches its goal."
        );
    }
}

/// CPU time of a server and of the generator, from a moment on.
#[derive(Debug)]
pub(crate) struct Meter {
    server: Process,
    server_cpu: Duration,
    own_cpu: Duration,
}

/// What was used since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) server: Duration,
    pub(crate) own: Duration,
}

impl Meter {
    /// Begins now.
    pub(crate) fn begin(server: &Process) -> Outcome<Self> {
        Ok(Self {
            server_cpu: server.cpu()?,
            own_cpu: Process::own().cpu()?,
            server: server.clone(),
        })
    }

    /// Ends now.
    pub(crate) fn end(&self) -> Outcome<Used> {
        Ok(Used {
            server: self.server.cpu()?.saturating_sub(self.server_cpu),
            own: Process::own().cpu()?.saturating_sub(self.own_cpu),
        })
    }
}
