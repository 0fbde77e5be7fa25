//! Media through allocations: as much as goes, at the pace of voice, and in bursts.

use std::time::{Duration, Instant};

use crate::clients::allocate;
use crate::crowd::Crowd;
use crate::figures::{Figures, Media, Meter};
use crate::load::{Load, Shape};
use crate::server::{Kind, Mode, Server};
use crate::table::Goal;
use crate::{Outcome, time_for_each};

const SIZES: [usize; 3] = [10, 200, 1000];
/// Bytes of media: 20 ms of voice; a packet of video.
const VOICE: usize = 160;
const VIDEO: usize = 1000;
/// Packets under way in saturation: what a default receive buffer holds of each.
const VOICE_WINDOW: usize = 256;
const VIDEO_WINDOW: usize = 128;
/// Packets a second of one speaker.
const RATE: u32 = 50;
/// Parts of the time for one server that go to warming up; what comes then isn't counted.
const WARM_UP: u32 = 8;

/// How packets come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Saturated(Shape),
    Voice,
}

/// One run against one server.
#[derive(Debug, Clone, Copy)]
struct Run<'a> {
    mode: Mode,
    pace: Pace,
    count: usize,
    what: &'a str,
    goal: Goal,
}

/// Both clients on this relay, saturated.
pub(crate) fn pair(figures: &mut Figures) -> Outcome<()> {
    let shape = Shape::Single;
    saturated(
        figures,
        Mode::Pair,
        shape,
        "saturated",
        |count| match count {
            1000 => Goals {
                limit: Goal::AtLeast(0.95),
                coturn: Goal::AtLeast(3.0),
                turn_rs: Goal::AtLeast(2.0),
            },
            _ => Goals {
                limit: Goal::AtLeast(0.95),
                coturn: Goal::AtLeast(2.3),
                turn_rs: Goal::None,
            },
        },
    )
}

/// To and from peers outside, saturated.
pub(crate) fn peer(figures: &mut Figures) -> Outcome<()> {
    let shape = Shape::Single;
    saturated(figures, Mode::Peer, shape, "saturated", |_| Goals {
        limit: Goal::AtLeast(0.8),
        coturn: Goal::AtLeast(1.5),
        turn_rs: Goal::None,
    })
}

/// 50 packets a second of each, in both modes.
pub(crate) fn voice(figures: &mut Figures) -> Outcome<()> {
    for mode in [Mode::Pair, Mode::Peer] {
        for count in SIZES {
            let what = format!("{mode}, voice, {count} allocations × {RATE}/s");
            // Few packets are a wake-up each; the goal is for many.
            let goal = match (mode, count) {
                (Mode::Pair, 1000) => Goal::AtLeast(350.0),
                _ => Goal::None,
            };
            let run = Run {
                mode,
                pace: Pace::Voice,
                count,
                what: &what,
                goal,
            };
            run.measure_all(figures, Goals::default())?;
        }
    }
    Ok(())
}

/// 8 packets of 1,000 bytes at once, in both modes: one by one, and as one train.
pub(crate) fn burst(figures: &mut Figures) -> Outcome<()> {
    for (name, shape, least) in [
        ("bursts of 8 × 1,000 B", Shape::Burst, 2.4),
        ("trains of 8 × 1,000 B", Shape::Train, 4.0),
    ] {
        let coturn = Goal::AtLeast(least);
        saturated(figures, Mode::Pair, shape, name, |_| Goals {
            coturn,
            ..Goals::default()
        })?;
        saturated(figures, Mode::Peer, shape, name, |_| Goals::default())?;
    }
    Ok(())
}

/// As much as goes, with few allocations and with many; then what many cost.
fn saturated(
    figures: &mut Figures,
    mode: Mode,
    shape: Shape,
    name: &str,
    goals: impl Fn(usize) -> Goals,
) -> Outcome<()> {
    let what = |count: usize| format!("{mode}, {name}, {count} allocations");
    for count in SIZES {
        let run = Run {
            mode,
            pace: Pace::Saturated(shape),
            count,
            what: &what(count),
            goal: Goal::None,
        };
        run.measure_all(figures, goals(count))?;
    }
    let [few, .., many] = SIZES;
    let rise = format!("{mode}, {name}: cost of a packet at {many} / at {few} allocations");
    figures.rise(&rise, &what(few), &what(many), Goal::AtMost(1.2));
    Ok(())
}

