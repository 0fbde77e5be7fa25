//! A message goes from its sender's request to a place where it is safe.
//!
//! It is put into the recipient's queue and handed to the store at once. Where the recipient is
//! online and has read everything before it, it is sent to them in the same moment and its write
//! is held back for the commit delay: the acknowledgement usually comes first and spares the write.
//! The sender is answered at whichever comes first, the commit or the acknowledgement
//! (PROTOCOL.md §6).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::FutureExt;

use super::Messenger;
use super::error::Error;
use super::event::Letter;
use super::mailbox::{Mailbox, State, is_expired};
use super::queue::{Entry, Place, Waiter};
use crate::base::{MessageId, UserId};
use crate::ratelimit::Verdict;
use crate::store::{NewMessage, StoreError, Withdrawal};
use crate::wire::binary;
use crate::wire::body::ContactState;
use crate::wire::reply::MessageStatus;

/// Those who wait for one message at most: one that is retried while it is being written.
const MOST_WAITERS: usize = 8;

/// A message as its sender hands it in.
#[derive(Debug)]
pub(super) struct Posted {
    /// The sender's name for it.
    pub(super) id: Option<MessageId>,
    /// For whom.
    pub(super) recipient: UserId,
    /// Base64 text, not yet checked.
    pub(super) payload: Bytes,
}

