//! Cores, file limits, processes, and what the kernel counts for one.

use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

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
pub(crate) struct Process(pub(crate) PathBuf);

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

    /// Resident memory, KiB.
    pub(crate) fn resident(&self) -> Outcome<usize> {
        self.number("status", "VmRSS:")
    }

    /// The number behind `name` in a file of lines.
    pub(crate) fn number(&self, file: &str, name: &str) -> Outcome<usize> {
        let text = fs::read_to_string(self.0.join(file))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let word = line.and_then(|line| line.split_whitespace().next());
        Ok(word.ok_or("a line of /proc is missing")?.parse()?)
    }
}

/// A child, killed when it is dropped, whatever went wrong.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
