//! What a session is told, whichever dialect it speaks.

use bytes::Bytes;

use super::error::Error;
use crate::base::{CallId, MessageId, Timestamp, UserId};
use crate::calls::{CallEvent, Refusal};
use crate::hub::Weigh;
use crate::wire::reply::MessageStatus;

/// Something for one session to write, or to do.
#[derive(Debug, Clone)]
pub enum Event {
    /// A message came in.
    Message(Letter),
    /// A message of this user's is safe.
    Accepted {
        /// The client's name for it, where it gave one.
        id: Option<MessageId>,
        /// Where and when.
        receipt: Receipt,
    },
    /// A message of this user's could not be made safe.
    Failed {
        /// The client's name for it, where it gave one.
        id: Option<MessageId>,
        /// Why.
        error: Error,
    },
    /// There is room in the window and more in the queue: the session should ask for it.
    Refill,
    /// The backlog that stood at connect has all been sent.
    QueueDrained,
    /// One-time prekeys run low.
    PrekeysLow {
        /// How many are left.
        remaining: usize,
    },
    /// A contact has a new identity key.
    IdentityChanged {
        /// Who.
        user: UserId,
    },
    /// Contacts are there now, or aren't.
    Presence {
        /// Who.
        about: Vec<UserId>,
        /// Whether they are there.
        online: bool,
    },
    /// Something happened in a call.
    Call {
        /// Which.
        call: CallId,
        /// The other party, from whom it comes unless it is a state.
        peer: UserId,
        /// What.
        event: CallEvent,
    },
    /// A step in a call was refused, and has changed nothing.
    CallRefused {
        /// The call in question, where there is one.
        call: Option<CallId>,
        /// Why.
        refusal: Refusal,
    },
}

/// A message on its way to its recipient.
#[derive(Debug, Clone)]
pub struct Letter {
    /// Its id, unique with its sender.
    pub message_id: MessageId,
    /// Who sent it.
    pub sender: UserId,
    /// When it was accepted.
    pub timestamp: Timestamp,
    /// Ciphertext: base64 text, checked when it came in.
    pub payload: Bytes,
}

/// That a message is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Its id.
    pub message_id: MessageId,
    /// Where it is safe.
    pub status: MessageStatus,
    /// When it was accepted.
    pub timestamp: Timestamp,
}

impl Weigh for Event {
    fn weight(&self) -> usize {
        let content = match self {
            Self::Message(letter) => letter.payload.len(),
            Self::Call {
                event: CallEvent::Incoming { sdp: Some(sdp) },
                ..
            } => sdp.as_json().len(),
            Self::Call {
                event: CallEvent::Signal(signal),
                ..
            } => signal.payload().as_json().len(),
            Self::Presence { about, .. } => size_of_val(about.as_slice()),
            _ => 0,
        };
        size_of::<Self>() + content
    }
}
