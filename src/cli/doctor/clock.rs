//! Whether something keeps the clock.

use std::path::Path;

use rustix::time::{ClockId, clock_gettime};

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};

/// No clock that is right is before this: 2025-01-01.
const EARLIEST: i64 = 1_735_689_600;

/// systemd-timesyncd, chrony and ntpd leave something here once they have the time.
const KEPT: [&str; 3] = [
    "/run/systemd/timesync/synchronized",
    "/run/chrony/chronyd.pid",
    "/run/ntpd.pid",
];

pub(super) fn check(_: &Scene<'_>) -> Vec<Finding> {
    let now = clock_gettime(ClockId::Realtime).tv_sec;
    vec![if now < EARLIEST {
        let sentence = "this machine's clock is years behind";
        Finding::fail(Group::Clock, Trouble::ClockOff, sentence)
    } else if KEPT.iter().any(|sign| Path::new(sign).exists()) {
        Finding::ok(Group::Clock, "kept by a time service")
    } else if is_contained() {
        Finding::ok(Group::Clock, "in a container: its host keeps the clock")
    } else {
        let sentence = "no time service of this machine is seen to keep its clock";
        Finding::warn(Group::Clock, Trouble::ClockOff, sentence)
    }]
}

/// Whether this is a container, which can't set the clock.
fn is_contained() -> bool {
    ["/run/systemd/container", "/.dockerenv"]
        .iter()
        .any(|sign| Path::new(sign).exists())
}
