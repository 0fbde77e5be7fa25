//! What the daemon says over a WebSocket in the dialect `privcomm.v1` (PROTOCOL.md §5, §7.3).
//!
//! Frames are built from checked values only: nothing that a client sends can become a `type` or
//! a `sender_id`.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;

use super::code::Code;
use crate::base::{CallId, MessageId, Timestamp, UserId};

/// Close codes (PROTOCOL.md §5; below 4000: RFC 6455 §7.4.1).
pub mod close {
    /// The session ended as it should.
    pub const NORMAL: u16 = 1000;
    /// A frame that WebSocket doesn't allow.
    pub const PROTOCOL: u16 = 1002;
    /// A frame of a kind that isn't taken here: binary.
    pub const UNSUPPORTED: u16 = 1003;
    /// A text frame that isn't UTF-8.
    pub const NOT_TEXT: u16 = 1007;
    /// Not, or no longer, authenticated.
    pub const POLICY: u16 = 1008;
    /// A frame or message over the limit.
    pub const TOO_LARGE: u16 = 1009;
    /// The daemon is restarting.
    pub const RESTART: u16 = 1012;
    /// At capacity, or the client reads too slowly.
    pub const TRY_LATER: u16 = 1013;
    /// The account was suspended or deleted.
    pub const ACCOUNT_GONE: u16 = 4403;
    /// A newer session of this user took over.
    pub const REPLACED: u16 = 4409;
    /// Too many frames.
    pub const TOO_MANY_FRAMES: u16 = 4429;
}

/// One frame to a client.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reply<'a> {
    /// The session stands.
    Ready {
        /// Whose it is.
        user_id: UserId,
        /// Messages waiting.
        pending: usize,
        /// Seconds between the daemon's pings.
        heartbeat_interval: u64,
        /// One-time prekeys left at the daemon.
        one_time_prekeys_remaining: usize,
        /// The daemon's time.
        server_time: Timestamp,
        /// Rises when a backup was restored.
        epoch: u64,
    },
    /// A message.
    EncryptedMessage {
        /// Its id, unique with its sender.
        message_id: MessageId,
        /// Who sent it.
        sender_id: UserId,
        /// Ciphertext in base64.
        payload: &'a str,
        /// When it was accepted.
        timestamp: Timestamp,
    },
    /// A message is safe: on disk, or with its recipient.
    MessageAccepted {
        /// The sender's name for it, where it had one.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// Its id.
        message_id: MessageId,
        /// Where it is safe.
        status: MessageStatus,
        /// When it was accepted.
        timestamp: Timestamp,
    },
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
        user_id: UserId,
    },
    /// A contact is there now, or isn't. Until told otherwise, nobody is.
    Presence {
        /// Who.
        user_id: UserId,
        /// Whether they are there.
        online: bool,
    },
    /// A call rings, or is renegotiated.
    CallOffer {
        /// Who calls.
        sender_id: UserId,
        /// The call.
        call_id: CallId,
        /// Opaque.
        sdp: &'a RawValue,
    },
    /// A call was answered, or a renegotiation.
    CallAnswer {
        /// Who answered.
        sender_id: UserId,
        /// The call.
        call_id: CallId,
        /// Opaque.
        sdp: &'a RawValue,
    },
    /// A way to reach the other party.
    IceCandidate {
        /// Whose.
        sender_id: UserId,
        /// The call.
        call_id: CallId,
        /// Opaque.
        candidate: &'a RawValue,
    },
    /// The callee declined.
    CallReject {
        /// Who.
        sender_id: UserId,
        /// The call.
        call_id: CallId,
        /// Why.
        reason: &'a str,
    },
    /// The other party, or the daemon, ended the call.
    CallEnd {
        /// The other party.
        sender_id: UserId,
        /// The call.
        call_id: CallId,
        /// Why.
        reason: &'a str,
    },
    /// Where a call stands.
    CallState {
        /// The call.
        call_id: CallId,
        /// The other party.
        peer_id: UserId,
        /// `ringing`, `connected` or `ended`.
        state: &'a str,
        /// Why it ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// The answer to `ping`.
    Pong {
        /// What came with it.
        #[serde(skip_serializing_if = "Option::is_none")]
        t: Option<&'a RawValue>,
    },
    /// Something went wrong; the session goes on unless the socket closes.
    Error {
        /// The stable code.
        code: Code,
        /// What is wrong and what to do about it.
        detail: &'a str,
        /// The `id` of the frame this is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a str>,
        /// The call this is about.
        #[serde(skip_serializing_if = "Option::is_none")]
        call_id: Option<&'a str>,
        /// Seconds until a retry makes sense.
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
    },
}

/// Where an accepted message is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageStatus {
    /// Committed to disk and synced.
    Queued,
    /// Acknowledged by its recipient.
    Delivered,
}

