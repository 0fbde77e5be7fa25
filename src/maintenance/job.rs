//! What a job is, when it runs, and how it went.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;

use crate::base::task::Tasks;
use crate::base::{Clock, Timestamp, random};
use crate::store::StoreError;
use crate::store::backup::BackupError;

/// A job comes for the first time within about this, so that a daemon that is restarted often does
/// its jobs too.
const SOON: Duration = Duration::from_secs(50);

/// Work that comes again and again.
#[async_trait]
pub trait Job: Send + Sync + 'static {
    /// What it is called, in the log and in status.
    fn name(&self) -> &'static str;

    /// How often it runs, about.
    fn period(&self) -> Duration;

    /// How long after the start it runs for the first time, about.
    fn first(&self, _now: Timestamp) -> Duration {
        self.period().min(SOON)
    }

    /// Does it once.
    async fn run(&self, now: Timestamp) -> Result<Report, JobError>;
}

/// What a job did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// There was nothing to do.
    Nothing,
    /// In a few words, without anything private.
    Did(String),
}

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The backup failed.
    #[error(transparent)]
    Backup(#[from] BackupError),
}

/// How a job went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome", content = "words")]
pub enum Outcome {
    /// There was nothing to do.
    Nothing,
    /// What it did.
    Done(String),
    /// Why it failed.
    Failed(String),
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobStatus {
    /// What it is called.
    pub name: &'static str,
    /// When it ran last, and how that went.
    pub last: Option<(Timestamp, Outcome)>,
    /// When it runs next, about.
    pub next: Timestamp,
}

/// Every job of a daemon. Cheap to clone; every clone is the same list.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Mutex<Vec<JobStatus>>>);

impl Jobs {
    /// Runs `job` on its schedule until `tasks` are told to stop.
    pub fn start(&self, tasks: &Tasks, clock: &Clock, job: impl Job) {
        let (jobs, clock, stop) = (self.clone(), clock.clone(), tasks.clone());
        let wait = self.plan(job.name(), clock.now(), job.first(clock.now()));
        tasks.spawn(job.name(), async move {
            tokio::select! {
                () = jobs.repeat(&clock, job, wait) => {}
                () = stop.stopping() => {}
            }
        });
    }

    /// Every job, in the order in which they were started.
    pub fn list(&self) -> Vec<JobStatus> {
        self.lock().clone()
    }

    async fn repeat(&self, clock: &Clock, job: impl Job, first: Duration) {
        let mut wait = first;
        loop {
            tokio::time::sleep(wait).await;
            let started = clock.now();
            let outcome = outcome(job.name(), job.run(started)).await;
            self.status(job.name(), |status| status.last = Some((started, outcome)));
            wait = self.plan(job.name(), clock.now(), job.period());
        }
    }

    /// Says when the next run is, about `period` from `now`; how long that is.
    fn plan(&self, name: &'static str, now: Timestamp, period: Duration) -> Duration {
        let wait = jitter(period);
        let next = now.saturating_add(wait);
        self.status(name, |status| status.next = next);
        wait
    }

    fn status(&self, name: &'static str, change: impl FnOnce(&mut JobStatus)) {
        let mut list = self.lock();
        if let Some(status) = list.iter_mut().find(|status| status.name == name) {
            return change(status);
        }
        let mut status = JobStatus {
            name,
            last: None,
            next: Timestamp::default(),
        };
        change(&mut status);
        list.push(status);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<JobStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lock().iter()).finish()
    }
}

/// How it went, which the log hears too.
async fn outcome(
    name: &'static str,
    run: impl Future<Output = Result<Report, JobError>>,
) -> Outcome {
    match run.await {
        Ok(Report::Nothing) => Outcome::Nothing,
        Ok(Report::Did(words)) => {
            tracing::info!(job = name, "{words}");
            Outcome::Done(words)
        }
        Err(error) => {
            tracing::error!(job = name, %error, "a job failed; it comes again");
            Outcome::Failed(error.to_string())
        }
    }
}

/// A tenth more or less.
fn jitter(period: Duration) -> Duration {
    let [random] = random::draw::<1>();
    period.mul_f64(0.9 + f64::from(random) / 1275.0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counting {
        runs: Arc<AtomicUsize>,
        tasks: Tasks,
    }

    #[async_trait]
    impl Job for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        fn period(&self) -> Duration {
            Duration::from_hours(1)
        }

        async fn run(&self, _now: Timestamp) -> Result<Report, JobError> {
            match self.runs.fetch_add(1, Ordering::SeqCst) {
                0 => Ok(Report::Did("counted".to_owned())),
                1 => Ok(Report::Nothing),
                _ => {
                    self.tasks.stop();
                    Err(StoreError::Full.into())
                }
            }
        }
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        for _ in 0..1000 {
            let period = jitter(Duration::from_secs(10));
            assert!((9.0..=11.01).contains(&period.as_secs_f64()), "{period:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_runs_again_and_again_and_its_failure_is_seen() {
        let (tasks, stopping, jobs) = (Tasks::default(), Tasks::default(), Jobs::default());
        let clock = Clock::manual(Timestamp::from_millis(1000));
        let job = Counting {
            runs: Arc::default(),
            tasks: stopping.clone(),
        };
        let runs = job.runs.clone();
        jobs.start(&tasks, &clock, job);
        stopping.stopping().await;
        tokio::task::yield_now().await;
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        let [status] = jobs.list().try_into().unwrap();
        let (at, outcome) = status.last.unwrap();
        assert_eq!((status.name, at), ("counting", clock.now()));
        assert_eq!(outcome, Outcome::Failed("the disk is full".to_owned()));
        assert!(status.next.since(clock.now()) >= Duration::from_mins(54));
        tasks.stop();
    }
}
