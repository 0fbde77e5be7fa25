//! What waits to be written to one connection. Whoever puts something in never waits; whoever
//! reads too slowly misses media, as over UDP.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::message::padded;

/// Bytes that may wait, unless it is a single message: half a second of video. More would only
/// come too late.
const BACKLOG: usize = 64 * 1024;

/// Why a message isn't taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// The messages for one connection, as they go on the wire.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<Vec<u8>>,
    ready: Notify,
}

impl Outbox {
    /// Takes a message, whole or not at all, and pads it as streams need it (RFC 8656 §12.5).
    pub(super) fn offer(&self, message: &[u8]) -> Result<(), Full> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let length = waiting.len() + padded(message.len());
        if !waiting.is_empty() && length > BACKLOG {
            return Err(Full);
        }
        waiting.extend_from_slice(message);
        waiting.resize(length, 0);
        drop(waiting);
        self.ready.notify_one();
        Ok(())
    }

    /// Everything that waits, as soon as something does. For one task; cancel-safe.
    pub(super) async fn take(&self) -> Vec<u8> {
        loop {
            let waiting =
                std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
            if !waiting.is_empty() {
                return waiting;
            }
            self.ready.notified().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_are_padded_and_come_out_in_order() {
        let outbox = Outbox::default();
        for message in [&b"\x40\x00\x00\x01a"[..], b"\x40\x00\x00\x00"] {
            outbox.offer(message).unwrap();
        }
        assert_eq!(
            outbox.take().await,
            b"\x40\x00\x00\x01a\0\0\0\x40\x00\x00\x00"
        );
        outbox.offer(b"next").unwrap();
        assert_eq!(outbox.take().await, b"next");
    }

    #[test]
    fn the_backlog_is_bounded_but_takes_any_first_message() {
        let outbox = Outbox::default();
        outbox.offer(&vec![0; BACKLOG - 4]).unwrap();
        outbox.offer(&[0; 4]).unwrap();
        assert_eq!(outbox.offer(&[0; 1]), Err(Full));
        let other = Outbox::default();
        other.offer(&vec![0; 65_552]).unwrap();
        assert_eq!(other.offer(&[0; 1]), Err(Full));
    }
}
