//! Cores, file limits, and what the kernel counts for a process.

use std::fs;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::Outcome;

/// Where the daemon runs.
pub(crate) const DAEMON_CORE: usize = 0;
/// Where the load comes from, where there is a second core.
pub(crate) const GENERATOR_CORE: usize = 1;

/// A tick of /proc/PID/stat: USER_HZ is 100 on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Keeps this thread, and whatever it starts, on `core`; does nothing where there is only one.
pub(crate) fn take_core(core: usize) -> Outcome<()> {
    let cores = fs::read_to_string("/proc/cpuinfo")?
        .lines()
        .filter(|line| line.starts_with("processor"))
        .count();
    if cores > core && cores > 1 {
        let mut set = CpuSet::new();
        set.set(core);
        sched_setaffinity(None, &set)?;
    }
    Ok(())
}

/// Lets this process and its children open as many files as the system allows.
pub(crate) fn raise_file_limit() -> Outcome<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    Ok(())
}

/// A process, as /proc tells of it.
#[derive(Debug, Clone)]
pub(crate) struct Process(PathBuf);

impl Process {
    /// This one.
    pub(crate) fn own() -> Self {
        Self("/proc/self".into())
    }

    /// The one of that number.
    pub(crate) fn numbered(id: u32) -> Self {
        Self(format!("/proc/{id}").into())
    }

    /// User and system time so far.
    pub(crate) fn cpu(&self) -> Outcome<Duration> {
        let text = fs::read_to_string(self.0.join("stat"))?;
        let (_, fields) = text.rsplit_once(')').ok_or("no name in stat")?;
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks = ticks.map(str::parse::<u32>).sum::<Result<u32, _>>()?;
        Ok(TICK * ticks)
    }

    /// Bytes it caused to be written to disk so far.
    pub(crate) fn written(&self) -> Outcome<usize> {
        self.number("io", "write_bytes:")
    }

    /// Resident memory, KiB.
    pub(crate) fn resident(&self) -> Outcome<usize> {
        self.number("status", "VmRSS:")
    }

    fn number(&self, file: &str, name: &str) -> Outcome<usize> {
        let text = fs::read_to_string(self.0.join(file))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let word = line.and_then(|line| line.split_whitespace().next());
        Ok(word.ok_or("a line of /proc is missing")?.parse()?)
    }
}

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
            written: daemon.written()?,
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
            written: self.daemon.written()?.saturating_sub(self.written),
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

/// How many threads connect or register at once.
pub(crate) const HANDS: NonZero<usize> = NonZero::new(16).expect("16 is not zero");
