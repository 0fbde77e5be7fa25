//! What a stretch of work cost the daemon and the generator.

use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::machine::Process;

/// A stretch of time, with what the daemon and the generator used in it.
#[derive(Debug)]
pub(crate) struct Stretch {
    start: Instant,
    daemon: Process,
    daemon_cpu: Duration,
    own_cpu: Duration,
    written: usize,
}

/// What a stretch came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    pub(crate) daemon_cpu: Duration,
    pub(crate) own_cpu: Duration,
    /// Bytes that the daemon wrote.
    pub(crate) written: usize,
}

impl Stretch {
    /// Begins now.
    pub(crate) fn begin(daemon: &Process) -> Outcome<Self> {
        Ok(Self {
            daemon_cpu: daemon.cpu()?,
            own_cpu: Process::own().cpu()?,
            written: written(daemon)?,
            daemon: daemon.clone(),
            start: Instant::now(),
        })
    }

    /// How long it has been.
    pub(crate) fn time(&self) -> Duration {
        self.start.elapsed()
    }

    /// Ends now.
    pub(crate) fn end(&self) -> Outcome<Cost> {
        Ok(Cost {
            time: self.start.elapsed(),
            daemon_cpu: self.daemon.cpu()?.saturating_sub(self.daemon_cpu),
            own_cpu: Process::own().cpu()?.saturating_sub(self.own_cpu),
            written: written(&self.daemon)?.saturating_sub(self.written),
        })
    }
}

impl Cost {
    /// `count` by the second.
    pub(crate) fn rate(&self, count: usize) -> f64 {
        count as f64 / self.time.as_secs_f64()
    }

    /// The daemon's milliseconds for each of `count`.
    pub(crate) fn daemon_millis(&self, count: usize) -> f64 {
        self.daemon_cpu.as_secs_f64() * 1000.0 / count.max(1) as f64
    }

    /// One line about who was busy: figures are worth little where the generator was.
    pub(crate) fn busy(&self) -> String {
        let share = |cpu: Duration| 100.0 * cpu.as_secs_f64() / self.time.as_secs_f64();
        format!(
            "daemon {:.0} % of a core, generator {:.0} %",
            share(self.daemon_cpu),
            share(self.own_cpu)
        )
    }
}

/// Bytes that a process caused to be written to disk so far.
fn written(process: &Process) -> Outcome<usize> {
    process.number("io", "write_bytes:")
}

/// The resident memory once it no longer changes, KiB.
pub(crate) fn settled(daemon: &Process) -> Outcome<usize> {
    let mut last = daemon.resident()?;
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(500));
        let now = daemon.resident()?;
        if now == last {
            break;
        }
        last = now;
    }
    Ok(last)
}
