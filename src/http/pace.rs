//! How long a client may take over each part of an exchange, so that nobody holds a connection by
//! being slow.
//!
//! | phase | begins with | may last |
//! |---|---|---|
//! | `Head` | the connection, or the first byte after a pause | the header timeout |
//! | `Serving` | a whole header block | as long as its handler, which has limits of its own |
//! | `Reply` | the handler's answer, or bytes of it that the client took | the reply timeout |
//! | `Idle` | the last bytes of the answer | the keep-alive time |

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::net::Stream;

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
pub(super) struct Pace(Arc<watch::Sender<(Phase, Instant)>>);

impl Pace {
    /// A connection that was just accepted.
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new((Phase::Head, Instant::now()))))
    }

    /// A header block is complete.
    pub(super) fn serving(&self) {
        self.enter(Phase::Serving);
    }

    /// The answer is on its way; [`Replying`] notes the end of it.
    pub(super) fn replying(&self) -> Replying {
        self.enter(Phase::Reply);
        Replying(self.clone())
    }

    fn received(&self) {
        if self.0.borrow().0 == Phase::Idle {
            self.enter(Phase::Head);
        }
    }

    /// An answer may be long and the client's line thin: what counts is that it goes on.
    fn sent(&self) {
        let phase = self.0.borrow().0;
        if matches!(phase, Phase::Reply | Phase::Idle) {
            self.enter(phase);
        }
    }

    fn enter(&self, phase: Phase) {
        self.0.send_replace((phase, Instant::now()));
    }

    /// Resolves when a phase lasts longer than it may.
    pub(super) async fn overrun(&self, patience: Patience) {
        let mut phases = self.0.subscribe();
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

/// A stream that notes when something arrives on it or leaves.
#[derive(Debug)]
pub(super) struct Paced {
    stream: Stream,
    pace: Pace,
}

impl Paced {
    pub(super) const fn new(stream: Stream, pace: Pace) -> Self {
        Self { stream, pace }
    }

    /// The stream alone, for another protocol.
    pub(super) fn into_stream(self) -> Stream {
        self.stream
    }
}

impl AsyncRead for Paced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = ready!(Pin::new(&mut self.stream).poll_read(cx, buffer));
        if buffer.filled().len() > before {
            self.pace.received();
        }
        Poll::Ready(outcome)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes));
        self.pace.sent();
        Poll::Ready(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, slices));
        self.pace.sent();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
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
