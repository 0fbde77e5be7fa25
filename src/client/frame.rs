//! What is said to a server over a WebSocket, and heard from it (PROTOCOL.md §5, §7.3): the other
//! side of `wire::frame` and `wire::reply`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::{CallId, MessageId, Private, Timestamp, UserId};
use crate::wire::Code;
use crate::wire::reply::MessageStatus;

/// A frame to the server.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Said<'a> {
    Auth {
        token: &'a str,
    },
    EncryptedMessage {
        id: MessageId,
        recipient_id: UserId,
        payload: &'a str,
    },
    Ack {
        message_ids: &'a [MessageId],
    },
    CallOffer {
        recipient_id: UserId,
        call_id: CallId,
        sdp: &'a str,
    },
    CallAnswer {
        recipient_id: UserId,
        call_id: CallId,
        sdp: &'a str,
    },
    IceCandidate {
        recipient_id: UserId,
        call_id: CallId,
        candidate: &'a str,
    },
    CallReject {
        recipient_id: UserId,
        call_id: CallId,
    },
    CallEnd {
        recipient_id: UserId,
        call_id: CallId,
    },
}

impl Said<'_> {
    pub(super) fn to_text(&self) -> String {
        #[expect(clippy::expect_used, reason = "no map has a key that isn't a string")]
        serde_json::to_string(self).expect("every frame is JSON")
    }
}

/// A frame from the server. What isn't known is let go: the server may be newer.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Heard {
    Ready {
        user_id: UserId,
        pending: usize,
        heartbeat_interval: u64,
    },
    EncryptedMessage {
        message_id: MessageId,
        sender_id: UserId,
        payload: Private<String>,
        timestamp: Timestamp,
    },
    MessageAccepted {
        message_id: MessageId,
        status: MessageStatus,
    },
    QueueDrained,
    PrekeysLow,
    IdentityChanged {
        user_id: UserId,
    },
    CallOffer {
        sender_id: UserId,
        call_id: CallId,
        sdp: Value,
    },
    CallAnswer {
        sender_id: UserId,
        call_id: CallId,
        sdp: Value,
    },
    IceCandidate {
        sender_id: UserId,
        call_id: CallId,
        candidate: Value,
    },
    CallState {
        call_id: CallId,
        peer_id: UserId,
        state: String,
        reason: Option<String>,
    },
    Error {
        code: Code,
        id: Option<String>,
        call_id: Option<String>,
        retry_after: Option<u64>,
    },
    #[serde(other)]
    Other,
}
