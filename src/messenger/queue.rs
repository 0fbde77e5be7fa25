//! One recipient's queue: what waits, in order, and how much of it is in flight to a session.
//!
//! Pure: it does no I/O and knows no clock. Messages are numbered in the order in which they were
//! accepted; a session is sent them in that order and never more than a window ahead of its
//! acknowledgements, the rest stays where it is safe (PROTOCOL.md §6).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::error::Error;
use super::event::{Event, Letter, Receipt};
use crate::base::{ConnectionId, MessageId, Timestamp, UserId};
use crate::hub::Outbox;
use crate::store::{PendingWrite, QueueEntry};
use crate::wire::reply::MessageStatus;

/// Messages in flight to one session.
pub(super) const WINDOW_MESSAGES: usize = 256;
/// Bytes in flight to one session.
pub(super) const WINDOW_BYTES: usize = 1 << 20;

/// Who wants to hear that a message is safe.
#[derive(Debug)]
pub(super) enum Waiter {
    /// A session, by an event.
    Session {
        /// Where to.
        outbox: Arc<Outbox<Event>>,
        /// The client's name for the message.
        id: Option<MessageId>,
    },
    /// A request that is being answered.
    Request(oneshot::Sender<Result<Receipt, Error>>),
}

impl Waiter {
    /// Tells it. One that is gone is nobody's loss.
    pub(super) fn tell(self, outcome: Result<Receipt, Error>) {
        match self {
            Self::Session { outbox, id } => {
                outbox.offer(match outcome {
                    Ok(receipt) => Event::Accepted { id, receipt },
                    Err(error) => Event::Failed { id, error },
                });
            }
            Self::Request(answer) => {
                let _ = answer.send(outcome);
            }
        }
    }
}

/// One waiting message.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) message_id: MessageId,
    pub(super) sender: UserId,
    pub(super) timestamp: Timestamp,
    pub(super) bytes: usize,
    pub(super) place: Place,
    in_flight: bool,
}

/// Where a waiting message is.
#[derive(Debug)]
pub(super) enum Place {
    /// In the store.
    Stored,
    /// In memory, on its way to the store.
    Memory {
        /// The write, which an acknowledgement may spare.
        write: Arc<PendingWrite>,
        /// What it says.
        payload: Bytes,
        /// Who wants to hear that it is safe.
        waiters: Vec<Waiter>,
    },
}

impl Entry {
    pub(super) fn new(letter: &Letter, place: Place) -> Self {
        Self {
            message_id: letter.message_id,
            sender: letter.sender,
            timestamp: letter.timestamp,
            bytes: letter.payload.len(),
            place,
            in_flight: false,
        }
    }

    /// The letter with this payload.
    pub(super) fn with_payload(&self, payload: Bytes) -> Letter {
        Letter {
            message_id: self.message_id,
            sender: self.sender,
            timestamp: self.timestamp,
            payload,
        }
    }

    pub(super) fn receipt(&self, status: MessageStatus) -> Receipt {
        Receipt {
            message_id: self.message_id,
            status,
            timestamp: self.timestamp,
        }
    }
}

/// What waits for one recipient.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: BTreeMap<u64, Entry>,
    numbers: HashMap<MessageId, u64>,
    senders: HashMap<UserId, usize>,
    bytes: u64,
    window: Option<Window>,
}

/// What one session has been sent.
#[derive(Debug)]
struct Window {
    outbox: Arc<Outbox<Event>>,
    /// The number of the last message it was sent.
    cursor: u64,
    messages: usize,
    bytes: usize,
    /// The number of the last message that stood in the queue when the session came, until the
    /// session was told that all of those were sent.
    backlog: Option<u64>,
    /// Whether the session was asked to come for more and hasn't yet.
    refill_asked: bool,
}

