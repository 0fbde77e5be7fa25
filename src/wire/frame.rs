//! What a client may say over its WebSocket in the dialect `privcomm.v1` (PROTOCOL.md §5, §7.3).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::json::{self, JsonError, Name, Outline};
use crate::base::{CallId, MessageId, UserId};

/// Message ids in one `ack`, at most.
pub const MAX_ACKED: usize = 1000;

/// One frame of a client, its parts borrowed from the text.
#[derive(Debug)]
pub enum ClientFrame<'a> {
    /// The first frame of a socket that authenticates by frame.
    Auth {
        /// The bearer token.
        token: Cow<'a, str>,
    },
    /// A message for somebody.
    Message(MessageFrame<'a>),
    /// Messages that arrived safely and may be deleted.
    Ack {
        /// Which.
        message_ids: Vec<MessageId>,
    },
    /// A step of a call.
    Call(CallFrame<'a>),
    /// Asks for a `pong`.
    Ping {
        /// Anything, to be sent back as it is.
        t: Option<&'a RawValue>,
    },
}

/// `encrypted_message` as a client sends it.
#[derive(Debug)]
pub struct MessageFrame<'a> {
    /// The sender's name for it, which makes a retry harmless.
    pub id: Option<MessageId>,
    /// For whom.
    pub recipient: UserId,
    /// Ciphertext in base64, not yet checked.
    pub payload: Cow<'a, str>,
}

/// A step of a call.
#[derive(Debug)]
pub struct CallFrame<'a> {
    /// Which step.
    pub step: CallStep<'a>,
    /// The other party.
    pub peer: UserId,
    /// Which call; without it, the sender's one live call with that peer.
    pub call: Option<CallId>,
}

/// The steps of a call, with what they carry: opaque JSON, a string or an object.
#[derive(Debug, Clone, Copy)]
pub enum CallStep<'a> {
    /// `call_offer`
    Offer(&'a RawValue),
    /// `call_answer`
    Answer(&'a RawValue),
    /// `ice_candidate`
    Candidate(&'a RawValue),
    /// `call_reject`
    Reject,
    /// `call_end`
    End,
}

/// A frame that could not be read, and what it was about as far as that can be told.
#[derive(Debug)]
pub struct BadFrame {
    /// What is wrong with it.
    pub error: JsonError,
    /// Its `id`, to send back with the error.
    pub id: Option<String>,
    /// Its `call_id`, to send back with the error.
    pub call_id: Option<String>,
}

/// The longest `id` or `call_id` that is sent back with an error.
const MAX_ECHOED: usize = 64;

impl<'a> ClientFrame<'a> {
    /// Reads one text frame.
    pub fn parse(text: &'a str) -> Result<Self, BadFrame> {
        let outline = json::outline(text).map_err(|error| BadFrame {
            error,
            id: None,
            call_id: None,
        })?;
        Self::of_outline(text, &outline)
    }

    /// Reads one text frame whose shape was checked.
    pub(super) fn of_outline(text: &'a str, outline: &Outline<'_>) -> Result<Self, BadFrame> {
        Self::of_kind(text, outline).map_err(|error| BadFrame {
            error,
            id: echo(outline.id.as_deref()),
            call_id: echo(outline.call_id.as_deref()),
        })
    }

    fn of_kind(text: &'a str, outline: &Outline<'_>) -> Result<Self, JsonError> {
        match outline.kind.as_deref() {
            Some("encrypted_message") => message(text),
            Some("ack") => acknowledgement(text),
            Some("call_offer") => sdp(text, CallStep::Offer),
            Some("call_answer") => sdp(text, CallStep::Answer),
            Some("ice_candidate") => candidate(text),
            Some("call_reject") => bare(text, CallStep::Reject),
            Some("call_end") => bare(text, CallStep::End),
            Some("ping") => ping(text),
            Some("auth") => auth(text),
            Some(_) => Err(field("type", "not a type that clients send")),
            None => Err(field(
                "type",
                "expected an object with a string member \"type\"",
            )),
        }
    }
}

fn field(name: &str, problem: &'static str) -> JsonError {
    JsonError::Field {
        field: name.to_owned(),
        problem,
    }
}

fn echo(id: Option<&str>) -> Option<String> {
    id.filter(|id| id.len() <= MAX_ECHOED).map(str::to_owned)
}

fn message(text: &str) -> Result<ClientFrame<'_>, JsonError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        id: Option<MessageId>,
        recipient_id: UserId,
        #[serde(borrow)]
        payload: Name<'a>,
    }
    let body: Body<'_> = json::parse_checked(text)?;
    Ok(ClientFrame::Message(MessageFrame {
        id: body.id,
        recipient: body.recipient_id,
        payload: body.payload.0,
    }))
}

fn acknowledgement(text: &str) -> Result<ClientFrame<'_>, JsonError> {
    #[derive(Deserialize)]
    struct Body {
        message_ids: Vec<MessageId>,
    }
    let Body { message_ids } = json::parse_checked(text)?;
    if message_ids.len() > MAX_ACKED {
        return Err(field("message_ids", "expected at most 1000 ids"));
    }
    Ok(ClientFrame::Ack { message_ids })
}

fn sdp<'a>(
    text: &'a str,
    step: impl FnOnce(&'a RawValue) -> CallStep<'a>,
) -> Result<ClientFrame<'a>, JsonError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        recipient_id: UserId,
        call_id: Option<CallId>,
        #[serde(borrow)]
        sdp: &'a RawValue,
    }
    let body: Body<'a> = json::parse_checked(text)?;
    let step = step(opaque("sdp", body.sdp)?);
    Ok(ClientFrame::Call(CallFrame {
        step,
        peer: body.recipient_id,
        call: body.call_id,
    }))
}

