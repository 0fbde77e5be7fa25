//! Messages and codes that nobody came for are deleted (PROTOCOL.md §6.2), and calls of long ago.

use std::time::Duration;

use async_trait::async_trait;

use super::job::{Job, JobError, Report};
use crate::base::Timestamp;
use crate::store::{Store, StoreError};

/// Messages deleted in one write: others get their turn between two of them.
const PIECE: usize = 1000;
/// How often.
const PERIOD: Duration = Duration::from_hours(1);

/// The sweep.
#[derive(Debug, Clone)]
pub struct Retention {
    store: Store,
    /// How long a message is kept.
    messages: Duration,
    /// How long a call is kept, where a history is kept at all.
    calls: Option<Duration>,
    /// How long a subscription is kept that isn't renewed.
    subscriptions: Duration,
}

impl Retention {
    /// Keeps messages for `messages`, calls for `calls` (with none there is no history), and
    /// subscriptions for `subscriptions` after they were renewed.
    pub fn new(
        store: Store,
        messages: Duration,
        calls: Option<Duration>,
        subscriptions: Duration,
    ) -> Self {
        Self {
            store,
            messages,
            calls,
            subscriptions,
        }
    }

    /// The first day whose calls are kept at `now`.
    fn first_day(&self, now: Timestamp) -> u32 {
        self.calls
            .map_or(u32::MAX, |calls| now.saturating_sub(calls).day())
    }

    /// Deletes the messages from before `cutoff`. How many.
    async fn sweep(&self, cutoff: Timestamp) -> Result<usize, StoreError> {
        let mut swept = 0;
        loop {
            match self.store.sweep(cutoff, PIECE).await? {
                0 => return Ok(swept),
                count => swept += count,
            }
        }
    }
}

#[async_trait]
impl Job for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    fn period(&self) -> Duration {
        PERIOD
    }

    async fn run(&self, now: Timestamp) -> Result<Report, JobError> {
        let cutoff = now.saturating_sub(self.messages);
        let messages = self.sweep(cutoff).await?;
        let codes = self.store.forget_invites(cutoff).await?;
        // They have ended by themselves; this forgets them.
        let suspensions = self.store.lift_suspensions(now).await?;
        let calls = self.store.forget_calls(self.first_day(now)).await?;
        let first_day = now.saturating_sub(self.subscriptions).day();
        let subscriptions = self.store.forget_subscriptions(first_day).await?;
        if messages + codes + suspensions + calls + subscriptions == 0 {
            return Ok(Report::Nothing);
        }
        Ok(Report::Did(format!(
            "deleted {messages} messages, {codes} codes, {suspensions} suspensions, {calls} lines of call \
             histories and {subscriptions} subscriptions that were past their time"
        )))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::base::{MessageId, UserId};
    use crate::store::NewMessage;

    const RETENTION: Duration = Duration::from_hours(1);

    async fn store_message(store: &Store, seq: u64, timestamp: Timestamp) {
        let message = NewMessage {
            seq,
            message_id: MessageId::random(),
            sender: UserId::random(),
            recipient: UserId::random(),
            timestamp,
            payload: Bytes::from_static(b"aGk="),
        };
        let (told, written) = tokio::sync::oneshot::channel();
        let write = store.pending(message, move |outcome| {
            let _ = told.send(outcome);
        });
        store.write_soon(write);
        written.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_message_goes_when_its_time_is_over_and_not_before() {
        let store = Store::in_memory().unwrap();
        let start = Timestamp::from_millis(1_795_219_200_000);
        for seq in 1..=2500 {
            store_message(&store, seq, start).await;
        }
        store_message(&store, 2501, start.saturating_add(RETENTION)).await;
        let retention = Retention::new(store.clone(), RETENTION, None, RETENTION);
        let end = start.saturating_add(RETENTION);
        let after = end.saturating_add(Duration::from_millis(1));
        assert_eq!(retention.run(end).await.unwrap(), Report::Nothing);
        let Report::Did(words) = retention.run(after).await.unwrap() else {
            panic!("nothing was deleted");
        };
        assert!(words.contains("2500 messages"), "{words}");
        assert_eq!(store.figures().await.unwrap().queued_messages, 1);
    }
}
