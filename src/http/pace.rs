//! How long a client may take over each part of an exchange, so that nobody holds a connection by
//! being slow.
//!
//! | phase | begins with | may last |
//! |---|---|---|
//! | `Head` | the connection, or the first byte after a pause | the header timeout |
//! | `Serving` | a whole header block | as long as its handler, which has limits of its own |
//! | `Reply` | the handler's answer, or bytes of it that the client took | the reply timeout |
//! | `Idle` | the last bytes of the answer | the keep-alive time |

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How long each phase may last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a whole header block.
    pub(super) head: Duration,
    /// For an answer to be taken.
    pub(super) reply: Duration,
    /// For the next request to begin.
    pub(super) idle: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Head,
    Serving,
    Reply,
    Idle,
}

/// The phase that a connection is in, and since when. Cheap to clone; clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    phase: watch::Sender<(Phase, Instant)>,
    /// An answer of ours was begun and is not on the wire yet.
    answering: AtomicBool,
}

impl Pace {
    /// A connection that was just accepted.
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            phase: watch::Sender::new((Phase::Head, Instant::now())),
            answering: AtomicBool::new(false),
        }))
    }

    /// A header block is complete.
    pub(super) fn serving(&self) {
        self.enter(Phase::Serving);
    }

    /// The answer is on its way; [`Replying`] notes the end of it.
    pub(super) fn replying(&self) -> Replying {
        self.0.answering.store(true, Ordering::Relaxed);
        self.enter(Phase::Reply);
        Replying(self.clone())
    }

    /// Bytes came.
    pub(super) fn received(&self) {
        if self.phase() == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// Bytes went. An answer may be long and the client's line thin: what counts is that it goes on.
    pub(super) fn sent(&self) {
        let phase = self.phase();
        if matches!(phase, Phase::Reply | Phase::Idle) {
            self.enter(phase);
        }
    }

    /// Everything that was to be sent is on the wire.
    pub(super) fn flushed(&self) {
        if self.is_between_answers() {
            self.0.answering.store(false, Ordering::Relaxed);
        }
    }

    /// Whether what is sent now can't be an answer of ours: no request was read since the last one
    /// that is wholly on the wire.
    pub(super) fn is_unasked(&self) -> bool {
        self.is_between_answers() && !self.0.answering.load(Ordering::Relaxed)
    }

    fn is_between_answers(&self) -> bool {
        matches!(self.phase(), Phase::Head | Phase::Idle)
    }

    fn phase(&self) -> Phase {
        self.0.phase.borrow().0
    }

    fn enter(&self, phase: Phase) {
        self.0.phase.send_replace((phase, Instant::now()));
    }

    /// Resolves when a phase lasts longer than it may.
    pub(super) async fn overrun(&self, patience: Patience) {
        let mut phases = self.0.phase.subscribe();
        loop {
            let (phase, since) = *phases.borrow_and_update();
            let allowed = match phase {
                Phase::Head => Some(patience.head),
                Phase::Serving => None,
                Phase::Reply => Some(patience.reply),
                Phase::Idle => Some(patience.idle),
            };
            let Some(allowed) = allowed else {
                let _ = phases.changed().await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(since + allowed) => return,
                _ = phases.changed() => {}
            }
        }
    }
}

/// An answer that is being written; dropped when the last of it is.
#[derive(Debug)]
pub(super) struct Replying(Pace);

impl Drop for Replying {
    fn drop(&mut self) {
        self.0.enter(Phase::Idle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience {
        head: Duration::from_secs(10),
        reply: Duration::from_secs(30),
        idle: Duration::from_mins(1),
    };

    async fn overruns_after(pace: &Pace) -> Duration {
        let started = Instant::now();
        pace.overrun(PATIENCE).await;
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_own_patience() {
        let pace = Pace::new();
        assert_eq!(overruns_after(&pace).await, PATIENCE.head);
        pace.serving();
        let reply = pace.replying();
        assert_eq!(overruns_after(&pace).await, PATIENCE.reply);
        drop(reply);
        assert_eq!(overruns_after(&pace).await, PATIENCE.idle);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_end_a_pause_but_do_not_prolong_a_header() {
        let pace = Pace::new();
        tokio::time::advance(Duration::from_secs(4)).await;
        pace.received();
        assert_eq!(overruns_after(&pace).await, Duration::from_secs(6));
        drop(pace.replying());
        tokio::time::advance(Duration::from_secs(59)).await;
        pace.received();
        assert_eq!(overruns_after(&pace).await, PATIENCE.head);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_goes_on_is_waited_for() {
        let pace = Pace::new();
        let reply = pace.replying();
        tokio::time::advance(Duration::from_secs(29)).await;
        pace.sent();
        assert_eq!(overruns_after(&pace).await, PATIENCE.reply);
        drop(reply);
        tokio::time::advance(Duration::from_secs(59)).await;
        pace.sent();
        assert_eq!(overruns_after(&pace).await, PATIENCE.idle);
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_is_not_hurried() {
        let pace = Pace::new();
        pace.serving();
        let hour = Duration::from_hours(1);
        let waited = tokio::time::timeout(hour, pace.overrun(PATIENCE)).await;
        assert!(waited.is_err());
    }
}
