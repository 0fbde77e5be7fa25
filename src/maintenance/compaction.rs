//! Whether packing the database is worth stopping the daemon for.

use std::time::Duration;

use async_trait::async_trait;

use super::job::{Job, JobError, Report};
use crate::base::Timestamp;
use crate::store::{Sizes, Store};

/// How often: looking reads every table, and a file doesn't empty in a day.
const PERIOD: Duration = Duration::from_hours(24);
/// After a start everything else comes first.
const AFTER_START: Duration = Duration::from_mins(30);

/// The hint that `db compact` would give back much.
#[derive(Debug, Clone)]
pub struct CompactionHint {
    /// The database.
    pub store: Store,
}

#[async_trait]
impl Job for CompactionHint {
    fn name(&self) -> &'static str {
        "compaction"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    fn first(&self, _now: Timestamp) -> Duration {
        AFTER_START
    }

    async fn run(&self, _now: Timestamp) -> Result<Report, JobError> {
        Ok(hint(&self.store.sizes().await?))
    }
}

fn hint(sizes: &Sizes) -> Report {
    sizes.worth_packing().map_or(Report::Nothing, |free| {
        let [free, file] = [free, sizes.file_bytes].map(|bytes| bytes / 1_000_000);
        Report::Did(format!(
            "privcomm db compact would free {free} of {file} MB"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn sizes(file_bytes: u64, free_bytes: u64) -> Sizes {
        Sizes {
            file_bytes,
            free_bytes: Some(free_bytes),
            tables: Vec::new(),
            queues: Vec::new(),
            queue_count: 0,
            queue_bytes: 0,
        }
    }

    #[test]
    fn much_of_a_large_file_is_worth_a_word_and_less_is_not() {
        let words = "privcomm db compact would free 67 of 104 MB";
        assert_eq!(hint(&sizes(100 * MIB, 64 * MIB)), Report::Did(words.into()));
        assert_eq!(hint(&sizes(100 * MIB, 64 * MIB - 1)), Report::Nothing);
        assert_eq!(hint(&sizes(1000 * MIB, 600 * MIB)), Report::Nothing);
        assert_ne!(hint(&sizes(1000 * MIB, 601 * MIB)), Report::Nothing);
    }

    #[tokio::test]
    async fn a_new_database_is_not() {
        let job = CompactionHint {
            store: Store::in_memory().unwrap(),
        };
        let now = Timestamp::from_millis(1_795_219_200_000);
        assert_eq!(job.run(now).await.unwrap(), Report::Nothing);
    }
}
