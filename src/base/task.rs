//! Tasks that somebody owns: each can be told to stop and be waited for, and a panic is heard.

use std::any::Any;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A family of tasks that stop together.
///
/// Cheap to clone; every clone is the same family. A task that panics stops the whole family, and
/// [`Tasks::failed`] names it: a daemon that lost a part of itself must not look healthy.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    failed: Arc<OnceLock<&'static str>>,
}

impl Tasks {
    /// A family that stops with this one, and can stop before it.
    pub fn child(&self) -> Self {
        Self {
            tracker: TaskTracker::new(),
            stop: self.stop.child_token(),
            failed: self.failed.clone(),
        }
    }

    /// Runs `task` until it ends; it should watch [`Tasks::stopping`]. `name` is for the log.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let family = self.clone();
        // Not an async block, which would hold the task twice: as what it was given and as what it
        // waits for.
        self.tracker
            .spawn(AssertUnwindSafe(task).catch_unwind().map(move |outcome| {
                if outcome.is_err() {
                    tracing::error!(task = name, "a task panicked; stopping");
                    let _ = family.failed.set(name);
                    family.stop.cancel();
                }
            }));
    }

    /// Runs a task that serves one stranger. Its panic is its own: it is logged, and the others go
    /// on, or one stranger could take the service from all.
    pub fn spawn_guest<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tracker
            .spawn(AssertUnwindSafe(task).catch_unwind().map(move |outcome| {
                if outcome.is_err() {
                    tracing::error!(task = name, "a task for one client panicked; a bug");
                }
            }));
    }

    /// Tells every task to stop.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Resolves when the family was told to stop.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether the family was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// The task whose panic stopped the family, if one did.
    pub fn failed(&self) -> Option<&'static str> {
        self.failed.get().copied()
    }

    /// How many tasks are running.
    pub fn len(&self) -> usize {
        self.tracker.len()
    }

    /// Whether no task is running.
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// Waits until every task ended, at most `patience`. True when all did.
    pub async fn join(&self, patience: Duration) -> bool {
        self.tracker.close();
        tokio::time::timeout(patience, self.tracker.wait())
            .await
            .is_ok()
    }
}

/// What a panic said.
pub fn words_of_panic(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("nothing was said")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_family_stops_and_is_waited_for() {
        let tasks = Tasks::default();
        let family = tasks.clone();
        tasks.spawn("waiter", async move { family.stopping().await });
        assert_eq!(tasks.len(), 1);
        tasks.stop();
        assert!(tasks.join(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn a_child_stops_alone_and_with_its_parent() {
        let parent = Tasks::default();
        let (first, second) = (parent.child(), parent.child());
        first.stop();
        assert!(first.is_stopping() && !parent.is_stopping() && !second.is_stopping());
        parent.stop();
        assert!(second.is_stopping());
    }

    #[tokio::test]
    async fn a_guests_panic_is_its_own() {
        let tasks = Tasks::default();
        tasks.spawn_guest("clumsy", async { panic!("on purpose") });
        assert!(tasks.join(Duration::from_secs(5)).await);
        assert!(!tasks.is_stopping());
        assert_eq!(tasks.failed(), None);
    }

    #[tokio::test]
    async fn a_panic_stops_the_family_and_is_named() {
        let tasks = Tasks::default();
        tasks.spawn("clumsy", async { panic!("on purpose") });
        tasks.stopping().await;
        assert_eq!(tasks.failed(), Some("clumsy"));
    }
}
