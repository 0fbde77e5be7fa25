//! What operators are told of the daemon's own work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::admin::{Moving, Teller};
use crate::base::Timestamp;
use crate::config::{Config, Reload};
use crate::maintenance::{JobStatus, Jobs, Outcome};
use crate::wire::admin::{JobOutcome, JobReport};

/// The daemon's own work. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Work {
    /// What comes again and again.
    pub(super) jobs: Jobs,
    /// When the whole configuration was last read, milliseconds since 1970.
    configured: Arc<AtomicU64>,
}

impl Work {
    /// That of a daemon that read its configuration just now.
    pub(super) fn begun(now: Timestamp) -> Self {
        Self {
            jobs: Jobs::default(),
            configured: Arc::new(AtomicU64::new(now.as_millis())),
        }
    }

    /// Notes that the configuration was read again, unless something of it waits for a restart.
    pub(super) fn configured_again(&self, old: &Config, new: &Config, now: Timestamp) {
        if old.changes(new).all(|it| it.reload == Reload::Yes) {
            self.configured.store(now.as_millis(), Relaxed);
        }
    }

    /// What tells of it.
    pub(super) fn teller(&self) -> Teller {
        let work = self.clone();
        Teller::new(move || Moving {
            jobs: work.jobs.list().into_iter().map(report).collect(),
            configured_at: Timestamp::from_millis(work.configured.load(Relaxed)),
        })
    }
}

fn report(status: JobStatus) -> JobReport {
    let (last_at, outcome, words) = match status.last {
        None => (None, JobOutcome::Waiting, None),
        Some((at, Outcome::Nothing)) => (Some(at), JobOutcome::Nothing, None),
        Some((at, Outcome::Done(words))) => (Some(at), JobOutcome::Done, Some(words)),
        Some((at, Outcome::Failed(words))) => (Some(at), JobOutcome::Failed, Some(words)),
    };
    JobReport {
        name: status.name.to_owned(),
        last_at,
        outcome,
        words,
        next_at: status.next,
    }
}
