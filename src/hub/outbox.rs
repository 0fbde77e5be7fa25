//! What waits to be written to one socket.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::base::ConnectionId;

/// Says how much memory an event holds.
pub trait Weigh {
    /// Bytes, roughly.
    fn weight(&self) -> usize;
}

/// Why a session must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// A newer session of the same user took over.
    Replaced,
    /// The user's tokens were revoked.
    Revoked,
    /// The account was suspended or deleted.
    AccountGone,
    /// The daemon is stopping.
    Restart,
    /// The client reads too slowly.
    TooSlow,
}

/// What became of an offered event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// It will be written.
    Taken,
    /// The session is ending; nothing more is written.
    Closed,
}

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// Events.
    pub events: usize,
    /// Bytes.
    pub bytes: usize,
}

/// The bounded queue between the rooms that have something to say to a client and the session that
/// writes it.
///
/// An event beyond the limits ends the session: a client that doesn't read can't be told anything,
/// and what matters of it waits in the store.
pub struct Outbox<E> {
    connection: ConnectionId,
    limits: OutboxLimits,
    queue: Mutex<Queue<E>>,
    wake: Notify,
}

struct Queue<E> {
    events: VecDeque<E>,
    bytes: usize,
    farewell: Option<Farewell>,
}

impl<E: Weigh> Outbox<E> {
    /// An empty outbox of `connection`. Takes no memory for events until there are some.
    pub fn new(connection: ConnectionId, limits: OutboxLimits) -> Self {
        let queue = Queue {
            events: VecDeque::new(),
            bytes: 0,
            farewell: None,
        };
        Self {
            connection,
            limits,
            queue: Mutex::new(queue),
            wake: Notify::new(),
        }
    }

    /// Whose outbox this is.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Queues `event` behind what waits.
    pub fn offer(&self, event: E) -> Offer {
        let mut queue = self.lock();
        if queue.farewell.is_some() {
            return Offer::Closed;
        }
        let bytes = queue.bytes + event.weight();
        if queue.events.len() >= self.limits.events || bytes > self.limits.bytes {
            drop(queue);
            self.close(Farewell::TooSlow);
            return Offer::Closed;
        }
        queue.bytes = bytes;
        queue.events.push_back(event);
        let was_empty = queue.events.len() == 1;
        drop(queue);
        if was_empty {
            self.wake.notify_one();
        }
        Offer::Taken
    }

    /// Ends the session. The first reason is the one that is told.
    pub fn close(&self, farewell: Farewell) {
        let mut queue = self.lock();
        queue.farewell.get_or_insert(farewell);
        drop(queue);
        self.wake.notify_one();
    }

    /// Waits for events and moves up to `most` of them into `batch`; once the session must end and
    /// everything before that was taken, says why. Cancelling loses nothing.
    pub async fn take(&self, batch: &mut Vec<E>, most: usize) -> Result<(), Farewell> {
        loop {
            if self.take_now(batch, most)? {
                return Ok(());
            }
            self.wake.notified().await;
        }
    }

    fn take_now(&self, batch: &mut Vec<E>, most: usize) -> Result<bool, Farewell> {
        let mut queue = self.lock();
        // Whoever doesn't read isn't waited for.
        if queue.farewell == Some(Farewell::TooSlow) {
            return Err(Farewell::TooSlow);
        }
        if queue.events.is_empty() {
            return queue.farewell.map_or(Ok(false), Err);
        }
        let count = most.min(queue.events.len());
        batch.extend(queue.events.drain(..count));
        if queue.events.is_empty() {
            queue.bytes = 0;
            // An idle session holds no memory for what it was once told.
            queue.events = VecDeque::new();
        } else {
            let taken: usize = batch[batch.len() - count..].iter().map(Weigh::weight).sum();
            queue.bytes = queue.bytes.saturating_sub(taken);
            drop(queue);
            self.wake.notify_one();
        }
        Ok(true)
    }

    fn lock(&self) -> MutexGuard<'_, Queue<E>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> fmt::Debug for Outbox<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct Note(usize);

    impl Weigh for Note {
        fn weight(&self) -> usize {
            self.0
        }
    }

    fn outbox(events: usize, bytes: usize) -> Outbox<Note> {
        Outbox::new(ConnectionId::next(), OutboxLimits { events, bytes })
    }

    #[tokio::test]
    async fn events_come_out_in_order_and_in_batches() {
        let outbox = outbox(8, 100);
        for size in 1..=3 {
            assert_eq!(outbox.offer(Note(size)), Offer::Taken);
        }
        let mut batch = Vec::new();
        outbox.take(&mut batch, 2).await.unwrap();
        assert_eq!(batch, [Note(1), Note(2)]);
        outbox.take(&mut batch, 2).await.unwrap();
        assert_eq!(batch, [Note(1), Note(2), Note(3)]);
    }

    #[tokio::test]
    async fn one_event_too_many_ends_the_session() {
        let outbox = outbox(2, 100);
        assert_eq!(outbox.offer(Note(1)), Offer::Taken);
        assert_eq!(outbox.offer(Note(1)), Offer::Taken);
        assert_eq!(outbox.offer(Note(1)), Offer::Closed);
        assert_eq!(
            outbox.take(&mut Vec::new(), 9).await,
            Err(Farewell::TooSlow)
        );
    }

    #[tokio::test]
    async fn bytes_are_bounded_and_taken_ones_count_no_more() {
        let outbox = outbox(99, 10);
        assert_eq!(outbox.offer(Note(4)), Offer::Taken);
        assert_eq!(outbox.offer(Note(6)), Offer::Taken);
        outbox.take(&mut Vec::new(), 1).await.unwrap();
        assert_eq!(outbox.offer(Note(4)), Offer::Taken);
        assert_eq!(outbox.offer(Note(1)), Offer::Closed);
    }

    #[tokio::test]
    async fn what_was_said_before_the_end_is_still_written() {
        let outbox = outbox(9, 99);
        outbox.offer(Note(1));
        outbox.close(Farewell::Replaced);
        outbox.close(Farewell::Restart);
        assert_eq!(outbox.offer(Note(2)), Offer::Closed);
        let mut batch = Vec::new();
        assert_eq!(outbox.take(&mut batch, 9).await, Ok(()));
        assert_eq!(outbox.take(&mut batch, 9).await, Err(Farewell::Replaced));
        assert_eq!(batch, [Note(1)]);
    }
}
