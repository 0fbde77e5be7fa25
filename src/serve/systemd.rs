//! What systemd is told of the daemon (sd_notify(3)), and how it finds out that the store hangs.
//!
//! Without `NOTIFY_SOCKET` nobody listens, and nothing happens.

use std::fmt;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Everything listens; `status` says where.
pub(super) fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A new configuration is being read; [`ready`] comes after it, whatever becomes of it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// Nothing new is accepted any more.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("stopping")]);
}

/// How things are, in a sentence.
pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

/// The daemon is alive.
pub(super) fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// Keeps the watchdog quiet, for ever: what stops takes its time, and has its own limit.
pub(super) async fn stay_alive() {
    let Some(period) = feeding() else {
        return std::future::pending().await;
    };
    let mut beat = interval(period);
    loop {
        beat.tick().await;
        alive();
    }
}

/// How often the watchdog wants to be fed: twice in the time after which it bites. None: there is
/// no watchdog.
pub(super) fn feeding() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|bites| bites / 2)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd didn't hear");
    }
}

/// How a round trip through the store went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pulse {
    /// It came back.
    Well,
    /// It came back with a failure: the store answers, and a restart would not mend it.
    Failing(String),
    /// It has been under way for as long as the watchdog waits to be fed.
    Late(Duration),
}

/// Makes a round trip each `period`, for ever, and reports each. One that doesn't come back is
/// reported once, and nothing after it: then the watchdog goes unfed.
pub(super) async fn feel<F, E>(period: Duration, round_trip: impl Fn() -> F, report: impl Fn(Pulse))
where
    F: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    let mut beat = interval(period);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let trip = round_trip();
        tokio::pin!(trip);
        let result = if let Ok(result) = timeout(period, trip.as_mut()).await {
            result
        } else {
            report(Pulse::Late(period));
            trip.await
        };
        report(match result {
            Ok(()) => Pulse::Well,
            Err(error) => Pulse::Failing(error.to_string()),
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use super::*;

    const PERIOD: Duration = Duration::from_secs(15);

    /// What is reported in `periods` of a store whose trips from the second on do as `later` says.
    async fn reports<F>(periods: u32, later: impl Fn() -> F) -> Vec<Pulse>
    where
        F: Future<Output = Result<(), &'static str>>,
    {
        let heard = Mutex::new(Vec::new());
        let trips = AtomicUsize::new(0);
        let round_trip = || async {
            match trips.fetch_add(1, SeqCst) {
                0 => Ok(()),
                _ => later().await,
            }
        };
        let report = |pulse| heard.lock().unwrap().push(pulse);
        let feeling = feel(PERIOD, round_trip, report);
        let half = PERIOD / 2;
        assert!(timeout(PERIOD * periods + half, feeling).await.is_err());
        heard.into_inner().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn each_round_trip_feeds_the_watchdog() {
        let heard = reports(3, || async { Ok(()) }).await;
        assert_eq!(heard, vec![Pulse::Well; 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_leaves_the_watchdog_unfed() {
        let heard = reports(9, std::future::pending).await;
        assert_eq!(heard, [Pulse::Well, Pulse::Late(PERIOD)]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_fails_still_answers() {
        let heard = reports(1, || async { Err("no space") }).await;
        assert_eq!(heard, [Pulse::Well, Pulse::Failing("no space".to_owned())]);
    }
}
