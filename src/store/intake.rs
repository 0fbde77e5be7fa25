//! What waits for the writer.
//!
//! Whatever gathers here while one group is committed becomes the next. Messages that may still be
//! withdrawn, and removals, wait for their moment; the writer sleeps until the first of them is due
//! and is woken before that only for work that can't wait. A message that was withdrawn costs two
//! short locks and no wakeup.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::base::UserId;

use super::error::StoreError;
use super::pending::{PendingWrite, Write};
use super::queue::{Cause, Removal};
use super::writer::Order;

/// At most so many messages in a group.
const GROUP_MESSAGES: usize = 4096;
/// At most so many payload bytes in a group, unless the first message alone has more.
const GROUP_BYTES: usize = 8 << 20;
/// At most so many removals in a group.
const GROUP_REMOVALS: usize = 16_384;

/// The queue in front of the writer.
pub(super) struct Intake {
    waiting: Mutex<Waiting>,
    work: Condvar,
    delay: Duration,
}

#[derive(Default)]
struct Waiting {
    soon: VecDeque<Arc<PendingWrite>>,
    /// In the order of their deadlines, because the delay is the same for all.
    later: VecDeque<(Instant, Arc<PendingWrite>)>,
    orders: VecDeque<Box<dyn Order>>,
    removals: VecDeque<Removal>,
    removals_due: Option<Instant>,
    /// An order waits that must see every message handed in before it.
    everything: bool,
    phase: Phase,
    sleep: Sleep,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Open,
    /// Nothing more is accepted; the rest is being committed.
    Closing,
    /// The writer is gone.
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Sleep {
    #[default]
    Awake,
    UntilDue,
    UntilWork,
}

/// What an order needs to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// What happens to be committed by then.
    Any,
    /// Every message that was handed in before the order, also those that could wait.
    Everything,
}

/// Work that is committed together.
#[derive(Default)]
pub(super) struct Group {
    pub(super) writes: Vec<Write>,
    pub(super) orders: Vec<Box<dyn Order>>,
    pub(super) removals: Vec<Removal>,
}

impl Group {
    /// Tells everybody in the group how it went.
    pub(super) fn answer(self, outcome: &Result<(), StoreError>) {
        for write in self.writes {
            (write.completion)(outcome.clone());
        }
        for order in self.orders {
            order.answer(outcome.clone());
        }
    }

    fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.orders.is_empty() && self.removals.is_empty()
    }
}

impl Intake {
    /// An open intake in which postponed work waits for `delay`.
    pub(super) fn new(delay: Duration) -> Self {
        Self {
            waiting: Mutex::default(),
            work: Condvar::new(),
            delay,
        }
    }

    /// Hands in a message for the next group.
    pub(super) fn write_soon(&self, write: Arc<PendingWrite>) {
        let mut waiting = self.lock();
        if waiting.phase == Phase::Open {
            waiting.soon.push_back(write);
            self.wake(waiting);
        } else {
            drop(waiting);
            refuse(&write);
        }
    }

    /// Hands in a message for the first group after the delay.
    pub(super) fn write_later(&self, write: Arc<PendingWrite>) {
        let due = Instant::now() + self.delay;
        let mut waiting = self.lock();
        if waiting.phase == Phase::Open {
            waiting.later.push_back((due, write));
            self.wake_if_idle(waiting);
        } else {
            drop(waiting);
            refuse(&write);
        }
    }

    /// Hands in an order for the next group, or gives it back when nothing is accepted any more.
    pub(super) fn order(
        &self,
        order: Box<dyn Order>,
        before: Before,
    ) -> Result<(), Box<dyn Order>> {
        let mut waiting = self.lock();
        if waiting.phase != Phase::Open {
            return Err(order);
        }
        waiting.orders.push_back(order);
        waiting.everything |= before == Before::Everything;
        self.wake(waiting);
        Ok(())
    }

    /// Hands in removals for the next group, which comes when the delay has passed at the latest.
    pub(super) fn remove(&self, recipient: UserId, seqs: &[u64], cause: Cause) {
        if seqs.is_empty() {
            return;
        }
        let due = Instant::now() + self.delay;
        let mut waiting = self.lock();
        if waiting.phase != Phase::Open {
            return;
        }
        waiting
            .removals
            .extend(Removal::all(recipient, seqs, cause));
        if waiting.removals_due.is_none() {
            waiting.removals_due = Some(due);
            self.wake_if_idle(waiting);
        }
    }

