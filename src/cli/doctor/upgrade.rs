//! Whether an upgrade would go through: the format, and room for the snapshot before it.

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::words::amount;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let near = match scene.needs_daemon(Group::Upgrade) {
        Ok(near) => near,
        Err(finding) => return finding,
    };
    let disk = &near.status.disk;
    let room = disk
        .free_bytes
        .map(|free| free.saturating_sub(disk.floor_bytes));
    vec![match room {
        Some(room) if room < disk.database_bytes => {
            let needed = amount(disk.database_bytes);
            let sentence = format!("no room for a snapshot of {needed} before an upgrade");
            Finding::warn(Group::Upgrade, Trouble::DiskSmall, sentence)
        }
        Some(_) => Finding::ok(Group::Upgrade, "room for a snapshot before an upgrade"),
        None => Finding::ok(
            Group::Upgrade,
            "not checked: the system doesn't say what is free",
        ),
    }]
}
