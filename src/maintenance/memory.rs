//! What is remembered of whom for a while only, forgotten in time.

use std::time::Duration;

use async_trait::async_trait;

use super::job::{Job, JobError, Report};
use crate::base::Timestamp;
use crate::messenger::Messenger;

/// How often.
const PERIOD: Duration = Duration::from_mins(10);

/// The sweep of what limits, replays and receipts hold in memory.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Who remembers.
    pub messenger: Messenger,
}

#[async_trait]
impl Job for Memory {
    fn name(&self) -> &'static str {
        "memory"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    /// There is nothing to forget before.
    fn first(&self, _now: Timestamp) -> Duration {
        PERIOD
    }

    async fn run(&self, now: Timestamp) -> Result<Report, JobError> {
        Ok(match self.messenger.forget(now) {
            0 => Report::Nothing,
            entries => Report::Did(format!("forgot {entries} entries of limits and replays")),
        })
    }
}