    /// Accepts nothing more. The writer commits what is here and ends.
    pub(super) fn close(&self) {
        let mut waiting = self.lock();
        if waiting.phase == Phase::Open {
            waiting.phase = Phase::Closing;
        }
        self.wake(waiting);
    }

    /// Refuses whatever is still here: the writer is gone.
    pub(super) fn abandon(&self) {
        let mut waiting = self.lock();
        let rest = std::mem::take(&mut *waiting);
        waiting.phase = Phase::Closed;
        drop(waiting);
        for write in rest.soon.iter().chain(rest.later.iter().map(|(_, w)| w)) {
            refuse(write);
        }
        for order in rest.orders {
            order.answer(Err(StoreError::Closed));
        }
    }

    /// The next group, once there is one. None when the intake was closed and is empty.
    pub(super) fn next_group(&self) -> Option<Group> {
        let mut waiting = self.lock();
        loop {
            let now = Instant::now();
            waiting.forget_withdrawn();
            if waiting.is_due(now) {
                let (writes, mut group) = waiting.take_group(now + self.delay / 8);
                drop(waiting);
                group.writes = writes.iter().filter_map(|write| write.take()).collect();
                if !group.is_empty() {
                    return Some(group);
                }
                waiting = self.lock();
            } else if waiting.phase == Phase::Open {
                waiting = self.sleep(waiting, now);
            } else {
                return None;
            }
        }
    }

    fn sleep<'a>(
        &'a self,
        mut waiting: MutexGuard<'a, Waiting>,
        now: Instant,
    ) -> MutexGuard<'a, Waiting> {
        let mut waiting = if let Some(due) = waiting.next_due() {
            waiting.sleep = Sleep::UntilDue;
            let slept = self.work.wait_timeout(waiting, due.duration_since(now));
            slept.unwrap_or_else(PoisonError::into_inner).0
        } else {
            waiting.sleep = Sleep::UntilWork;
            let slept = self.work.wait(waiting);
            slept.unwrap_or_else(PoisonError::into_inner)
        };
        waiting.sleep = Sleep::Awake;
        waiting
    }

    fn wake(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let asleep = waiting.sleep != Sleep::Awake;
        waiting.sleep = Sleep::Awake;
        drop(waiting);
        if asleep {
            self.work.notify_one();
        }
    }

    fn wake_if_idle(&self, waiting: MutexGuard<'_, Waiting>) {
        if waiting.sleep == Sleep::UntilWork {
            self.wake(waiting);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Forgets the oldest postponed messages that were withdrawn or hurried.
    fn forget_withdrawn(&mut self) {
        while self.later.front().is_some_and(|(_, w)| !w.is_waiting()) {
            self.later.pop_front();
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let closing = self.phase != Phase::Open && self.next_due().is_some();
        let due = self.next_due().is_some_and(|due| due <= now);
        !self.soon.is_empty() || !self.orders.is_empty() || closing || due
    }

    fn next_due(&self) -> Option<Instant> {
        let write = self.later.front().map(|(due, _)| *due);
        write.into_iter().chain(self.removals_due).min()
    }

    /// Takes what goes into the next group: what can't wait, and what is due by `horizon`.
    fn take_group(&mut self, horizon: Instant) -> (Vec<Arc<PendingWrite>>, Group) {
        let everything = std::mem::take(&mut self.everything);
        let all = everything || self.phase != Phase::Open;
        let due = |(due, _): &(Instant, _)| all || *due <= horizon;
        let postponed = self.later.iter().take_while(|entry| due(entry)).count();
        self.soon
            .extend(self.later.drain(..postponed).map(|(_, write)| write));
        let writes = if everything {
            self.soon.drain(..).collect()
        } else {
            self.take_writes()
        };
        let removals = self.removals.len().min(GROUP_REMOVALS);
        let group = Group {
            writes: Vec::new(),
            orders: self.orders.drain(..).collect(),
            removals: self.removals.drain(..removals).collect(),
        };
        if self.removals.is_empty() {
            self.removals_due = None;
        }
        (writes, group)
    }

    fn take_writes(&mut self) -> Vec<Arc<PendingWrite>> {
        let mut room = GROUP_BYTES;
        let fits = |write: &&Arc<PendingWrite>| {
            let before = room;
            room = room.saturating_sub(write.bytes());
            before > 0
        };
        let count = self
            .soon
            .iter()
            .take(GROUP_MESSAGES)
            .take_while(fits)
            .count();
        self.soon.drain(..count).collect()
    }
}

/// Tells the one who waits for this write that it won't happen.
fn refuse(write: &PendingWrite) {
    if let Some(write) = write.take() {
        (write.completion)(Err(StoreError::Closed));
    }
}