fn candidate(text: &str) -> Result<ClientFrame<'_>, JsonError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        recipient_id: UserId,
        call_id: Option<CallId>,
        #[serde(borrow)]
        candidate: &'a RawValue,
    }
    let body: Body<'_> = json::parse_checked(text)?;
    let step = CallStep::Candidate(opaque("candidate", body.candidate)?);
    Ok(ClientFrame::Call(CallFrame {
        step,
        peer: body.recipient_id,
        call: body.call_id,
    }))
}

/// Signaling content is a string or an object; what is in it is the clients' own affair.
fn opaque<'a>(name: &str, value: &'a RawValue) -> Result<&'a RawValue, JsonError> {
    if value.get().starts_with(['"', '{']) {
        Ok(value)
    } else {
        Err(field(name, "expected a string or an object"))
    }
}

fn bare<'a>(text: &'a str, step: CallStep<'a>) -> Result<ClientFrame<'a>, JsonError> {
    #[derive(Deserialize)]
    struct Body {
        recipient_id: UserId,
        call_id: Option<CallId>,
    }
    let body: Body = json::parse_checked(text)?;
    Ok(ClientFrame::Call(CallFrame {
        step,
        peer: body.recipient_id,
        call: body.call_id,
    }))
}

fn ping(text: &str) -> Result<ClientFrame<'_>, JsonError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        t: Option<&'a RawValue>,
    }
    let body: Body<'_> = json::parse_checked(text)?;
    Ok(ClientFrame::Ping { t: body.t })
}

fn auth(text: &str) -> Result<ClientFrame<'_>, JsonError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        token: Name<'a>,
    }
    let body: Body<'_> = json::parse_checked(text)?;
    Ok(ClientFrame::Auth {
        token: body.token.0,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USER: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    fn refused(text: &str) -> (String, Option<String>) {
        let bad = ClientFrame::parse(text).unwrap_err();
        match bad.error {
            JsonError::Field { field, .. } => (field, bad.id),
            JsonError::Malformed { .. } => ("(malformed)".to_owned(), bad.id),
        }
    }

    #[test]
    fn a_message_is_read_without_copying_its_payload() {
        let text = format!(
            r#"{{"type":"encrypted_message","id":"{USER}","recipient_id":"{USER}","payload":"aGk=","sender_id":"x"}}"#
        );
        let Ok(ClientFrame::Message(message)) = ClientFrame::parse(&text) else {
            panic!()
        };
        assert!(matches!(message.payload, Cow::Borrowed("aGk=")));
        assert_eq!(message.recipient.to_string(), USER);
        assert!(message.id.is_some());
    }

    #[test]
    fn an_escaped_payload_is_the_same_payload() {
        let text = format!(
            r#"{{"type":"encrypted_message","recipient_id":"{USER}","payload":"a\/\u002b="}}"#
        );
        let Ok(ClientFrame::Message(message)) = ClientFrame::parse(&text) else {
            panic!()
        };
        assert_eq!((message.payload.as_ref(), message.id), ("a/+=", None));
    }

    #[test]
    fn what_is_wrong_is_named_with_the_id_it_came_with() {
        assert_eq!(refused("{"), ("(malformed)".into(), None));
        assert_eq!(refused("[]").0, "type");
        assert_eq!(
            refused(r#"{"type":"dance","id":"9"}"#),
            ("type".into(), Some("9".into()))
        );
        assert_eq!(
            refused(r#"{"type":"encrypted_message","id":"9","payload":""}"#),
            ("id".into(), Some("9".into()))
        );
        assert_eq!(
            refused(r#"{"type":"ack","message_ids":7}"#).0,
            "message_ids"
        );
        assert_eq!(
            refused(&format!(
                r#"{{"type":"call_offer","recipient_id":"{USER}","sdp":7}}"#
            ))
            .0,
            "sdp"
        );
        let long = "9".repeat(65);
        assert_eq!(refused(&format!(r#"{{"type":"x","id":"{long}"}}"#)).1, None);
    }

    #[test]
    fn a_thousand_ids_are_acknowledged_at_once_and_no_more() {
        let ids = |count: usize| vec![format!("\"{USER}\""); count].join(",");
        let frame = |count| format!(r#"{{"type":"ack","message_ids":[{}]}}"#, ids(count));
        assert!(ClientFrame::parse(&frame(1000)).is_ok());
        assert!(ClientFrame::parse(&frame(1001)).is_err());
    }

    #[test]
    fn signaling_content_stays_as_it_was_written() {
        let text = format!(
            r#"{{"type":"ice_candidate","recipient_id":"{USER}","candidate":{{"b": 1,"a":[]}}}}"#
        );
        let Ok(ClientFrame::Call(call)) = ClientFrame::parse(&text) else {
            panic!()
        };
        let CallStep::Candidate(candidate) = call.step else {
            panic!()
        };
        assert_eq!(candidate.get(), r#"{"b": 1,"a":[]}"#);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in ".{0,200}") {
            let _ = ClientFrame::parse(&text);
        }

        #[test]
        fn mangled_frames_never_panic(at in 0usize..120, byte in any::<char>()) {
            let text = format!(
                r#"{{"type":"call_offer","recipient_id":"{USER}","call_id":"{USER}","sdp":"v=0"}}"#
            );
            let mut mangled = text.chars().collect::<Vec<_>>();
            let at = at % mangled.len();
            mangled[at] = byte;
            let _ = ClientFrame::parse(&mangled.into_iter().collect::<String>());
        }
    }
}
