//! One member as the rest of the messenger meets them: their queue, their contacts, their standing.
//!
//! Mailboxes are loaded from the store when they are first needed and kept while they are in use;
//! [`Mailboxes`] bounds how much of that stays in memory. Every change of a queue happens here,
//! under one short lock, so that order and the count in flight can't be raced.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::queue::Queue;
use super::standing::Bar;
use crate::base::{BoundedMap, MessageId, Timestamp, UserId};
use crate::ratelimit::Bucket;
use crate::wire::body::ContactState;

/// Mailboxes kept in memory.
const MOST_MAILBOXES: usize = 50_000;
/// Queue entries kept in memory, of all mailboxes that aren't in use: 120 bytes each, 24 MB in all.
const MOST_ENTRIES: usize = 200_000;

/// One member's mailbox.
pub(super) struct Mailbox {
    owner: UserId,
    loaded: OnceCell<()>,
    state: Mutex<State>,
    /// Held over a change in the store and the same change here: what is in memory follows what the
    /// store has, in the same order.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Held while the owner asks for somebody's keys: one question at a time, so that the same
    /// question gets the same answer.
    pub(super) asking: tokio::sync::Mutex<()>,
    /// Entries of all mailboxes together, and how many of them are counted for this one.
    total: Arc<AtomicUsize>,
    counted: AtomicUsize,
}

/// What a mailbox holds.
pub(super) struct State {
    pub(super) queue: Queue,
    pub(super) contacts: HashMap<UserId, ContactState>,
    /// What was let go of whom, and when: of blocked contacts only, as much as a stranger may send.
    pub(super) swallowed: HashMap<UserId, Vec<(MessageId, Timestamp)>>,
    pub(super) bar: Bar,
    /// The owner takes part in presence, as far as the operator wants it.
    pub(super) takes_part: bool,
    /// Tokens issued until then are no longer good.
    pub(super) tokens_since: Timestamp,
    /// Messages that the owner may still send.
    pub(super) sending: Bucket,
    /// The account is gone; whoever still holds this mailbox must not use it.
    pub(super) is_gone: bool,
}

/// What a mailbox is loaded from.
pub(super) struct Contents {
    pub(super) queue: Queue,
    pub(super) contacts: HashMap<UserId, ContactState>,
    pub(super) bar: Bar,
    pub(super) takes_part: bool,
    pub(super) tokens_since: Timestamp,
}

impl Mailbox {
    fn new(owner: UserId, total: Arc<AtomicUsize>) -> Self {
        let state = State {
            queue: Queue::default(),
            contacts: HashMap::new(),
            swallowed: HashMap::new(),
            bar: Bar::None,
            takes_part: false,
            tokens_since: Timestamp::default(),
            sending: Bucket::default(),
            is_gone: false,
        };
        Self {
            owner,
            loaded: OnceCell::new(),
            state: Mutex::new(state),
            changing: tokio::sync::Mutex::default(),
            asking: tokio::sync::Mutex::default(),
            total,
            counted: AtomicUsize::new(0),
        }
    }

    /// Whose it is.
    pub(super) fn owner(&self) -> UserId {
        self.owner
    }

    /// The state, for one short change or look.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, contents: Contents) {
        let mut state = self.lock();
        state.queue = contents.queue;
        state.contacts = contents.contacts;
        state.bar = contents.bar;
        state.takes_part = contents.takes_part;
        state.tokens_since = contents.tokens_since;
        self.count(state.queue.len());
    }

    /// Notes how many entries this mailbox holds now.
    pub(super) fn count(&self, entries: usize) {
        let before = self.counted.swap(entries, Ordering::Relaxed);
        if entries >= before {
            self.total.fetch_add(entries - before, Ordering::Relaxed);
        } else {
            self.total.fetch_sub(before - entries, Ordering::Relaxed);
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.count(0);
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").finish_non_exhaustive()
    }
}

/// Every mailbox that is in memory, each at most once.
#[derive(Debug)]
pub(super) struct Mailboxes {
    mailboxes: Mutex<BoundedMap<UserId, Arc<Mailbox>>>,
    total: Arc<AtomicUsize>,
}

impl Default for Mailboxes {
    fn default() -> Self {
        // The bound is kept by `make_room`, which never puts out a mailbox that is in use.
        let mailboxes = Mutex::new(BoundedMap::new(usize::MAX));
        Self {
            mailboxes,
            total: Arc::default(),
        }
    }
}

impl Mailboxes {
    /// The mailbox of `owner`, loaded by `load` if it isn't in memory. Whoever comes while it is
    /// being loaded waits for that; a failure is told to each.
    pub(super) async fn open<E>(
        &self,
        owner: UserId,
        load: impl AsyncFnOnce() -> Result<Contents, E>,
    ) -> Result<Arc<Mailbox>, E> {
        let mailbox = self.place(owner);
        if mailbox.loaded.initialized() {
            return Ok(mailbox);
        }
        let loading = mailbox.loaded.get_or_try_init(async || {
            mailbox.fill(load().await?);
            Ok(())
        });
        match loading.await {
            Ok(()) => Ok(mailbox),
            Err(error) => {
                self.forget_unloaded(owner);
                Err(error)
            }
        }
    }

