//! A member takes messages out of their queue: a session by windows, a request by pages.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;

use super::Messenger;
use super::error::Error;
use super::event::Letter;
use super::mailbox::{Mailbox, is_expired};
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
        let stored = self.read(mailbox, &page).await?;
        let mut expired = Vec::new();
        let mut state = mailbox.lock();
        for seq in page {
            let Some(entry) = state.queue.entry(seq) else {
                continue;
            };
            let letter = entry
                .letter()
                .or_else(|| Some(entry.with_payload(stored.get(&seq)?.clone())));
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
            self.store.remove_soon(mailbox.owner(), &expired);
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
        let stored = self.read(mailbox, &page).await?;
        let mut state = mailbox.lock();
        let letters = page.into_iter().filter_map(|seq| {
            let entry = state.queue.entry(seq)?;
            entry
                .letter()
                .or_else(|| Some(entry.with_payload(stored.get(&seq)?.clone())))
        });
        let letters = letters.filter(|letter| !self.is_expired(letter)).collect();
        Ok(Page { letters, more })
    }

    /// The payloads of those of `page` that are in the store and not in memory.
    async fn read(&self, mailbox: &Mailbox, page: &[u64]) -> Result<HashMap<u64, Bytes>, Error> {
        let wanted: Vec<u64> = {
            let mut state = mailbox.lock();
            let is_stored = |seq: &u64| {
                state
                    .queue
                    .entry(*seq)
                    .is_some_and(|entry| entry.letter().is_none())
            };
            page.iter().copied().filter(is_stored).collect()
        };
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let messages = self.store.messages(&wanted).await?;
        Ok(messages
            .into_iter()
            .map(|message| (message.seq, message.payload))
            .collect())
    }

    fn is_expired(&self, letter: &Letter) -> bool {
        let retention: Duration = self.settings.messages.retention;
        is_expired(letter.timestamp, retention, self.clock.now())
    }
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