impl Queue {
    /// The queue as it stands in the store.
    pub(super) fn load(stored: Vec<QueueEntry>) -> Self {
        let mut queue = Self::default();
        for row in stored {
            let entry = Entry {
                message_id: row.message_id,
                sender: row.sender,
                timestamp: row.timestamp,
                bytes: row.bytes as usize,
                place: Place::Stored,
                in_flight: false,
            };
            queue.insert(row.seq, entry);
        }
        queue
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many messages of `sender` wait.
    pub(super) fn count_from(&self, sender: UserId) -> usize {
        self.senders.get(&sender).copied().unwrap_or(0)
    }

    /// The number of the message with this id.
    pub(super) fn number(&self, id: MessageId) -> Option<u64> {
        self.numbers.get(&id).copied()
    }

    pub(super) fn entry(&mut self, seq: u64) -> Option<&mut Entry> {
        self.entries.get_mut(&seq)
    }

    /// Every waiting message with its number, in order, from behind `after`.
    pub(super) fn iter_after(&self, after: u64) -> impl Iterator<Item = (u64, &Entry)> {
        self.entries
            .range(after + 1..)
            .map(|(seq, entry)| (*seq, entry))
    }

    /// Puts a message in. Its number is higher than any before.
    pub(super) fn insert(&mut self, seq: u64, entry: Entry) {
        self.numbers.insert(entry.message_id, seq);
        *self.senders.entry(entry.sender).or_default() += 1;
        self.bytes += entry.bytes as u64;
        self.entries.insert(seq, entry);
    }

    /// Takes a message out. Where that makes room in the window, the session may be asked to come
    /// for more.
    pub(super) fn remove(&mut self, seq: u64) -> Option<Entry> {
        let entry = self.entries.remove(&seq)?;
        self.numbers.remove(&entry.message_id);
        if let Some(count) = self.senders.get_mut(&entry.sender) {
            *count -= 1;
            if *count == 0 {
                self.senders.remove(&entry.sender);
            }
        }
        self.bytes -= entry.bytes as u64;
        if entry.in_flight
            && let Some(window) = &mut self.window
        {
            window.messages -= 1;
            window.bytes -= entry.bytes;
        }
        Some(entry)
    }

    /// Gives the queue to a session, unless a newer one has it: everything unacknowledged is sent
    /// again, from the start.
    pub(super) fn attach(&mut self, outbox: Arc<Outbox<Event>>) {
        if self
            .window
            .as_ref()
            .is_some_and(|held| held.outbox.connection() > outbox.connection())
        {
            return;
        }
        for entry in self.entries.values_mut() {
            entry.in_flight = false;
        }
        let backlog = self.entries.last_key_value().map(|(seq, _)| *seq);
        let mut window = Window {
            outbox,
            cursor: 0,
            messages: 0,
            bytes: 0,
            backlog,
            refill_asked: false,
        };
        if backlog.is_some() {
            window.refill_asked = true;
            window.outbox.offer(Event::Refill);
        } else {
            window.outbox.offer(Event::QueueDrained);
        }
        self.window = Some(window);
    }

    /// Takes the queue from a session, if it is this one's.
    pub(super) fn detach(&mut self, connection: ConnectionId) -> bool {
        let is_holder = self
            .window
            .as_ref()
            .is_some_and(|held| held.outbox.connection() == connection);
        if is_holder {
            self.window = None;
        }
        is_holder
    }

    /// Whether the next message can go straight to a session: there is one, it has been sent
    /// everything, and its window has room.
    pub(super) fn is_live(&self, bytes: usize) -> bool {
        self.window.as_ref().is_some_and(|window| {
            window.has_room(bytes)
                && self
                    .entries
                    .last_key_value()
                    .is_none_or(|(last, _)| *last <= window.cursor)
        })
    }

    /// Sends message `seq`, the newest, to the session.
    pub(super) fn send_live(&mut self, seq: u64, letter: Letter) {
        if let (Some(window), Some(entry)) = (&mut self.window, self.entries.get_mut(&seq)) {
            window.send(seq, entry, letter);
        }
    }

    /// What a session that comes for more may be sent: numbers in order, as many as the window
    /// takes. None if the queue isn't this session's.
    pub(super) fn next_page(&mut self, connection: ConnectionId) -> Option<Vec<u64>> {
        let window = self
            .window
            .as_mut()
            .filter(|w| w.outbox.connection() == connection)?;
        window.refill_asked = false;
        let (mut messages, mut bytes) = (window.messages, window.bytes);
        let page = self
            .entries
            .range(window.cursor + 1..)
            .take_while(|(_, entry)| {
                let fits = messages < WINDOW_MESSAGES
                    && (bytes + entry.bytes <= WINDOW_BYTES || messages == 0);
                messages += 1;
                bytes += entry.bytes;
                fits
            });
        Some(page.map(|(seq, _)| *seq).collect())
    }

    /// Sends one message of a page. One that was acknowledged or taken over meanwhile is passed by.
    pub(super) fn send(&mut self, connection: ConnectionId, seq: u64, letter: Letter) {
        let Some(window) = &mut self.window else {
            return;
        };
        if window.outbox.connection() != connection || seq <= window.cursor {
            return;
        }
        match self.entries.get_mut(&seq) {
            Some(entry) => window.send(seq, entry, letter),
            None => window.cursor = seq,
        }
    }

    /// Tells the session what it should know after messages were sent or taken out: that the
    /// backlog is through, or that there is room for more of it.
    pub(super) fn announce(&mut self) {
        let Some(window) = &mut self.window else {
            return;
        };
        let last = self.entries.last_key_value().map_or(0, |(last, _)| *last);
        let rest = self.entries.range(window.cursor + 1..).next();
        if let Some(backlog) = window.backlog
            && rest.is_none_or(|(next, _)| *next > backlog)
        {
            window.backlog = None;
            window.outbox.offer(Event::QueueDrained);
        }
        let has_room = window.messages <= WINDOW_MESSAGES / 2 && window.bytes <= WINDOW_BYTES / 2;
        if last > window.cursor && has_room && !window.refill_asked {
            window.refill_asked = true;
            window.outbox.offer(Event::Refill);
        }
    }
}

impl Window {
    fn has_room(&self, bytes: usize) -> bool {
        self.messages < WINDOW_MESSAGES
            && (self.bytes + bytes <= WINDOW_BYTES || self.messages == 0)
    }

