//! The dialect `privcomm.v1` (PROTOCOL.md §5, §7.3).

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::error::{code, retry_after};
use crate::base::{CallId, MessageId, UserId};
use crate::calls::{CallEvent, Payload, Reason, Refusal, Signal};
use crate::messenger::{Error, Event, Session};
use crate::wire::code::retry_after_seconds;
use crate::wire::frame::{BadFrame, ClientFrame, MessageFrame};
use crate::wire::reply::Reply;
use crate::wire::{Code, JsonError};

/// Bytes of a frame that may stay in memory with its payload.
const MOST_BESIDE: usize = 512;

/// Does what a frame asks for. Gives the frame to answer with at once, if there is one.
pub(super) async fn hear(session: &Session, text: &Utf8Bytes) -> Option<String> {
    match ClientFrame::parse(text) {
        Ok(frame) => take(session, text.as_ref(), frame).await,
        Err(bad) => Some(malformed(&bad)),
    }
}

/// The same for a frame that was read: `text` is what it was read from.
pub(super) async fn take(
    session: &Session,
    text: &Bytes,
    frame: ClientFrame<'_>,
) -> Option<String> {
    match frame {
        ClientFrame::Message(message) => send(session, text, message).await,
        ClientFrame::Ack { message_ids } => {
            session.acknowledge(&message_ids);
            None
        }
        ClientFrame::Call(frame) => {
            let call = frame.call;
            let failed = Box::pin(session.signal(frame)).await.err()?;
            Some(error(
                &failed,
                None,
                call.map(|call| call.to_string()).as_deref(),
            ))
        }
        ClientFrame::Ping { t } => Some(Reply::Pong { t }.encode()),
        ClientFrame::Auth { .. } => Some(error(
            &Error::field("type", "this session is authenticated already"),
            None,
            None,
        )),
    }
}

async fn send(session: &Session, frame: &Bytes, message: MessageFrame<'_>) -> Option<String> {
    // A payload without escapes is a part of the frame and isn't copied, unless it would keep much
    // else in memory that nobody counts.
    let payload = match message.payload {
        Cow::Borrowed(text) if frame.len() <= text.len() + MOST_BESIDE => {
            frame.slice_ref(text.as_bytes())
        }
        Cow::Borrowed(text) => Bytes::copy_from_slice(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    };
    let failed = session
        .send(message.id, message.recipient, payload)
        .await
        .err()?;
    Some(error(&failed, message.id, None))
}

/// The frames that tell who is there, or isn't.
pub(super) fn presence(about: &[UserId], online: bool) -> impl Iterator<Item = String> {
    about.iter().map(move |user_id| {
        let user_id = *user_id;
        Reply::Presence { user_id, online }.encode()
    })
}

/// The frame that tells of any other event, if it is one that clients are told of.
pub(super) fn tell(event: Event) -> Option<String> {
    let text = match event {
        Event::Message(letter) => {
            // Checked to be base64 when it came in.
            let payload = std::str::from_utf8(&letter.payload).ok()?;
            Reply::EncryptedMessage {
                message_id: letter.message_id,
                sender_id: letter.sender,
                payload,
                timestamp: letter.timestamp,
            }
            .encode()
        }
        Event::Accepted { id, receipt } => Reply::MessageAccepted {
            id,
            message_id: receipt.message_id,
            status: receipt.status,
            timestamp: receipt.timestamp,
        }
        .encode(),
        Event::Failed { id, error: failed } => error(&failed, id, None),
        Event::QueueDrained => Reply::QueueDrained.encode(),
        Event::PrekeysLow { remaining } => Reply::PrekeysLow { remaining }.encode(),
        Event::IdentityChanged { user } => Reply::IdentityChanged { user_id: user }.encode(),
        Event::Call { call, peer, event } => call_event(call, peer, &event)?,
        Event::CallRefused { call, refusal } => refused(call, refusal),
        Event::Refill | Event::Presence { .. } => return None,
    };
    Some(text)
}

fn error(error: &Error, id: Option<MessageId>, call_id: Option<&str>) -> String {
    let id = id.map(|id| id.to_string());
    let reply = Reply::Error {
        code: error.code(),
        detail: &error.detail(),
        id: id.as_deref(),
        call_id,
        retry_after: error.retry_after().map(retry_after_seconds),
    };
    reply.encode()
}

/// The answer to a frame that could not be read.
pub(super) fn malformed(bad: &BadFrame) -> String {
    let code = match bad.error {
        JsonError::Malformed { .. } => Code::InvalidJson,
        JsonError::Field { .. } => Code::InvalidField,
    };
    let reply = Reply::Error {
        code,
        detail: &bad.error.to_string(),
        id: bad.id.as_deref(),
        call_id: bad.call_id.as_deref(),
        retry_after: None,
    };
    reply.encode()
}

fn call_event(call: CallId, peer: UserId, event: &CallEvent) -> Option<String> {
    let with_sdp = |sdp: &Payload, reply: fn(UserId, CallId, &RawValue) -> String| {
        let sdp: &RawValue = serde_json::from_str(sdp.as_json()).ok()?;
        Some(reply(peer, call, sdp))
    };
    match event {
        CallEvent::Incoming { sdp: Some(sdp) } | CallEvent::Signal(Signal::Offer(sdp)) => {
            with_sdp(sdp, |sender_id, call_id, sdp| {
                Reply::CallOffer {
                    sender_id,
                    call_id,
                    sdp,
                }
                .encode()
            })
        }
        CallEvent::Incoming { sdp: None } => Some(state(call, peer, "ringing", None)),
        CallEvent::Signal(Signal::Answer(sdp)) => with_sdp(sdp, |sender_id, call_id, sdp| {
            Reply::CallAnswer {
                sender_id,
                call_id,
                sdp,
            }
            .encode()
        }),
        CallEvent::Signal(Signal::Candidate(candidate)) => {
            with_sdp(candidate, |sender_id, call_id, candidate| {
                Reply::IceCandidate {
                    sender_id,
                    call_id,
                    candidate,
                }
                .encode()
            })
        }
        CallEvent::Rejected(reason) => {
            let reason = reason.as_str();
            Some(
                Reply::CallReject {
                    sender_id: peer,
                    call_id: call,
                    reason,
                }
                .encode(),
            )
        }
        CallEvent::Ended(reason) => {
            let reason = reason.as_str();
            Some(
                Reply::CallEnd {
                    sender_id: peer,
                    call_id: call,
                    reason,
                }
                .encode(),
            )
        }
        CallEvent::State(now) => Some(state(call, peer, now.as_str(), now.reason())),
    }
}

fn state(call: CallId, peer: UserId, state: &str, reason: Option<Reason>) -> String {
    let reason = reason.map(Reason::as_str);
    Reply::CallState {
        call_id: call,
        peer_id: peer,
        state,
        reason,
    }
    .encode()
}

fn refused(call: Option<CallId>, refusal: Refusal) -> String {
    let call = call.map(|call| call.to_string());
    let reply = Reply::Error {
        code: code(refusal),
        detail: &refusal.to_string(),
        id: None,
        call_id: call.as_deref(),
        retry_after: retry_after(refusal),
    };
    reply.encode()
}
