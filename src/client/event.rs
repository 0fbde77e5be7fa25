//! What a client tells the program that uses it.

use serde::{Deserialize, Serialize};

use crate::base::{CallId, MessageId, Private, Timestamp, UserId};
use crate::e2ee::ReceiptState;
use crate::wire::Code;
use crate::wire::reply::MessageStatus;

/// Something that happened.
///
/// Messages, what became of them, and changed identities are kept until the program asks for what
/// comes after them: see [`Inbox`](super::Inbox). The rest is told as it happens, or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Somebody wrote something.
    Message {
        /// Who.
        from: UserId,
        /// The message, by the id that receipts name.
        id: MessageId,
        /// What they wrote.
        text: Private<String>,
        /// When they say that they wrote it.
        written: Timestamp,
        /// When the server took it. Where the two are far apart, `written` is only a claim.
        accepted: Timestamp,
    },
    /// A message could not be decrypted.
    Unreadable {
        /// From whom the server says it is.
        from: UserId,
        /// When the server took it.
        accepted: Timestamp,
    },
    /// A message of a kind that a later version knows.
    Unsupported {
        /// Who sent it.
        from: UserId,
        /// The message.
        id: MessageId,
        /// When the server took it.
        accepted: Timestamp,
    },
    /// Messages of ours arrived, or were read.
    Receipt {
        /// Who says so.
        from: UserId,
        /// Which messages, by the ids that sending them gave.
        ids: Vec<MessageId>,
        /// What became of them.
        state: ReceiptState,
    },
    /// Somebody's safety number changed. Nothing is sent to them before it is decided what to think
    /// of it: [`Client::accept_identity`](super::Client::accept_identity) and its neighbours.
    IdentityChanged {
        /// Whose.
        peer: UserId,
    },
    /// The server won't take a message of ours, ever.
    Refused {
        /// For whom it was.
        to: UserId,
        /// The message.
        id: MessageId,
        /// The server's word for why.
        code: Code,
    },
    /// The server has a message of ours safe.
    Accepted {
        /// For whom it is.
        to: UserId,
        /// The message.
        id: MessageId,
        /// Whether it even reached its recipient.
        status: MessageStatus,
    },
    /// Something about a call.
    Call {
        /// The call.
        call: CallId,
        /// The other party.
        peer: UserId,
        /// What.
        #[serde(flatten)]
        step: CallEvent,
    },
    /// The session with the server stands.
    Connected {
        /// How many messages wait there.
        pending: usize,
    },
    /// What waited at the server when the session began has been read.
    CaughtUp,
    /// The session ended. It is begun again by itself.
    Disconnected,
    /// The session ended, and isn't begun again.
    Ended {
        /// Why.
        why: End,
    },
}

/// A step of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallEvent {
    /// They call.
    Offered {
        /// Their session description.
        description: Private<String>,
    },
    /// They, or we, are being rung.
    Ringing,
    /// They answered.
    Answered {
        /// Their session description.
        description: Private<String>,
    },
    /// They renegotiate the call; answer it again.
    Renegotiated {
        /// Their session description.
        description: Private<String>,
    },
    /// A way to reach them.
    Candidate {
        /// As JSON.
        candidate: Private<String>,
    },
    /// Both sides agreed.
    Connected,
    /// It is over.
    Ended {
        /// The server's word for why.
        reason: String,
    },
    /// The server refused a step of ours.
    Refused {
        /// Its word for why.
        code: Code,
    },
}

/// Why no session is begun any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// A newer session of this account took over.
    Replaced,
    /// The account was suspended or deleted.
    AccountGone,
    /// The server doesn't take this account's signature: it knows another key, or no such account.
    NotAuthenticated,
    /// The server has another identity key for this account. It was replaced, or the server lies.
    OwnIdentity,
    /// What must be kept can't be kept.
    Storage,
}
