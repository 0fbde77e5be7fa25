//! Room on the disk, and the age of the last backup.

use std::time::Duration;

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::words::{amount, span};

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let mut findings = vec![room(scene)];
    findings.extend(backups(scene));
    findings
}

fn room(scene: &Scene<'_>) -> Finding {
    let floor = scene.config().store.disk_floor;
    let free = match (&scene.daemon, &scene.state) {
        (Some(near), _) => near.status.disk.free_bytes,
        (None, Some(state)) => rustix::fs::statvfs(state)
            .ok()
            .map(|system| system.f_bavail.saturating_mul(system.f_frsize)),
        (None, None) => None,
    };
    let floor = scene
        .daemon
        .as_ref()
        .map_or(floor, |near| near.status.disk.floor_bytes);
    let Some(free) = free else {
        return Finding::ok(
            Group::Disk,
            "not checked: the system doesn't say how much is free",
        );
    };
    let sentence = format!("{} free (floor {})", amount(free), amount(floor));
    if free < floor {
        Finding::fail(Group::Disk, Trouble::DiskFull, sentence)
    } else if free < floor.saturating_mul(2) {
        Finding::warn(Group::Disk, Trouble::DiskSmall, sentence)
    } else {
        Finding::ok(Group::Disk, sentence)
    }
}

/// By themselves backups are made only where a directory is configured for them.
fn backups(scene: &Scene<'_>) -> Option<Finding> {
    let config = scene.config();
    let state = scene.state.as_ref()?;
    if config.backup.directory.is_none() {
        let sentence = "no backup is made by itself: backup.directory is not set";
        return Some(
            Finding::warn(Group::Disk, Trouble::BackupMissing, sentence)
                .mended_by("privcomm config set backup.directory /var/backups/privcomm"),
        );
    }
    let newest = crate::serve::shelf(&config, state).newest_daily();
    Some(match newest {
        Ok(Some(made)) => {
            let age = scene.now.since(made);
            let sentence = format!("last backup {} ago", span(age.as_secs()));
            if age > config.backup.every.saturating_mul(2) + Duration::from_hours(1) {
                Finding::warn(Group::Disk, Trouble::BackupMissing, sentence)
            } else {
                Finding::ok(Group::Disk, sentence)
            }
        }
        Ok(None) => Finding::warn(
            Group::Disk,
            Trouble::BackupMissing,
            "no backup was made yet",
        )
        .mended_by("privcomm backup create"),
        Err(error) => Finding::warn(Group::Disk, Trouble::BackupFailed, error.to_string()),
    })
}
