//! The one thread that writes: it takes what waits, commits it as one group, and answers after.
//!
//! Messages go first, then orders in their order, then removals. An order checks first and writes
//! second; one that meets a broken row has the group done again without it. When the database
//! fails, the whole group hears it, the database is opened anew, and the next group has its chance.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::disk::Disk;
use super::error::StoreError;
use super::figures::Counters;
use super::intake::{Group, Intake};
use super::queue;
use super::tables::Tables;

/// A group of so many messages is a sign that more are coming.
const BUSY: usize = 8;

/// How long the writer then lets those who were just answered hand in their next messages. Otherwise
/// senders fall into parts that take turns, and each pays for a commit of its own: with 100 who wait
/// for each answer, 29,000 messages a second at 29 µs of CPU instead of 34,000 at 22.
const GATHERING: Duration = Duration::from_millis(1);

/// A write with somebody who waits for its result.
pub(super) trait Order: Send {
    /// Does it. May be called again when the transaction before was given up.
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), StoreError>;
    /// Tells the result, now that it is on disk, or why it isn't.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// An order made of a closure.
pub(super) struct Request<T, W> {
    work: W,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    _place: OwnedSemaphorePermit,
}

impl<T, W> Request<T, W> {
    /// `work` for the writer, which takes up `place` until it is answered on `reply`.
    pub(super) fn new(
        work: W,
        reply: oneshot::Sender<Result<T, StoreError>>,
        place: OwnedSemaphorePermit,
    ) -> Self {
        Self {
            work,
            result: None,
            reply,
            _place: place,
        }
    }
}

impl<T, W> Order for Request<T, W>
where
    T: Send,
    W: Fn(&mut Tables<'_>) -> Result<T, StoreError> + Send,
{
    fn apply(&mut self, tables: &mut Tables<'_>) -> Result<(), StoreError> {
        self.result = Some((self.work)(tables)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { result, reply, .. } = *self;
        // A caller that went away doesn't need the answer.
        let _ = reply.send(outcome.and_then(|()| result.ok_or(StoreError::Closed)));
    }
}

/// Owns the write transactions of a disk.
pub(super) struct Writer {
    disk: Arc<Disk>,
    intake: Arc<Intake>,
    counters: Arc<Counters>,
    needs_reopening: bool,
}

/// Why a group wasn't committed.
enum Failure {
    /// This order met a broken row.
    Order(usize, StoreError),
    /// The database failed.
    Database(StoreError),
}

impl Writer {
    /// The writer of `disk`, fed by `intake`.
    pub(super) fn new(disk: Arc<Disk>, intake: Arc<Intake>, counters: Arc<Counters>) -> Self {
        Self {
            disk,
            intake,
            counters,
            needs_reopening: false,
        }
    }

    /// Writes until the intake is closed and empty.
    pub(super) fn run(mut self) {
        while let Some(group) = self.intake.next_group() {
            let is_busy = group.writes.len() >= BUSY;
            self.write(group);
            if is_busy {
                thread::sleep(GATHERING);
            }
        }
    }

    fn write(&mut self, mut group: Group) {
        group.writes.sort_unstable_by_key(|write| write.message.seq);
        loop {
            match self.commit(&mut group) {
                Ok(()) => return group.answer(&Ok(())),
                Err(Failure::Order(index, error)) => {
                    tracing::error!(%error, "a write met a broken row");
                    group.orders.remove(index).answer(Err(error));
                }
                Err(Failure::Database(error)) => {
                    tracing::error!(%error, "a commit failed");
                    self.counters.failed_commits.increment();
                    let lost = group.writes.len() as u64;
                    self.counters.failed_writes.add(lost);
                    self.needs_reopening = true;
                    let _ = self.revive();
                    return group.answer(&Err(error));
                }
            }
        }
    }

    fn commit(&mut self, group: &mut Group) -> Result<(), Failure> {
        let started = Instant::now();
        self.revive()?;
        let transaction = self.disk.write()?;
        let removed = {
            let mut tables = Tables::open(&transaction)?;
            queue::insert(&mut tables, &group.writes)?;
            for (index, order) in group.orders.iter_mut().enumerate() {
                order
                    .apply(&mut tables)
                    .map_err(|error| Failure::of_order(index, error))?;
            }
            queue::remove(&mut tables, &mut group.removals)?
        };
        transaction.commit().map_err(StoreError::from)?;
        self.counters.commit_times.observe_micros(started.elapsed());
        self.counters.group_sizes.observe(group.writes.len() as u64);
        self.counters.expired.add(removed.expired as u64);
        Ok(())
    }

    /// Opens the database anew if it failed before.
    fn revive(&mut self) -> Result<(), StoreError> {
        if self.needs_reopening {
            self.disk.reopen()?;
            self.needs_reopening = false;
        }
        Ok(())
    }
}

impl Drop for Writer {
    /// However the writer ends, nobody waits for it in vain.
    fn drop(&mut self) {
        self.intake.abandon();
    }
}

impl Failure {
    fn of_order(index: usize, error: StoreError) -> Self {
        match error {
            StoreError::Record(_) => Self::Order(index, error),
            other => Self::Database(other),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Database(error)
    }
}
