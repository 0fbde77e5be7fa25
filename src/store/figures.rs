//! What the store counts while it works. No figure names anybody.

use crate::base::{Counter, Distribution, Histogram};

/// Messages in a group: up to the most that one takes.
const GROUP_SIZES: &[u64] = &[0, 1, 3, 10, 30, 100, 300, 1_000, 3_000];

/// The counters behind [`Work`]. The writer's thread counts, with a few additions a group.
#[derive(Debug)]
pub(super) struct Counters {
    /// Messages of each committed group.
    pub(super) group_sizes: Histogram,
    /// How long each commit took, from the first row to the last sync.
    pub(super) commit_times: Histogram,
    pub(super) failed_commits: Counter,
    pub(super) failed_writes: Counter,
    pub(super) expired: Counter,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            group_sizes: Histogram::new(GROUP_SIZES),
            commit_times: Histogram::of_latency(),
            failed_commits: Counter::default(),
            failed_writes: Counter::default(),
            expired: Counter::default(),
        }
    }
}

/// What the store has done since it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// Messages in each committed group. Their sum is the messages that were written; a group may
    /// hold other work only.
    pub group_sizes: Distribution,
    /// How long each commit took, microseconds. As many as there are groups.
    pub commit_times: Distribution,
    /// Groups that could not be committed. Not among the above.
    pub failed_commits: u64,
    /// Messages in those groups. Their senders were told.
    pub failed_writes: u64,
    /// Messages that were deleted because nobody came for them in time.
    pub expired: u64,
}

impl Counters {
    pub(super) fn read(&self) -> Work {
        Work {
            group_sizes: self.group_sizes.read(),
            commit_times: self.commit_times.read(),
            failed_commits: self.failed_commits.value(),
            failed_writes: self.failed_writes.value(),
            expired: self.expired.value(),
        }
    }
}