    /// The mailbox of `owner` if it is in memory.
    pub(super) fn find(&self, owner: UserId) -> Option<Arc<Mailbox>> {
        self.lock()
            .peek(&owner)
            .filter(|mailbox| mailbox.loaded.initialized())
            .cloned()
    }

    /// Every mailbox in memory.
    pub(super) fn all(&self) -> Vec<Arc<Mailbox>> {
        self.lock()
            .iter()
            .map(|(_, mailbox)| mailbox.clone())
            .collect()
    }

    /// Puts the mailbox of an account that is gone, or was reset, out of memory.
    pub(super) fn forget(&self, owner: UserId) {
        if let Some(mailbox) = self.lock().remove(&owner) {
            mailbox.lock().is_gone = true;
        }
    }

    fn place(&self, owner: UserId) -> Arc<Mailbox> {
        let mut mailboxes = self.lock();
        let fresh = || Arc::new(Mailbox::new(owner, self.total.clone()));
        let mailbox = mailboxes.entry(owner, fresh).clone();
        let evicted = make_room(&mut mailboxes, self.total.load(Ordering::Relaxed));
        drop(mailboxes);
        drop(evicted);
        mailbox
    }

    fn forget_unloaded(&self, owner: UserId) {
        let mut mailboxes = self.lock();
        let is_idle = |mailbox: &Arc<Mailbox>| {
            !mailbox.loaded.initialized() && Arc::strong_count(mailbox) <= 2
        };
        if mailboxes.peek(&owner).is_some_and(is_idle) {
            mailboxes.remove(&owner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BoundedMap<UserId, Arc<Mailbox>>> {
        self.mailboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts out a few of the mailboxes that were not used for longest, while there are too many. One
/// that somebody holds stays: two mailboxes of one owner would tell two stories.
fn make_room(
    mailboxes: &mut BoundedMap<UserId, Arc<Mailbox>>,
    mut entries: usize,
) -> Vec<Arc<Mailbox>> {
    const STEPS: usize = 4;
    let mut evicted = Vec::new();
    for _ in 0..STEPS {
        if mailboxes.len() <= MOST_MAILBOXES && entries <= MOST_ENTRIES {
            break;
        }
        let Some((owner, mailbox)) = mailboxes.remove_oldest_if(|_, _| true) else {
            break;
        };
        if Arc::strong_count(&mailbox) > 1 {
            mailboxes.insert(owner, mailbox);
        } else {
            entries = entries.saturating_sub(mailbox.counted.load(Ordering::Relaxed));
            evicted.push(mailbox);
        }
    }
    evicted
}

/// Whether a message was accepted longer than `retention` before `now`.
pub(super) fn is_expired(
    accepted: Timestamp,
    retention: std::time::Duration,
    now: Timestamp,
) -> bool {
    accepted.saturating_add(retention) < now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        Contents {
            queue: Queue::default(),
            contacts: HashMap::new(),
            bar: Bar::None,
            takes_part: false,
            tokens_since: Timestamp::default(),
        }
    }

    #[tokio::test]
    async fn a_mailbox_is_loaded_once_and_is_the_same_for_all() {
        let mailboxes = Mailboxes::default();
        let owner = UserId::random();
        let loads = AtomicUsize::new(0);
        let load = async || {
            loads.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            Ok::<_, ()>(contents())
        };
        let (first, second) =
            tokio::join!(mailboxes.open(owner, load), mailboxes.open(owner, load));
        assert!(Arc::ptr_eq(&first.unwrap(), &second.unwrap()));
        assert_eq!(loads.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failed_load_leaves_nothing_and_may_be_tried_again() {
        let mailboxes = Mailboxes::default();
        let owner = UserId::random();
        assert!(
            mailboxes
                .open(owner, async || Err("no such user"))
                .await
                .is_err()
        );
        assert!(mailboxes.lock().is_empty());
        assert!(
            mailboxes
                .open(owner, async || Ok::<_, ()>(contents()))
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_mailbox_in_use_is_never_put_out() {
        let mailboxes = Mailboxes::default();
        let owner = UserId::random();
        let held = mailboxes
            .open(owner, async || Ok::<_, ()>(contents()))
            .await
            .unwrap();
        held.count(MOST_ENTRIES + 1);
        for _ in 0..20 {
            mailboxes
                .open(UserId::random(), async || Ok::<_, ()>(contents()))
                .await
                .unwrap();
        }
        let again = mailboxes
            .open(owner, async || Err("loaded twice"))
            .await
            .unwrap();
        assert!(Arc::ptr_eq(&held, &again));
        drop((held, again));
        for _ in 0..20 {
            mailboxes
                .open(UserId::random(), async || Ok::<_, ()>(contents()))
                .await
                .unwrap();
        }
        assert!(mailboxes.find(owner).is_none());
        assert!(mailboxes.total.load(Ordering::Relaxed) < MOST_ENTRIES);
    }
}
