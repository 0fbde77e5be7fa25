//! The packaged service, as systemd has it.

use std::path::Path;
use std::process::Command;

/// Its name.
const UNIT: &str = "privcomm";

/// Where systemd keeps the state of services.
const STATES: &str = "/var/lib";

/// Has systemd do something with the service. Whether it did; false where there is no systemd.
pub(super) fn have(verb: &str) -> bool {
    let status = Command::new("systemctl").args([verb, UNIT]).status();
    status.is_ok_and(|status| status.success())
}

/// Whether it runs.
pub(super) fn is_active() -> bool {
    let asked = ["is-active", "--quiet", UNIT];
    let status = Command::new("systemctl").args(asked).status();
    status.is_ok_and(|status| status.success())
}

/// Whether this is the directory of its state.
pub(super) fn keeps_state_in(state: &Path) -> bool {
    let asked = ["show", UNIT, "-p", "StateDirectory", "--value"];
    let Ok(output) = Command::new("systemctl").args(asked).output() else {
        return false;
    };
    let name = String::from_utf8_lossy(&output.stdout);
    !name.trim().is_empty() && Path::new(STATES).join(name.trim()) == state
}
