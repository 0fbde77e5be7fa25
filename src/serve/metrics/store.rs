//! The database and the disk under it.

use super::known;
use crate::store::{Figures, Store, Work};
use crate::telemetry::Family;

pub(super) fn families(store: &Store, work: &Work, stored: Option<&Figures>) -> Vec<Family> {
    vec![
        Family::histogram(
            "privcomm_store_commit_messages",
            "Messages written in each commit.",
        )
        .spread(work.group_sizes.clone()),
        Family::histogram(
            "privcomm_store_commit_duration_seconds",
            "How long each commit took, syncs included.",
        )
        .spread_of_micros(&[], work.commit_times.clone()),
        Family::counter(
            "privcomm_store_commits_failed_total",
            "Commits that failed; not among the others.",
        )
        .is(work.failed_commits),
        known(
            Family::gauge(
                "privcomm_store_file_bytes",
                "Size of the database file; space inside it is used again.",
            ),
            stored.map(|stored| stored.file_bytes),
        ),
        known(
            Family::gauge(
                "privcomm_disk_free_bytes",
                "Free space where the database is.",
            ),
            store.free_space().ok(),
        ),
        Family::gauge(
            "privcomm_disk_floor_bytes",
            "Free space below which new messages are refused (store.disk_floor).",
        )
        .is(store.disk_floor()),
    ]
}
