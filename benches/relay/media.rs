//! Media through allocations: as much as goes, at the pace of voice, and in bursts.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::clients::allocate;
use crate::crowd::Crowd;
use crate::figures::{Figures, Media, Meter};
use crate::load::{Load, Shape};
use crate::server::{Kind, Mode, Server};
use crate::table::Goal;

const SIZES: [usize; 3] = [10, 200, 1000];
/// Bytes of media: 20 ms of voice; a packet of video.
const VOICE: usize = 160;
const VIDEO: usize = 1000;
/// Packets under way in saturation: what a default receive buffer holds of each.
const VOICE_WINDOW: usize = 256;
const VIDEO_WINDOW: usize = 128;
/// Packets a second of one speaker.
const RATE: u32 = 50;
/// Clients that send bursts.
const BURSTING: usize = 200;
const WARM_UP: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(3);

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
    for (count, coturn, turn_rs) in [
        (SIZES[0], 2.3, Goal::None),
        (SIZES[1], 2.3, Goal::None),
        (SIZES[2], 3.0, Goal::AtLeast(2.0)),
    ] {
        let what = format!("pair, saturated, {count} allocations");
        let pace = Pace::Saturated(Shape::Single);
        let run = Run {
            mode: Mode::Pair,
            pace,
            count,
            what: &what,
            goal: Goal::None,
        };
        run.measure_all(figures)?;
        figures.compare(&what, Kind::Limit, Goal::AtLeast(0.95));
        figures.compare(&what, Kind::Coturn, Goal::AtLeast(coturn));
        figures.compare(&what, Kind::TurnRs, turn_rs);
    }
    Ok(())
}

/// To and from peers outside, saturated.
pub(crate) fn peer(figures: &mut Figures) -> Outcome<()> {
    for count in SIZES {
        let what = format!("peer, saturated, {count} allocations");
        let pace = Pace::Saturated(Shape::Single);
        let run = Run {
            mode: Mode::Peer,
            pace,
            count,
            what: &what,
            goal: Goal::None,
        };
        run.measure_all(figures)?;
        figures.compare(&what, Kind::Limit, Goal::AtLeast(0.8));
        figures.compare(&what, Kind::Coturn, Goal::AtLeast(1.5));
    }
    Ok(())
}

/// Both clients on this relay, 50 packets a second each.
pub(crate) fn voice(figures: &mut Figures) -> Outcome<()> {
    for count in SIZES {
        let what = format!("voice, {count} allocations × {RATE}/s");
        // Few packets are a wake-up each; the goal is for many.
        let goal = if count == SIZES[2] {
            Goal::AtLeast(350.0)
        } else {
            Goal::None
        };
        let run = Run {
            mode: Mode::Pair,
            pace: Pace::Voice,
            count,
            what: &what,
            goal,
        };
        run.measure_all(figures)?;
        for other in [Kind::Limit, Kind::Coturn, Kind::TurnRs] {
            figures.compare(&what, other, Goal::None);
        }
    }
    Ok(())
}

/// Both clients on this relay, 8 packets of 1,000 bytes at once.
pub(crate) fn burst(figures: &mut Figures) -> Outcome<()> {
    for (name, shape, coturn) in [
        ("bursts of 8 × 1,000 B", Shape::Burst, 2.4),
        ("trains of 8 × 1,000 B", Shape::Train, 4.0),
    ] {
        let what = format!("{name}, saturated, {BURSTING} allocations");
        let run = Run {
            mode: Mode::Pair,
            pace: Pace::Saturated(shape),
            count: BURSTING,
            what: &what,
            goal: Goal::None,
        };
        run.measure_all(figures)?;
        figures.compare(&what, Kind::Coturn, Goal::AtLeast(coturn));
        figures.compare(&what, Kind::TurnRs, Goal::None);
    }
    Ok(())
}

impl Run<'_> {
    /// Measures one server after the other.
    fn measure_all(&self, figures: &mut Figures) -> Outcome<()> {
        for kind in Kind::ALL {
            self.measure(figures, kind)?;
        }
        Ok(())
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
        self.apply(&mut load, WARM_UP)?;
        if load.take_tally().received == 0 {
            return Err(format!("{kind} relays nothing").into());
        }
        let (meter, start) = (Meter::begin(&server.process())?, Instant::now());
        self.apply(&mut load, LONG)?;
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
