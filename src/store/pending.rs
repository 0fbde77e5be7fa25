//! A message on its way to disk.
//!
//! ```text
//! waiting ──▶ taken       the writer has it in its group; its completion hears the outcome
//!    └──────▶ withdrawn   it reached its recipient first; nothing is written, nobody is told
//! ```

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::StoreError;
use super::record::StoredMessage;

/// A message that is to be stored.
pub type NewMessage = StoredMessage;

/// Hears how a write went.
pub(super) type Completion = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A message on its way to disk, which its recipient's acknowledgement may still make unnecessary.
pub struct PendingWrite {
    state: Mutex<State>,
    bytes: usize,
    load: Arc<Load>,
}

enum State {
    Waiting(Write),
    Taken,
    Withdrawn,
}

/// A message with the one who waits for it.
pub(super) struct Write {
    pub(super) message: NewMessage,
    pub(super) completion: Completion,
}

/// What became of a withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withdrawal {
    /// The message isn't written and won't be. Its completion is never called.
    Spared,
    /// The writer has it, or had it: it must be removed like any stored message.
    AlreadyWritten,
}

impl PendingWrite {
    pub(super) fn new(message: NewMessage, completion: Completion, load: Arc<Load>) -> Self {
        let bytes = message.payload.len();
        load.add(bytes);
        Self {
            state: Mutex::new(State::Waiting(Write {
                message,
                completion,
            })),
            bytes,
            load,
        }
    }

    /// Takes the message back before it is written, if there is still time. Its memory is freed.
    pub fn withdraw(&self) -> Withdrawal {
        let mut state = self.state();
        let before = match &*state {
            State::Waiting(_) => std::mem::replace(&mut *state, State::Withdrawn),
            State::Taken => return Withdrawal::AlreadyWritten,
            State::Withdrawn => return Withdrawal::Spared,
        };
        drop(state);
        self.load.subtract(self.bytes);
        drop(before);
        Withdrawal::Spared
    }

    /// Hands the message to the writer, unless somebody was faster.
    pub(super) fn take(&self) -> Option<Write> {
        let mut state = self.state();
        if !matches!(*state, State::Waiting(_)) {
            return None;
        }
        let before = std::mem::replace(&mut *state, State::Taken);
        drop(state);
        self.load.subtract(self.bytes);
        match before {
            State::Waiting(write) => Some(write),
            State::Taken | State::Withdrawn => None,
        }
    }

    /// Whether it still waits.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(*self.state(), State::Waiting(_))
    }

    /// The length of the payload.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PendingWrite {
    fn drop(&mut self) {
        if self.is_waiting() {
            self.load.subtract(self.bytes);
        }
    }
}

impl fmt::Debug for PendingWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &*self.state() {
            State::Waiting(_) => "waiting",
            State::Taken => "taken",
            State::Withdrawn => "withdrawn",
        };
        write!(f, "PendingWrite({state}, {} bytes)", self.bytes)
    }
}

/// How much waits to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Messages neither taken by the writer nor withdrawn.
    pub messages: u64,
    /// The bytes of their payloads.
    pub bytes: u64,
}

/// The running total behind [`Backlog`].
#[derive(Debug, Default)]
pub(super) struct Load {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Load {
    pub(super) fn backlog(&self) -> Backlog {
        Backlog {
            messages: self.messages.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }

    fn add(&self, bytes: usize) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn subtract(&self, bytes: usize) {
        self.messages.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes as u64, Ordering::Relaxed);
    }
}
