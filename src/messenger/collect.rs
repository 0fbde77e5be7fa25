//! A member takes messages out of their queue: a session by windows, a request by pages.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;

use super::Messenger;
use super::error::Error;
use super::event::Letter;
use super::mailbox::{Mailbox, is_expired};
use super::queue::Place;
use crate::base::{ConnectionId, MessageId};

/// Messages in one page of `GET /messages`, unless the client wants fewer.
pub(super) const MOST_LISTED: usize = 100;
/// Bytes of payload in one page, unless a single message has more.
const MOST_LISTED_BYTES: usize = 1 << 20;

/// One page of a queue.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) letters: Vec<Letter>,
    /// Whether more are waiting behind it.
    pub(super) more: bool,
}

impl Messenger {
    /// Sends a session as much of its queue as its window takes.
    pub(super) async fn refill(
        &self,
        mailbox: &Mailbox,
        connection: ConnectionId,
    ) -> Result<(), Error> {
        let Some(page) = mailbox.lock().queue.next_page(connection) else {
            return Ok(());
        };
        let payloads = self.payloads(mailbox, &page).await?;
        let mut expired = Vec::new();
        let mut state = mailbox.lock();
        for seq in page {
            let Some(entry) = state.queue.entry(seq) else {
                continue;
            };
            let letter = payloads
                .get(&seq)
                .map(|payload| entry.with_payload(payload.clone()));
            match letter.filter(|letter| !self.is_expired(letter)) {
                Some(letter) => state.queue.send(connection, seq, letter),
                // Expired, or the store has swept it away since the queue was loaded.
                None => expired.push(seq),
            }
        }
        for seq in &expired {
            state.queue.remove(*seq);
        }
        mailbox.count(state.queue.len());
        state.queue.announce();
        drop(state);
        if !expired.is_empty() {
            self.store.expire_soon(mailbox.owner(), &expired);
        }
        Ok(())
    }

    /// One page of the queue, from behind message `after`; from the start where that no longer
    /// waits. Takes nothing out.
    pub(super) async fn list(
        &self,
        mailbox: &Mailbox,
        limit: usize,
        after: Option<MessageId>,
    ) -> Result<Page, Error> {
        let (page, more) = numbers(mailbox, limit, after);
        let payloads = self.payloads(mailbox, &page).await?;
        let mut state = mailbox.lock();
        let letters = page.into_iter().filter_map(|seq| {
            let entry = state.queue.entry(seq)?;
            Some(entry.with_payload(payloads.get(&seq)?.clone()))
        });
        let letters = letters.filter(|letter| !self.is_expired(letter)).collect();
        Ok(Page { letters, more })
    }

    /// The payloads of `page`, but for messages that the store no longer has. Those in memory are
    /// taken first: one that is written while the store is read is in neither place afterwards.
    async fn payloads(
        &self,
        mailbox: &Mailbox,
        page: &[u64],
    ) -> Result<HashMap<u64, Bytes>, Error> {
        let (mut payloads, stored) = at_hand(mailbox, page);
        if !stored.is_empty() {
            let messages = self.store.messages(&stored).await?;
            payloads.extend(messages.into_iter().map(|read| (read.seq, read.payload)));
        }
        Ok(payloads)
    }

    fn is_expired(&self, letter: &Letter) -> bool {
        let retention: Duration = self.settings.messages.retention;
        is_expired(letter.timestamp, retention, self.clock.now())
    }
}

/// The payloads of those of `page` that are in memory, and the numbers of those in the store.
fn at_hand(mailbox: &Mailbox, page: &[u64]) -> (HashMap<u64, Bytes>, Vec<u64>) {
    let (mut payloads, mut stored) = (HashMap::new(), Vec::new());
    let mut state = mailbox.lock();
    for seq in page {
        match state.queue.entry(*seq).map(|entry| &entry.place) {
            Some(Place::Memory { payload, .. }) => {
                payloads.insert(*seq, payload.clone());
            }
            Some(Place::Stored) => stored.push(*seq),
            None => {}
        }
    }
    (payloads, stored)
}

fn numbers(mailbox: &Mailbox, limit: usize, after: Option<MessageId>) -> (Vec<u64>, bool) {
    let state = mailbox.lock();
    let start = after.and_then(|id| state.queue.number(id)).unwrap_or(0);
    let mut bytes = 0;
    let mut rest = state.queue.iter_after(start).peekable();
    let mut page = Vec::new();
    while let Some((seq, entry)) = rest.peek() {
        bytes += entry.bytes;
        if page.len() == limit || (bytes > MOST_LISTED_BYTES && !page.is_empty()) {
            return (page, true);
        }
        page.push(*seq);
        rest.next();
    }
    (page, false)
}