    fn send(&mut self, seq: u64, entry: &mut Entry, letter: Letter) {
        self.cursor = seq;
        self.messages += 1;
        self.bytes += entry.bytes;
        entry.in_flight = true;
        self.outbox.offer(Event::Message(letter));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::OutboxLimits;

    fn row(seq: u64, bytes: u32) -> QueueEntry {
        QueueEntry {
            seq,
            message_id: MessageId::random(),
            sender: UserId::random(),
            timestamp: Timestamp::from_millis(seq),
            bytes,
        }
    }

    fn outbox() -> Arc<Outbox<Event>> {
        let limits = OutboxLimits {
            events: 10_000,
            bytes: 1 << 30,
        };
        Arc::new(Outbox::new(ConnectionId::next(), limits))
    }

    async fn events(outbox: &Outbox<Event>) -> Vec<Event> {
        outbox.offer(Event::PrekeysLow { remaining: 0 });
        let mut batch = Vec::new();
        outbox.take(&mut batch, usize::MAX).await.unwrap();
        batch.pop();
        batch
    }

    fn send_page(queue: &mut Queue, connection: ConnectionId) -> Vec<u64> {
        let page = queue.next_page(connection).unwrap();
        for seq in &page {
            let entry = queue.entry(*seq).unwrap();
            let letter = entry.with_payload(Bytes::from(vec![b'A'; entry.bytes]));
            queue.send(connection, *seq, letter);
        }
        queue.announce();
        page
    }

    #[tokio::test]
    async fn a_session_without_backlog_is_told_at_once() {
        let mut queue = Queue::default();
        let outbox = outbox();
        queue.attach(outbox.clone());
        assert!(matches!(events(&outbox).await[..], [Event::QueueDrained]));
        assert!(queue.is_live(10));
    }

    #[tokio::test]
    async fn a_backlog_goes_out_in_windows_and_new_traffic_queues_behind_it() {
        let mut queue = Queue::load((1..=600).map(|seq| row(seq, 4)).collect());
        let outbox = outbox();
        queue.attach(outbox.clone());
        assert!(!queue.is_live(4));
        let first = send_page(&mut queue, outbox.connection());
        assert_eq!(first, (1..=256).collect::<Vec<_>>());
        assert!(send_page(&mut queue, outbox.connection()).is_empty());
        assert_eq!(events(&outbox).await.len(), 1 + 256);
        for seq in 1..=127 {
            queue.remove(seq);
        }
        queue.announce();
        assert!(
            events(&outbox).await.is_empty(),
            "more than half the window is in flight"
        );
        queue.remove(128);
        queue.announce();
        queue.announce();
        assert!(matches!(events(&outbox).await[..], [Event::Refill]));
        assert_eq!(
            send_page(&mut queue, outbox.connection()),
            (257..=384).collect::<Vec<_>>()
        );
    }

    #[tokio::test]
    async fn the_end_of_the_backlog_is_announced_once() {
        let mut queue = Queue::load((1..=3).map(|seq| row(seq, 4)).collect());
        let outbox = outbox();
        queue.attach(outbox.clone());
        send_page(&mut queue, outbox.connection());
        queue.announce();
        let told = events(&outbox).await;
        assert_eq!(
            told.iter()
                .filter(|e| matches!(e, Event::QueueDrained))
                .count(),
            1
        );
        assert!(matches!(told.last(), Some(Event::QueueDrained)));
        assert!(queue.is_live(4));
    }

    #[tokio::test]
    async fn a_backlog_that_vanishes_unsent_is_through_too() {
        let mut queue = Queue::load(vec![row(1, 4)]);
        let outbox = outbox();
        queue.attach(outbox.clone());
        queue.remove(1);
        queue.announce();
        assert!(matches!(
            events(&outbox).await[..],
            [Event::Refill, Event::QueueDrained]
        ));
    }

    #[test]
    fn bytes_bound_the_window_but_one_message_always_fits() {
        let big = u32::try_from(WINDOW_BYTES).unwrap();
        let mut queue = Queue::load(vec![row(1, big + 1), row(2, big / 2), row(3, big / 2)]);
        let outbox = outbox();
        queue.attach(outbox.clone());
        assert_eq!(send_page(&mut queue, outbox.connection()), [1]);
        queue.remove(1);
        assert_eq!(send_page(&mut queue, outbox.connection()), [2, 3]);
        assert!(!queue.is_live(1));
    }

    #[test]
    fn a_newer_session_gets_everything_again_and_an_older_one_nothing() {
        let mut queue = Queue::load((1..=5).map(|seq| row(seq, 4)).collect());
        let (old, new) = (outbox(), outbox());
        queue.attach(old.clone());
        send_page(&mut queue, old.connection());
        queue.remove(2);
        queue.attach(new.clone());
        assert_eq!(queue.next_page(old.connection()), None);
        assert_eq!(queue.next_page(new.connection()), Some(vec![1, 3, 4, 5]));
        queue.attach(old.clone());
        assert_eq!(queue.next_page(old.connection()), None);
        assert!(!queue.detach(old.connection()));
        assert!(queue.detach(new.connection()) && queue.window.is_none());
    }

    #[test]
    fn totals_return_to_nothing() {
        let rows: Vec<_> = (1..=3).map(|seq| row(seq, 7)).collect();
        let sender = rows[0].sender;
        let mut queue = Queue::load(rows);
        assert_eq!(
            (queue.len(), queue.bytes(), queue.count_from(sender)),
            (3, 21, 1)
        );
        for seq in 1..=3 {
            assert!(queue.remove(seq).is_some());
            assert!(queue.remove(seq).is_none());
        }
        assert_eq!(
            (queue.len(), queue.bytes(), queue.count_from(sender)),
            (0, 0, 0)
        );
        assert!(queue.numbers.is_empty());
    }
}
