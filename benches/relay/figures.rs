//! What was measured of every server, and the ratios between them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::time::Duration;

use crate::Outcome;
use crate::machine::Process;
use crate::server::Kind;
use crate::table::{Goal, Table};

/// Every figure of a run.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    media: Vec<Media>,
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

    /// Adds what a run of media came to; `goal` is for this daemon's packets per CPU second.
    pub(crate) fn add_media(&mut self, media: Media, goal: Goal) {
        eprintln!("  {media}");
        let is_ours = media.kind == Kind::Privcomm && !matches!(goal, Goal::None);
        if is_ours {
            self.ratios.add(&media.what, media.rate, "kpkt/CPU-s", goal);
            let what = format!("{}: p99 one way", media.what);
            self.ratios.add(what, media.p99, "ms", Goal::AtMost(1.0));
        }
        self.scores
            .insert((media.what.clone(), media.kind), media.rate);
        self.media.push(media);
    }

    /// Compares this daemon with another in a figure that both have.
    pub(crate) fn compare(&mut self, what: &str, other: Kind, goal: Goal) {
        let score = |kind| self.scores.get(&(what.to_owned(), kind));
        if let (Some(own), Some(theirs)) = (score(Kind::Privcomm), score(other)) {
            let what = format!("{what}: privcomm / {other}");
            self.ratios.add(what, own / theirs, "×", goal);
        }
    }

    /// Compares what a packet costs this daemon `then` with what it costs it `first`.
    pub(crate) fn rise(&mut self, what: &str, first: &str, then: &str, goal: Goal) {
        let rate = |what: &str| self.scores.get(&(what.to_owned(), Kind::Privcomm));
        if let (Some(first), Some(then)) = (rate(first), rate(then)) {
            self.ratios.add(what, first / then, "×", goal);
        }
    }

    /// Prints all of them, ratios last.
    pub(crate) fn print(&self) {
        println!(
            "\n{:<60} {:>10} {:>7} {:>8} {:>8} {:>8} {:>8} {:>9}",
            "media", "kpkt/CPU-s", "loss %", "p50 ms", "p99 ms", "kpkt/s", "server %", "load gen %"
        );
        for media in &self.media {
            println!("{media}");
        }
        self.measured.print("control");
        self.ratios.print("ratios");
        println!(
            "How to read it: every server has one core and the load generator another; kpkt/CPU-s \
             is thousand packets delivered per second of the server's CPU time and holds still \
             where the machine doesn't; 1 or more in the last column reaches its goal."
        );
    }
}

/// What a run of media through one server came to.
#[derive(Debug)]
pub(crate) struct Media {
    pub(crate) kind: Kind,
    pub(crate) what: String,
    /// Thousand packets delivered per second of the server's CPU time.
    pub(crate) rate: f64,
    /// Thousand packets delivered per second.
    pub(crate) throughput: f64,
    /// Of what was sent, percent.
    pub(crate) loss: f64,
    /// One way, milliseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// How busy they were, percent of a core.
    pub(crate) server: f64,
    pub(crate) generator: f64,
}

impl fmt::Display for Media {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = format!("{:<9}{}", self.kind, self.what);
        write!(
            f,
            "{what:<60} {:>10.0} {:>7.2} {:>8.3} {:>8.3} {:>8.1} {:>8.0} {:>9.0}",
            self.rate, self.loss, self.p50, self.p99, self.throughput, self.server, self.generator
        )
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
            server_cpu: spent(server)?,
            own_cpu: Process::own().cpu()?,
            server: server.clone(),
        })
    }

    /// Ends now.
    pub(crate) fn end(&self) -> Outcome<Used> {
        Ok(Used {
            server: spent(&self.server)?.saturating_sub(self.server_cpu),
            own: Process::own().cpu()?.saturating_sub(self.own_cpu),
        })
    }
}

/// User and system time of all threads of a process, to the nanosecond: a few packets a second are
/// less than a tick of its stat.
fn spent(process: &Process) -> Outcome<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(process.0.join("task"))? {
        // One that has ended meanwhile had nothing to do with packets.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        let nanos = text.split_whitespace().next();
        sum += Duration::from_nanos(nanos.ok_or("schedstat is empty")?.parse()?);
    }
    Ok(sum)
}