impl Reply<'_> {
    /// The frame's text.
    pub fn encode(&self) -> String {
        if let Self::EncryptedMessage {
            message_id,
            sender_id,
            payload,
            timestamp,
        } = self
            && is_plain(payload)
        {
            return message(*message_id, *sender_id, payload, *timestamp);
        }
        #[expect(clippy::expect_used, reason = "no map has a key that isn't a string")]
        serde_json::to_string(self).expect("every reply is JSON")
    }
}

/// Whether `text` stands between quotes as it is. Ciphertext in base64 always does.
fn is_plain(text: &str) -> bool {
    // No early end, so that many characters are looked at at once.
    let odd = text.bytes().fold(0, |odd, byte| {
        odd | u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\')
    });
    odd == 0
}

/// The commonest frame by far, written without looking for what must be escaped.
fn message(id: MessageId, sender: UserId, payload: &str, timestamp: Timestamp) -> String {
    /// What there is besides the payload, with room to spare.
    const FRAME: usize = 256;
    let mut text = String::with_capacity(FRAME + payload.len());
    // Writing to a String has no way to fail.
    let _ = write!(
        text,
        r#"{{"type":"encrypted_message","message_id":"{id}","sender_id":"{sender}","payload":""#
    );
    text.push_str(payload);
    let _ = write!(text, r#"","timestamp":"{timestamp}"}}"#);
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user() -> UserId {
        "7c9e6679-7425-40de-944b-e07fc1f90ae7".parse().unwrap()
    }

    fn id() -> MessageId {
        "16fd2706-8baf-433b-82eb-8c7fada847da".parse().unwrap()
    }

    #[test]
    fn frames_are_written_as_the_protocol_says() {
        let timestamp = Timestamp::from_millis(1_795_219_200_000);
        let golden: [(Reply<'_>, &str); 7] = [
            (
                Reply::EncryptedMessage {
                    message_id: id(),
                    sender_id: user(),
                    payload: "aGk=",
                    timestamp,
                },
                r#"{"type":"encrypted_message","message_id":"16fd2706-8baf-433b-82eb-8c7fada847da","sender_id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","payload":"aGk=","timestamp":"2026-11-21T00:00:00.000Z"}"#,
            ),
            (
                Reply::MessageAccepted {
                    id: Some(id()),
                    message_id: id(),
                    status: MessageStatus::Queued,
                    timestamp,
                },
                r#"{"type":"message_accepted","id":"16fd2706-8baf-433b-82eb-8c7fada847da","message_id":"16fd2706-8baf-433b-82eb-8c7fada847da","status":"queued","timestamp":"2026-11-21T00:00:00.000Z"}"#,
            ),
            (Reply::QueueDrained, r#"{"type":"queue_drained"}"#),
            (
                Reply::PrekeysLow { remaining: 19 },
                r#"{"type":"prekeys_low","remaining":19}"#,
            ),
            (
                Reply::Presence {
                    user_id: user(),
                    online: true,
                },
                r#"{"type":"presence","user_id":"7c9e6679-7425-40de-944b-e07fc1f90ae7","online":true}"#,
            ),
            (Reply::Pong { t: None }, r#"{"type":"pong"}"#),
            (
                Reply::Error {
                    code: Code::QueueFull,
                    detail: "d",
                    id: Some("7"),
                    call_id: None,
                    retry_after: None,
                },
                r#"{"type":"error","code":"queue_full","detail":"d","id":"7"}"#,
            ),
        ];
        for (reply, text) in golden {
            assert_eq!(reply.encode(), text);
        }
    }

    #[test]
    fn opaque_content_is_passed_on_as_it_came() {
        let sdp = RawValue::from_string(r#"{"type":"offer",  "sender_id":"forged"}"#.into());
        let sdp = sdp.unwrap();
        let call: CallId = id().to_string().parse().unwrap();
        let text = Reply::CallOffer {
            sender_id: user(),
            call_id: call,
            sdp: &sdp,
        }
        .encode();
        assert!(text.ends_with(r#""sdp":{"type":"offer",  "sender_id":"forged"}}"#));
        assert!(text.starts_with(r#"{"type":"call_offer","sender_id":"7c9e"#));
    }

    proptest! {
        #[test]
        fn the_short_way_writes_what_the_long_way_does(
            payload in prop_oneof!["[A-Za-z0-9+/=]{0,40}", ".{0,40}"],
            millis in 0u64..1 << 42,
        ) {
            let reply = Reply::EncryptedMessage {
                message_id: id(),
                sender_id: user(),
                payload: &payload,
                timestamp: Timestamp::from_millis(millis),
            };
            prop_assert_eq!(reply.encode(), serde_json::to_string(&reply).unwrap());
        }
    }
}
