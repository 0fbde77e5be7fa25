//! The process, under the names that every exporter uses for it.

use std::fs;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::known;
use crate::base::Timestamp;
use crate::telemetry::Family;

/// Which build this is.
pub(super) fn build() -> Vec<Family> {
    let family = Family::gauge("privcomm_build_info", "Always 1; the label is the version.");
    vec![family.with(&[("version", env!("CARGO_PKG_VERSION"))], 1)]
}

pub(super) async fn families(started: Timestamp) -> Vec<Family> {
    // Ten thousand connections are ten thousand entries to count.
    let open = tokio::task::spawn_blocking(open_files).await.ok().flatten();
    let most = getrlimit(Resource::Nofile).current;
    vec![
        known(
            Family::gauge("process_resident_memory_bytes", "Memory in use."),
            resident(),
        ),
        known(
            Family::gauge("process_open_fds", "Open file descriptors."),
            open,
        ),
        known(
            Family::gauge("process_max_fds", "File descriptors that may be open."),
            most,
        ),
        Family::counter("process_cpu_seconds_total", "CPU time used.").is_real(cpu_seconds()),
        Family::gauge(
            "process_start_time_seconds",
            "When the daemon started, in seconds since 1970.",
        )
        .is(started.as_secs()),
    ]
}

fn open_files() -> Option<u64> {
    let entries = fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the directory that is being read.
    u64::try_from(entries).ok()?.checked_sub(1)
}

fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let whole = u32::try_from(used.tv_sec).unwrap_or(u32::MAX);
    let nanos = u32::try_from(used.tv_nsec).unwrap_or_default();
    f64::from(whole) + f64::from(nanos) / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_what_the_process_takes() {
        let _file = fs::File::open("/proc/self/status").unwrap();
        assert!(open_files().is_some_and(|count| count >= 4));
        assert!(resident().is_some_and(|bytes| bytes > 1 << 20));
        assert!(cpu_seconds() > 0.0);
    }
}