/// What this daemon's packets per CPU second should be of others'.
#[derive(Debug, Clone, Copy)]
struct Goals {
    limit: Goal,
    coturn: Goal,
    turn_rs: Goal,
}

impl Default for Goals {
    fn default() -> Self {
        Self {
            limit: Goal::None,
            coturn: Goal::None,
            turn_rs: Goal::None,
        }
    }
}

impl Run<'_> {
    /// Measures one server after the other, and compares them.
    fn measure_all(&self, figures: &mut Figures, goals: Goals) -> Outcome<()> {
        for kind in Kind::ALL {
            self.measure(figures, kind)?;
        }
        figures.compare(self.what, Kind::Limit, goals.limit);
        figures.compare(self.what, Kind::Coturn, goals.coturn);
        figures.compare(self.what, Kind::TurnRs, goals.turn_rs);
        Ok(())
    }

    /// How long to measure. Voice comes slowly: few speakers need longer until there are enough
    /// packets to tell the hundredth of them that are late.
    fn duration(&self) -> Duration {
        match self.pace {
            Pace::Saturated(_) => time_for_each(),
            Pace::Voice => time_for_each() * 2,
        }
    }

    /// Measures a fresh server, if it can be had.
    fn measure(&self, figures: &mut Figures, kind: Kind) -> Outcome<()> {
        let Some(server) = Server::start(kind, self.mode)? else {
            return Ok(());
        };
        let mut crowd = Crowd::new()?;
        let length = match self.pace {
            Pace::Saturated(Shape::Burst | Shape::Train) => {
                crowd.receive_trains()?;
                VIDEO
            }
            Pace::Saturated(Shape::Single) | Pace::Voice => VOICE,
        };
        let address = server.address();
        let mut load = if kind == Kind::Limit {
            Load::reflected(&mut crowd, address, self.count, length)
        } else {
            let clients = allocate(&mut crowd, address, self.mode, 0, self.count)?;
            Load::relayed(&mut crowd, address, self.mode, &clients, length)
        };
        self.apply(&mut load, self.duration() / WARM_UP)?;
        if load.take_tally().received == 0 {
            return Err(format!("{kind} relays nothing").into());
        }
        let (meter, start) = (Meter::begin(&server.process())?, Instant::now());
        self.apply(&mut load, self.duration())?;
        let (used, time) = (meter.end()?, start.elapsed());
        let mut tally = load.take_tally();
        let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / time.as_secs_f64();
        let thousands = tally.received as f64 / 1000.0;
        let media = Media {
            kind,
            what: self.what.to_owned(),
            rate: thousands / used.server.as_secs_f64(),
            throughput: thousands / time.as_secs_f64(),
            loss: tally.loss() * 100.0,
            p50: tally.latency(500),
            p99: tally.latency(990),
            server: share(used.server),
            generator: share(match self.pace {
                Pace::Saturated(_) => used.own,
                // It spins: what counts is when it had something to do.
                Pace::Voice => tally.busy,
            }),
        };
        figures.add_media(media, self.goal);
        if tally.missed > 0 {
            eprintln!(
                "    the machine is busy: {} packets beside {} sent missed their time",
                tally.missed, tally.sent
            );
        }
        server.finish()
    }

    fn apply(&self, load: &mut Load<'_>, time: Duration) -> Outcome<()> {
        match self.pace {
            Pace::Saturated(Shape::Single) => load.saturate(VOICE_WINDOW, Shape::Single, time),
            Pace::Saturated(shape) => load.saturate(VIDEO_WINDOW, shape, time),
            Pace::Voice => load.pace(RATE, time),
        }
    }
}
