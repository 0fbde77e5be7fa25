//! Messages and codes that nobody came for are deleted (PROTOCOL.md §6.2).

use std::time::Duration;

use crate::base::Timestamp;
use crate::store::{Store, StoreError};

/// Messages deleted in one write: others get their turn between two of them.
const PIECE: usize = 1000;

/// The sweep.
#[derive(Debug, Clone)]
pub struct Retention {
    store: Store,
    /// How long a message is kept.
    messages: Duration,
}

/// What a sweep took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Messages past their retention.
    pub messages: usize,
    /// Invite and recovery codes past their time.
    pub invites: usize,
}

impl Retention {
    /// Keeps messages for `messages`.
    pub fn new(store: Store, messages: Duration) -> Self {
        Self { store, messages }
    }

    /// Deletes everything that is too old at `now`.
    pub async fn run(&self, now: Timestamp) -> Result<Swept, StoreError> {
        let cutoff = now.saturating_sub(self.messages);
        let mut swept = Swept::default();
        loop {
            let count = self.store.sweep(cutoff, PIECE).await?;
            swept.messages += count;
            if count == 0 {
                break;
            }
        }
        swept.invites = self.store.forget_invites(cutoff).await?;
        Ok(swept)
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
        let retention = Retention::new(store.clone(), RETENTION);
        let end = start.saturating_add(RETENTION);
        let after = end.saturating_add(Duration::from_millis(1));
        assert_eq!(retention.run(end).await.unwrap().messages, 0);
        assert_eq!(retention.run(after).await.unwrap().messages, 2500);
        assert_eq!(store.figures().await.unwrap().queued_messages, 1);
    }
}
