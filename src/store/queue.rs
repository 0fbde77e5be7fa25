//! Messages: stored, removed, swept.
//!
//! A message is two rows: itself, in the one long table that only grows at its end, and an entry in
//! its recipient's queue. The rows of a group are written in the order of their keys, so that each
//! page is touched once.

use std::ops::Bound;
use std::sync::Arc;

use redb::ReadableTable;

use crate::base::{Timestamp, UserId};

use super::error::StoreError;
use super::handle::Store;
use super::intake::Before;
use super::pending::{Backlog, NewMessage, PendingWrite, Write};
use super::record::{QueueEntry, StoredMessage};
use super::tables::{Tables, is_expired, queue_key, queue_seq};

impl Store {
    /// A message that can be handed in by [`Store::write_soon`] or [`Store::write_later`].
    ///
    /// `completion` hears how it went: on the writer's thread after the commit, or at once on the
    /// caller's when the store is closed. It is called once and under no lock, or never if the
    /// message is withdrawn. It must not block: the next group waits for it.
    pub fn pending(
        &self,
        message: NewMessage,
        completion: impl FnOnce(Result<(), StoreError>) + Send + 'static,
    ) -> Arc<PendingWrite> {
        let load = self.load().clone();
        Arc::new(PendingWrite::new(message, Box::new(completion), load))
    }

    /// Has the message written with the next group. Sequence numbers must be unique.
    ///
    /// This and the next two never wait, so the caller must bound what is under way: refuse new
    /// messages while [`Store::backlog`] is above a ceiling.
    pub fn write_soon(&self, write: Arc<PendingWrite>) {
        self.intake().write_soon(write);
    }

    /// Has the message written once the commit delay has passed, unless it is withdrawn before.
    pub fn write_later(&self, write: Arc<PendingWrite>) {
        self.intake().write_later(write);
    }

    /// Has a message that was to be written later written with the next group.
    pub fn hurry(&self, write: &Arc<PendingWrite>) {
        if write.is_waiting() {
            self.intake().write_soon(write.clone());
        }
    }

    /// How much waits to be written.
    pub fn backlog(&self) -> Backlog {
        self.load().backlog()
    }

    /// Removes messages from a queue within the commit delay; numbers that aren't in it are
    /// ignored. If the daemon dies before, they are still there.
    pub fn remove_soon(&self, recipient: UserId, seqs: &[u64]) {
        self.intake().remove(recipient, seqs, Cause::Settled);
    }

    /// The same for messages that have outlived their retention: those that really were still there
    /// are counted as expired.
    pub fn expire_soon(&self, recipient: UserId, seqs: &[u64]) {
        self.intake().remove(recipient, seqs, Cause::Expired);
    }

    /// Removes messages from a queue, durably; numbers that aren't in it are ignored. How many were.
    pub async fn remove(&self, recipient: UserId, seqs: Vec<u64>) -> Result<usize, StoreError> {
        self.write(move |tables| {
            let mut rows: Vec<_> = Removal::all(recipient, &seqs, Cause::Settled).collect();
            Ok(remove(tables, &mut rows)?.messages)
        })
        .await
    }

    /// Removes messages older than `cutoff`, the oldest first, at most `limit` (and at most 4,096
    /// in one go, so that others aren't kept waiting). How many went: zero when none is left.
    pub async fn sweep(&self, cutoff: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let limit = limit.min(SWEEP);
        let swept = self.write(move |tables| {
            let mut rows = Vec::new();
            for row in tables.messages.iter()?.take(limit) {
                let (seq, record) = row?;
                let (timestamp, recipient) = StoredMessage::envelope(record.value())?;
                if !is_expired(timestamp, cutoff) {
                    break;
                }
                rows.push(Removal::new(recipient, seq.value(), Cause::Expired));
            }
            Ok(remove(tables, &mut rows)?.messages)
        });
        let swept = swept.await?;
        self.counters().expired.add(swept as u64);
        Ok(swept)
    }

    /// Writes with the promise that every message handed in before is in the tables.
    pub(super) async fn write_after_all<T: Send + 'static>(
        &self,
        work: impl Fn(&mut Tables<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(work, Before::Everything).await
    }
}

