//! Limits: asked for and got.

use std::process::Command;

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(near) = &scene.daemon else {
        return absent(scene);
    };
    let needed = near.here.descriptors_needed;
    vec![match near.here.descriptors {
        Some(got) if got < needed => {
            let sentence = format!("{got} open files allowed, {needed} needed at the limits");
            Finding::warn(Group::Unit, Trouble::LimitsLow, sentence)
        }
        Some(got) => match asked(near.here.pid) {
            Some(asked) if got < asked => {
                let sentence = format!("{got} open files allowed, its unit asks for {asked}");
                Finding::warn(Group::Unit, Trouble::LimitsLow, sentence).mended_by(
                    "what runs this machine bounds it: raise the limit of the container or of systemd",
                )
            }
            Some(asked) => {
                let sentence = format!("running, {got} open files allowed, {asked} asked for");
                Finding::ok(Group::Unit, sentence)
            }
            None => Finding::ok(Group::Unit, format!("running, {got} open files allowed")),
        },
        None => Finding::ok(Group::Unit, "running, any number of open files allowed"),
    }]
}

/// Open files that the unit asks for; none: the daemon is no service of systemd.
fn asked(pid: u32) -> Option<u64> {
    let properties = ["show", "privcomm", "-p", "MainPID", "-p", "LimitNOFILE"];
    let output = Command::new("systemctl").args(properties).output().ok()?;
    limit_of(&String::from_utf8_lossy(&output.stdout), pid)
}

/// The limit among the properties of a unit, if its process is this one.
fn limit_of(properties: &str, pid: u32) -> Option<u64> {
    let value = |name: &str| {
        let mut lines = properties.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    };
    let main: u32 = value("MainPID")?.parse().ok()?;
    value("LimitNOFILE")?.parse().ok().filter(|_| main == pid)
}

/// The daemon should run, and can't be asked.
fn absent(scene: &Scene<'_>) -> Vec<Finding> {
    let absence = scene.absence.as_ref();
    let fail =
        |(trouble, why): &(Trouble, String)| Finding::fail(Group::Unit, *trouble, why.clone());
    absence.map(fail).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_asks_only_for_its_own_process() {
        let properties = "MainPID=812\nLimitNOFILE=65536\n";
        assert_eq!(limit_of(properties, 812), Some(65_536));
        assert_eq!(limit_of(properties, 813), None);
        let endless = "MainPID=812\nLimitNOFILE=infinity\n";
        assert_eq!(limit_of(endless, 812), None);
        assert_eq!(limit_of("", 812), None);
    }
}