impl Messenger {
    /// Takes a message of `sender` in. `waiter` hears when it is safe, or that it couldn't be made
    /// safe; a refusal is returned and the waiter never hears.
    pub(super) fn deliver<'a>(
        &'a self,
        sender: &'a Mailbox,
        posted: Posted,
        waiter: Waiter,
    ) -> impl Future<Output = Result<(), Error>> + Send + 'a {
        self.take_in(sender, posted, waiter).inspect(|outcome| {
            if let Err(error) = outcome {
                self.counters.refused.count(error.code());
            }
        })
    }

    async fn take_in(&self, sender: &Mailbox, posted: Posted, waiter: Waiter) -> Result<(), Error> {
        self.check_payload(&posted.payload)?;
        self.check_sender(sender)?;
        self.check_room()?;
        let recipient = match self.mailboxes.find(posted.recipient) {
            Some(mailbox) => mailbox,
            // Rare and large: boxed, so that an idle session doesn't carry it.
            None => Box::pin(self.mailbox(posted.recipient)).await?,
        };
        let letter = Letter {
            message_id: posted.id.unwrap_or_else(MessageId::random),
            sender: sender.owner(),
            timestamp: self.clock.now(),
            payload: posted.payload,
        };
        self.accept(&recipient, letter, waiter)
    }

    fn check_payload(&self, payload: &[u8]) -> Result<(), Error> {
        let limit = self.settings.messages.max_payload;
        if payload.len() > limit {
            return Err(Error::TooLarge {
                limit,
                unit: "characters of payload",
            });
        }
        if payload.is_empty() {
            return Err(Error::field(
                "payload",
                "expected ciphertext, found nothing",
            ));
        }
        let text = std::str::from_utf8(payload).ok();
        match text.map(binary::check) {
            Some(Ok(())) => Ok(()),
            _ => Err(Error::Base64 {
                field: "payload".into(),
            }),
        }
    }

    fn check_sender(&self, sender: &Mailbox) -> Result<(), Error> {
        let mut state = sender.lock();
        if state.is_gone {
            return Err(Error::TokenExpired);
        }
        if state.bar.holds(self.clock.now()) {
            return Err(Error::Suspended);
        }
        match state
            .sending
            .check(&self.limits.sending(), self.clock.now())
        {
            Verdict::Pass => Ok(()),
            Verdict::Wait(retry_after) => {
                self.counters.sending_limited.increment();
                Err(Error::RateLimited { retry_after })
            }
        }
    }

    fn check_room(&self) -> Result<(), Error> {
        if self.store.is_disk_low() {
            return Err(Error::StorageFull);
        }
        let backlog = self.store.backlog();
        if backlog.messages > MOST_PENDING || backlog.bytes > MOST_PENDING_BYTES {
            return Err(Error::Capacity(
                "the server is writing as fast as it can; try again",
            ));
        }
        Ok(())
    }

    fn accept(
        &self,
        recipient: &Arc<Mailbox>,
        letter: Letter,
        waiter: Waiter,
    ) -> Result<(), Error> {
        let mut state = recipient.lock();
        if state.is_gone {
            return Err(Error::UserNotFound);
        }
        let relation = state.contacts.get(&letter.sender).copied();
        if relation == Some(ContactState::Blocked) {
            let letter = self.remember_swallowed(&mut state, letter)?;
            drop(state);
            self.counters.dropped.increment();
            self.swallow(recipient.owner(), &letter, waiter);
            return Ok(());
        }
        if let Some(seq) = state.queue.number(letter.message_id) {
            repeat(&mut state, seq, letter.sender, waiter)?;
            self.counters.repeated.increment();
            return Ok(());
        }
        if let Some(receipt) = self.delivered.find(recipient.owner(), &letter) {
            waiter.tell(Ok(receipt));
            self.counters.repeated.increment();
            return Ok(());
        }
        self.check_queue(&mut state, recipient, &letter, relation)?;
        self.enqueue(state, recipient, letter, waiter);
        Ok(())
    }

    /// Refuses what the queue has no room for; what expired is not counted. Strangers find a queue
    /// full that is half full: however many they are, they leave room for those who are allowed, if
    /// anybody is.
    fn check_queue(
        &self,
        state: &mut State,
        recipient: &Mailbox,
        letter: &Letter,
        relation: Option<ContactState>,
    ) -> Result<(), Error> {
        let limits = &self.settings.messages;
        let is_stranger = relation != Some(ContactState::Allowed);
        let is_kept_for_others = is_stranger
            && state
                .contacts
                .values()
                .any(|state| *state == ContactState::Allowed);
        let share = if is_kept_for_others { 2 } else { 1 };
        let is_full = |state: &State| {
            let has_sent_enough = is_stranger
                && state.queue.count_from(letter.sender) >= limits.queue_stranger_messages;
            has_sent_enough
                || state.queue.len() >= limits.queue_messages.div_ceil(share)
                || state.queue.bytes() + letter.payload.len() as u64
                    > limits.queue_bytes.div_ceil(share as u64)
        };
        if !is_full(state) {
            return Ok(());
        }
        self.drop_expired(state, recipient);
        if is_full(state) {
            Err(Error::QueueFull)
        } else {
            Ok(())
        }
    }

    fn enqueue(
        &self,
        mut state: std::sync::MutexGuard<'_, State>,
        recipient: &Arc<Mailbox>,
        letter: Letter,
        waiter: Waiter,
    ) {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        let mailbox = recipient.clone();
        let completion = Box::new(move |outcome| written(&mailbox, seq, &outcome));
        let write = self
            .store
            .pending(stored(seq, recipient.owner(), &letter), completion);
        let place = Place::Memory {
            write: write.clone(),
            payload: letter.payload.clone(),
            waiters: vec![waiter],
        };
        let is_live = state.queue.is_live(letter.payload.len());
        state.queue.insert(seq, Entry::new(&letter, place));
        recipient.count(state.queue.len());
        if is_live {
            self.counters.live.increment();
            state.queue.send_live(seq, letter);
            drop(state);
            self.store.write_later(write);
        } else {
            self.counters.queued.increment();
            state.queue.announce();
            drop(state);
            self.store.write_soon(write);
            self.wake(recipient.owner());
        }
    }

    /// Somebody whom the recipient blocked is answered like a stranger whose recipient never comes
    /// back: a retry is the same message, and beyond a stranger's share the queue is full.
    fn remember_swallowed(&self, state: &mut State, mut letter: Letter) -> Result<Letter, Error> {
        let swallowed = state.swallowed.entry(letter.sender).or_default();
        let before = swallowed.iter().find(|(id, _)| *id == letter.message_id);
        if let Some((_, timestamp)) = before {
            letter.timestamp = *timestamp;
            return Ok(letter);
        }
        if swallowed.len() >= self.settings.messages.queue_stranger_messages {
            return Err(Error::QueueFull);
        }
        swallowed.push((letter.message_id, letter.timestamp));
        Ok(letter)
    }

    /// Takes a message from somebody whom the recipient blocked, and lets it go: it is written like
    /// any other, so that it takes as long, and then removed.
    fn swallow(&self, recipient: UserId, letter: &Letter, waiter: Waiter) {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        let receipt = super::event::Receipt {
            message_id: letter.message_id,
            status: MessageStatus::Queued,
            timestamp: letter.timestamp,
        };
        let store = self.store.clone();
        let completion = Box::new(move |outcome: Result<(), StoreError>| {
            if outcome.is_ok() {
                store.remove_soon(recipient, &[seq]);
            }
            waiter.tell(outcome.map(|()| receipt).map_err(Error::from));
        });
        let write = self
            .store
            .pending(stored(seq, recipient, letter), completion);
        self.store.write_soon(write);
    }

    /// The owner of `mailbox` has these messages safely. Gives the numbers of those that the store
    /// has, or may have, and must remove.
    pub(super) fn take_acknowledged(&self, mailbox: &Mailbox, ids: &[MessageId]) -> Vec<u64> {
        let mut stored = Vec::new();
        let mut told = Vec::new();
        let (mut delivered, mut spared) = (0, 0);
        let mut state = mailbox.lock();
        for id in ids {
            let Some(seq) = state.queue.number(*id) else {
                continue;
            };
            let Some(entry) = state.queue.remove(seq) else {
                continue;
            };
            delivered += 1;
            let receipt = entry.receipt(MessageStatus::Delivered);
            self.delivered.note(mailbox.owner(), entry.sender, receipt);
            match entry.place {
                Place::Stored => stored.push(seq),
                Place::Memory { write, waiters, .. } => {
                    match write.withdraw() {
                        Withdrawal::AlreadyWritten => stored.push(seq),
                        Withdrawal::Spared => spared += 1,
                    }
                    told.extend(waiters.into_iter().map(|waiter| (waiter, receipt)));
                }
            }
        }
        mailbox.count(state.queue.len());
        state.queue.announce();
        drop(state);
        self.counters.delivered.add(delivered);
        self.counters.spared.add(spared);
        for (waiter, receipt) in told {
            waiter.tell(Ok(receipt));
        }
        stored
    }

    /// Takes out what has waited for longer than messages are kept. The oldest stand first.
    pub(super) fn drop_expired(&self, state: &mut State, mailbox: &Mailbox) {
        let (retention, now) = (self.settings.messages.retention, self.clock.now());
        let expired: Vec<u64> = state
            .queue
            .iter_after(0)
            .take_while(|(_, entry)| is_expired(entry.timestamp, retention, now))
            .map(|(seq, _)| seq)
            .collect();
        for seq in &expired {
            state.queue.remove(*seq);
        }
        mailbox.count(state.queue.len());
        if !expired.is_empty() {
            self.store.expire_soon(mailbox.owner(), &expired);
        }
    }
}

