//! Allocates without credentials from thousands of addresses, as fast as they can be sent: what an
//! answer costs, how long it is, and what stays in memory. Once where everybody is answered, and of
//! this daemon once more as it rations answers.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use crate::clients::spread;
use crate::crowd::{Crowd, Wait};
use crate::figures::{Figures, Meter};
use crate::server::{Kind, Mode, Server};
use crate::stun::{ALLOCATE, Answer, Request, transaction};
use crate::table::Goal;
use crate::{Outcome, time_for_each};

/// Strangers begin here.
const FIRST: Ipv4Addr = Ipv4Addr::new(127, 64, 0, 1);
/// How many there are: a network for each few, no two questions of one close together.
const SOURCES: usize = 60_000;
/// How far one is from the next.
const STRIDE: usize = 61;
/// Questions between two looks at what has come.
const BATCH: usize = 32;
/// What may be new in memory after all, MiB: pages that were touched for the first time.
const FLAT: f64 = 1.0;
/// Step of the transactions.
const STEP: u16 = 9;

/// What came of a flood.
#[derive(Debug, Default)]
struct Flood {
    asked: usize,
    answered: usize,
    longest: usize,
}

pub(crate) fn run(figures: &mut Figures) -> Outcome<()> {
    let what = "flood";
    for kind in [Kind::Privcomm, Kind::Coturn, Kind::TurnRs] {
        if let Some(server) = Server::start(kind, Mode::Pair)? {
            let goal = Goal::AtLeast(250.0);
            measure(figures, kind, &server, what, goal)?;
            server.finish()?;
        }
    }
    let answers = format!("{what}: {ANSWERS}");
    figures.compare(&answers, Kind::Coturn, Goal::None);
    figures.compare(&answers, Kind::TurnRs, Goal::None);
    if let Some(server) = Server::rationing()? {
        let what = "flood, answers rationed";
        measure(figures, Kind::Privcomm, &server, what, Goal::None)?;
        server.finish()?;
    }
    Ok(())
}

const ANSWERS: &str = "answers with 401";

fn measure(
    figures: &mut Figures,
    kind: Kind,
    server: &Server,
    what: &str,
    goal: Goal,
) -> Outcome<()> {
    let mut crowd = Crowd::new()?;
    let process = server.process();
    // What is remembered of an address that has asked has its bound, and is there before.
    flood(&mut crowd, server.address(), |flood| flood.asked < SOURCES)?;
    let (memory, dropped) = (process.resident()?, dropped(server.address())?);
    let (meter, start) = (Meter::begin(&process)?, Instant::now());
    let flood = flood(&mut crowd, server.address(), |_| {
        start.elapsed() < time_for_each()
    })?;
    let (used, time) = (meter.end()?, start.elapsed());
    let grown = process.resident()?.saturating_sub(memory) as f64 / 1024.0;
    let dropped = self::dropped(server.address())?.saturating_sub(dropped);
    let dealt = flood.asked.saturating_sub(dropped);
    let each = |count: usize| count as f64 / used.server.as_secs_f64() / 1000.0;
    let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / time.as_secs_f64();
    let longest = flood.longest as f64;
    for (part, value, unit, goal) in [
        (ANSWERS, each(flood.answered), "k/CPU-s", goal),
        ("questions dealt with", each(dealt), "k/CPU-s", Goal::None),
        ("memory growth", grown, "MiB", Goal::AtMost(FLAT)),
        ("bytes of an answer to 28", longest, "B", Goal::AtMost(64.0)),
        ("server's core", share(used.server), "%", Goal::None),
        ("load generator's core", share(used.own), "%", Goal::None),
    ] {
        figures.add(kind, &format!("{what}: {part}"), value, unit, goal);
    }
    eprintln!(
        "    {} asked, {} answered, {dropped} lost in the system",
        flood.asked, flood.answered
    );
    Ok(())
}

/// Asks as long as it is to go on, and takes in what comes.
fn flood(
    crowd: &mut Crowd,
    server: SocketAddrV4,
    goes_on: impl Fn(&Flood) -> bool,
) -> Outcome<Flood> {
    let question = Request::new(ALLOCATE, transaction(STEP, 0))
        .with_transport()
        .bytes();
    let mut flood = Flood::default();
    while goes_on(&flood) {
        for _ in 0..BATCH {
            let source = spread(FIRST, flood.asked % SOURCES * STRIDE);
            crowd.send(source, server, &question)?;
            flood.asked += 1;
        }
        flood.take(crowd, Wait::Not)?;
    }
    while flood.take(crowd, Wait::Briefly)? > 0 {}
    Ok(flood)
}

impl Flood {
    fn take(&mut self, crowd: &mut Crowd, wait: Wait) -> Outcome<usize> {
        let came = crowd.receive(wait)?;
        for bytes in crowd.received() {
            if Answer::read(bytes).and_then(|answer| answer.refusal()) == Some(401) {
                self.answered += 1;
                self.longest = self.longest.max(bytes.len());
            }
        }
        Ok(came)
    }
}

/// Datagrams that the system dropped so far because the sockets of a server were full.
fn dropped(server: SocketAddrV4) -> Outcome<usize> {
    let text = fs::read_to_string("/proc/net/udp")?;
    let port = format!(":{:04X}", server.port());
    let mut dropped = 0;
    for line in text.lines().skip(1) {
        let mut words = line.split_whitespace();
        if words.nth(1).is_some_and(|local| local.ends_with(&port)) {
            dropped += words
                .last()
                .ok_or("no drops in /proc/net/udp")?
                .parse::<usize>()?;
        }
    }
    Ok(dropped)
}
