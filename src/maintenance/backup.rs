//! The backup that nobody asks for, and the end of the oldest.

use std::time::Duration;

use async_trait::async_trait;

use super::job::{Job, JobError, Report};
use crate::base::Timestamp;
use crate::store::backup::{Backups, Kind};

/// After a restart the first backup that is due waits for so long: others start then too.
const AFTER_START: Duration = Duration::from_mins(1);

/// Makes a backup every so often, and keeps the newest of those.
#[derive(Debug, Clone)]
pub struct DailyBackup {
    /// What is backed up, and where to.
    pub backups: Backups,
    /// How often.
    pub every: Duration,
    /// How many of them are kept.
    pub keep: usize,
}

#[async_trait]
impl Job for DailyBackup {
    fn name(&self) -> &'static str {
        "backup"
    }

    fn period(&self) -> Duration {
        self.every
    }

    /// When the newest one becomes old, so that a restart neither adds one nor leaves one out.
    fn first(&self, now: Timestamp) -> Duration {
        let newest = self.backups.shelf.newest_daily().ok().flatten();
        newest.map_or(AFTER_START, |newest| {
            newest
                .saturating_add(self.every)
                .since(now)
                .clamp(AFTER_START, self.every)
        })
    }

    async fn run(&self, now: Timestamp) -> Result<Report, JobError> {
        let made = self.backups.create(&Kind::Daily, now, None).await?;
        let pruned = self.backups.shelf.prune(self.keep)?;
        let name = made.path.file_name().unwrap_or_default().display();
        let pruned = match pruned.len() {
            0 => String::new(),
            count => format!(", deleted {count} older"),
        };
        Ok(Report::Did(format!("made and verified {name}{pruned}")))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::backup::{Belongings, SECRETS_FILE, Shelf};
    use crate::store::{Store, StoreOptions};

    const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);
    const DAY: Duration = Duration::from_hours(24);

    fn job(state: &Path) -> DailyBackup {
        let store = Store::open(state, &StoreOptions::default()).unwrap();
        std::fs::write(state.join(SECRETS_FILE), "pepper = 1").unwrap();
        DailyBackup {
            backups: Backups {
                store,
                belongings: Belongings {
                    state: state.to_owned(),
                    config: None,
                },
                shelf: Shelf::new(state.join("elsewhere")),
            },
            every: DAY,
            keep: 2,
        }
    }

    #[tokio::test]
    async fn it_backs_up_and_keeps_the_newest() {
        let state = tempfile::tempdir().unwrap();
        let job = job(state.path());
        for day in 0..4 {
            job.run(NOW.saturating_add(DAY * day)).await.unwrap();
        }
        let listed = job.backups.shelf.list().unwrap();
        let names: Vec<_> = listed.iter().map(|listed| listed.name.as_str()).collect();
        assert_eq!(names, ["daily-20261124", "daily-20261123"]);
        job.backups.store.close().await;
    }

    #[tokio::test]
    async fn a_restart_neither_adds_a_backup_nor_leaves_one_out() {
        let state = tempfile::tempdir().unwrap();
        let job = job(state.path());
        assert_eq!(job.first(NOW), AFTER_START);
        job.run(NOW).await.unwrap();
        let later = |hours| NOW.saturating_add(Duration::from_hours(hours));
        assert_eq!(job.first(later(6)), Duration::from_hours(18));
        assert_eq!(job.first(later(200)), AFTER_START);
        job.backups.store.close().await;
    }

    #[tokio::test]
    async fn a_backup_that_can_not_be_made_is_an_error_and_deletes_nothing() {
        let state = tempfile::tempdir().unwrap();
        let job = job(state.path());
        job.run(NOW).await.unwrap();
        std::fs::remove_file(state.path().join(SECRETS_FILE)).unwrap();
        let error = job.run(NOW.saturating_add(DAY)).await.unwrap_err();
        assert!(error.to_string().contains(SECRETS_FILE), "{error}");
        assert_eq!(job.backups.shelf.list().unwrap().len(), 1);
        job.backups.store.close().await;
    }
}