/// Messages on their way to disk at most, of all senders together.
const MOST_PENDING: u64 = 100_000;
/// Bytes on their way to disk at most, of all senders together.
const MOST_PENDING_BYTES: u64 = 256 << 20;

fn stored(seq: u64, recipient: UserId, letter: &Letter) -> NewMessage {
    NewMessage {
        seq,
        message_id: letter.message_id,
        sender: letter.sender,
        recipient,
        timestamp: letter.timestamp,
        payload: letter.payload.clone(),
    }
}

/// A message whose id already waits: the same one again, if it is the same sender's.
fn repeat(state: &mut State, seq: u64, sender: UserId, waiter: Waiter) -> Result<(), Error> {
    let Some(entry) = state.queue.entry(seq) else {
        return Err(Error::Internal);
    };
    if entry.sender != sender {
        return Err(Error::field(
            "id",
            "already names another message; draw a new random id",
        ));
    }
    let receipt = entry.receipt(MessageStatus::Queued);
    match &mut entry.place {
        Place::Stored => waiter.tell(Ok(receipt)),
        Place::Memory { waiters, .. } if waiters.len() < MOST_WAITERS => waiters.push(waiter),
        Place::Memory { .. } => {
            return Err(Error::RateLimited {
                retry_after: std::time::Duration::from_secs(1),
            });
        }
    }
    Ok(())
}

/// Runs when a write came to an end, on the store's thread.
fn written(mailbox: &Mailbox, seq: u64, outcome: &Result<(), StoreError>) {
    let mut state = mailbox.lock();
    // Acknowledged meanwhile: everybody has been told.
    let Some(entry) = state.queue.entry(seq) else {
        return;
    };
    let receipt = entry.receipt(MessageStatus::Queued);
    let before = std::mem::replace(&mut entry.place, Place::Stored);
    if outcome.is_err() {
        state.queue.remove(seq);
        mailbox.count(state.queue.len());
        state.queue.announce();
    }
    drop(state);
    if let Place::Memory { waiters, .. } = before {
        for waiter in waiters {
            waiter.tell(outcome.clone().map(|()| receipt).map_err(Error::from));
        }
    }
}