/// At most so many messages go in one sweep.
const SWEEP: usize = 4096;

/// Stores messages, which are in the order of their sequence numbers.
pub(super) fn insert(tables: &mut Tables<'_>, writes: &[Write]) -> Result<(), StoreError> {
    let last = tables.messages.last()?.map(|(seq, _)| seq.value());
    let is_late = |write: &Write| last.is_some_and(|last| write.message.seq <= last);
    let (late, fresh) = writes.split_at(writes.partition_point(is_late));
    let mut record = Vec::new();
    for Write { message, .. } in late {
        record.clear();
        message.write(&mut record);
        let before = tables.messages.insert(message.seq, record.as_slice())?;
        if before.is_some() {
            return Err(StoreError::Database(DUPLICATE.into()));
        }
    }
    let mut end = tables.messages.upper_bound_mut(Bound::<u64>::Unbounded)?;
    for Write { message, .. } in fresh {
        record.clear();
        message.write(&mut record);
        end.insert_before(message.seq, record.as_slice())
            .map_err(|error| StoreError::Database(error.to_string().into()))?;
    }
    end.close()?;
    insert_entries(tables, writes)
}

/// What a caller hears that numbers two messages alike.
const DUPLICATE: &str = "two messages have the same sequence number";

fn insert_entries(tables: &mut Tables<'_>, writes: &[Write]) -> Result<(), StoreError> {
    let mut entries: Vec<_> = writes
        .iter()
        .map(|Write { message, .. }| (queue_key(message.recipient, message.seq), message.entry()))
        .collect();
    entries.sort_unstable_by_key(|(key, _)| *key);
    for (key, entry) in &entries {
        tables.queues.insert(key, entry.encode().as_slice())?;
    }
    Ok(())
}

/// A message that is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Removal {
    recipient: UserId,
    seq: u64,
    cause: Cause,
}

/// Why a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cause {
    /// Its recipient has it, or never wants it.
    Settled,
    /// It has outlived its retention.
    Expired,
}

impl Removal {
    fn new(recipient: UserId, seq: u64, cause: Cause) -> Self {
        Self {
            recipient,
            seq,
            cause,
        }
    }

    /// The messages numbered `seqs` of one queue.
    pub(super) fn all(recipient: UserId, seqs: &[u64], cause: Cause) -> impl Iterator<Item = Self> {
        let each = seqs.iter();
        each.map(move |seq| Self::new(recipient, *seq, cause))
    }
}

/// How many messages were there and are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Removed {
    /// All of them.
    pub(super) messages: usize,
    /// Those of them that were removed as expired.
    pub(super) expired: usize,
}

/// Removes messages from their queues, where they are in them.
pub(super) fn remove(tables: &mut Tables<'_>, rows: &mut [Removal]) -> Result<Removed, StoreError> {
    rows.sort_unstable();
    let mut seqs = Vec::with_capacity(rows.len());
    let mut removed = Removed::default();
    for row in rows {
        let key = queue_key(row.recipient, row.seq);
        if tables.queues.remove(&key)?.is_some() {
            seqs.push(row.seq);
            removed.expired += usize::from(row.cause == Cause::Expired);
        }
    }
    seqs.sort_unstable();
    for seq in &seqs {
        tables.messages.remove(seq)?;
    }
    removed.messages = seqs.len();
    Ok(removed)
}

/// Removes every message for `user` and from `user`. Reads all queues: an account rarely goes.
pub(super) fn remove_all_of(tables: &mut Tables<'_>, user: UserId) -> Result<usize, StoreError> {
    let mut rows = Vec::new();
    for row in tables.queues.iter()? {
        let (key, record) = row?;
        let key = key.value();
        let entry = QueueEntry::decode(queue_seq(key), record.value())?;
        let recipient = recipient_of(key);
        if recipient == user || entry.sender == user {
            rows.push(Removal::new(recipient, entry.seq, Cause::Settled));
        }
    }
    Ok(remove(tables, &mut rows)?.messages)
}

/// Whose queue a key belongs to.
pub(super) fn recipient_of(key: &[u8; 24]) -> UserId {
    let mut recipient = [0; 16];
    recipient.copy_from_slice(&key[..16]);
    UserId::from_bytes(recipient)
}
