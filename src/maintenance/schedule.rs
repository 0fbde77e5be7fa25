//! When a job runs.

use std::future::Future;
use std::time::Duration;

use crate::base::random;
use crate::base::task::Tasks;

/// Runs `job` every `period`, a tenth sooner or later, until `tasks` are told to stop. The first
/// time comes within a minute, so that a daemon that is restarted often does its jobs too.
pub async fn every<F: Future<Output = ()>>(
    tasks: &Tasks,
    period: Duration,
    mut job: impl FnMut() -> F,
) {
    let mut wait = jitter(period.min(Duration::from_secs(50)));
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => job().await,
            () = tasks.stopping() => return,
        }
        wait = jitter(period);
    }
}

fn jitter(period: Duration) -> Duration {
    let [random] = random::draw::<1>();
    period.mul_f64(0.9 + f64::from(random) / 1275.0)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn jitter_stays_within_a_tenth() {
        for _ in 0..1000 {
            let period = jitter(Duration::from_secs(10));
            assert!((9.0..=11.01).contains(&period.as_secs_f64()), "{period:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_runs_again_and_again_until_it_is_stopped() {
        let (tasks, runs) = (Tasks::default(), AtomicUsize::new(0));
        let job = || async {
            if runs.fetch_add(1, Ordering::SeqCst) == 4 {
                tasks.stop();
            }
        };
        every(&tasks, Duration::from_hours(1), job).await;
        assert_eq!(runs.load(Ordering::SeqCst), 5);
    }
}
