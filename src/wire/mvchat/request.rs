//! What a client may say in the dialect `mvchat.v1`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::base::{CallId, UserId};
use crate::wire::frame::{BadFrame, ClientFrame};
use crate::wire::json::{self, Envelope, JsonError, Name, Outline};

/// The longest `id` that a frame may have, characters.
const MAX_ID: usize = 64;

/// One frame of a client, its parts borrowed from the text.
#[derive(Debug)]
pub enum MvchatFrame<'a> {
    /// The first frame, or one that asks for ICE servers again.
    Hi {
        /// To be sent back in the answer.
        id: Option<Cow<'a, str>>,
        /// The bearer token; a session that is authenticated already needs none.
        token: Option<Cow<'a, str>>,
    },
    /// A step of a call.
    Call {
        /// To be sent back in the answer.
        id: Option<Cow<'a, str>>,
        /// Which step.
        action: CallAction<'a>,
    },
    /// An object of PROTOCOL.md §5.
    Plain(ClientFrame<'a>),
}

/// The steps of a call.
#[derive(Debug, Clone, Copy)]
pub enum CallAction<'a> {
    /// Calls somebody.
    Initiate(UserId),
    /// Takes the call.
    Answer(CallId),
    /// Won't take the call.
    Reject(CallId),
    /// Hangs up.
    End(CallId),
    /// Passes an SDP on.
    Sdp(CallId, SdpKind, &'a RawValue),
    /// Passes a candidate on.
    Ice(CallId, &'a RawValue),
}

/// The `type` of an SDP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SdpKind {
    /// `offer`
    Offer,
    /// `answer`
    Answer,
}

/// A frame that could not be read, in the words in which that is to be told.
#[derive(Debug)]
pub enum Refused {
    /// By a `ctrl` with code 400.
    Ctrl {
        /// The frame's `id`.
        id: Option<String>,
        /// What is wrong with it.
        error: JsonError,
    },
    /// By an `error` of PROTOCOL.md §5.
    Plain(BadFrame),
}

impl<'a> MvchatFrame<'a> {
    /// Reads one text frame.
    pub fn parse(text: &'a str) -> Result<Self, Refused> {
        let outline = json::outline(text).map_err(|error| Refused::Ctrl { id: None, error })?;
        let Some(envelope) = outline.envelope else {
            return match outline.kind {
                Some(_) => ClientFrame::of_outline(text, &outline)
                    .map(Self::Plain)
                    .map_err(Refused::Plain),
                None => Err(refused(
                    &outline,
                    field("call", "expected hi, call or type"),
                )),
            };
        };
        let read = match envelope {
            Envelope::Hi => hi(text),
            Envelope::Call => call(text),
        };
        read.map_err(|error| refused(&outline, error))
    }
}

fn refused(outline: &Outline<'_>, error: JsonError) -> Refused {
    let id = outline.id.as_deref().filter(|id| id.len() <= MAX_ID);
    let id = id.map(str::to_owned);
    Refused::Ctrl { id, error }
}

fn field(name: &str, problem: &'static str) -> JsonError {
    let field = name.to_owned();
    JsonError::Field { field, problem }
}

fn checked_id(id: Option<Name<'_>>) -> Result<Option<Cow<'_, str>>, JsonError> {
    match id {
        Some(Name(id)) if id.len() > MAX_ID => Err(field("id", "expected at most 64 characters")),
        id => Ok(id.map(|Name(id)| id)),
    }
}

fn hi(text: &str) -> Result<MvchatFrame<'_>, JsonError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        id: Option<Name<'a>>,
        #[serde(borrow)]
        hi: Hi<'a>,
    }
    #[derive(Deserialize)]
    struct Hi<'a> {
        #[serde(borrow)]
        token: Option<Name<'a>>,
    }
    let body: Body<'_> = json::parse_checked(text)?;
    Ok(MvchatFrame::Hi {
        id: checked_id(body.id)?,
        token: body.hi.token.map(|Name(token)| token),
    })
}

fn call(text: &str) -> Result<MvchatFrame<'_>, JsonError> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        id: Option<Name<'a>>,
        #[serde(borrow)]
        call: Step<'a>,
    }
    let body: Body<'_> = json::parse_checked(text)?;
    Ok(MvchatFrame::Call {
        id: checked_id(body.id)?,
        action: action(&body.call)?,
    })
}

#[derive(Deserialize)]
struct Step<'a> {
    #[serde(borrow)]
    action: Name<'a>,
    user: Option<UserId>,
    call_id: Option<CallId>,
    #[serde(borrow)]
    sdp: Option<Description<'a>>,
    #[serde(borrow)]
    candidate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Description<'a> {
    #[serde(rename = "type")]
    kind: SdpKind,
    #[serde(borrow)]
    sdp: &'a RawValue,
}

fn action<'a>(call: &Step<'a>) -> Result<CallAction<'a>, JsonError> {
    const MISSING: &str = "this member is missing";
    let call_id = || call.call_id.ok_or_else(|| field("call.call_id", MISSING));
    Ok(match call.action.0.as_ref() {
        "initiate" => CallAction::Initiate(call.user.ok_or_else(|| field("call.user", MISSING))?),
        "answer" => CallAction::Answer(call_id()?),
        "reject" => CallAction::Reject(call_id()?),
        "end" => CallAction::End(call_id()?),
        "sdp" => {
            let sdp = call.sdp.as_ref();
            let Description { kind, sdp } = sdp.ok_or_else(|| field("call.sdp", MISSING))?;
            CallAction::Sdp(call_id()?, *kind, opaque("call.sdp.sdp", sdp)?)
        }
        "ice" => {
            let candidate = call.candidate;
            let candidate = candidate.ok_or_else(|| field("call.candidate", MISSING))?;
            CallAction::Ice(call_id()?, opaque("call.candidate", candidate)?)
        }
        _ => {
            let problem = "expected initiate, answer, reject, end, sdp or ice";
            return Err(field("call.action", problem));
        }
    })
}

/// Signaling content is a string or an object; what is in it is the clients' own affair.
fn opaque<'a>(name: &str, value: &'a RawValue) -> Result<&'a RawValue, JsonError> {
    if value.get().starts_with(['"', '{']) {
        Ok(value)
    } else {
        Err(field(name, "expected a string or an object"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    fn refused(text: &str) -> (Option<String>, String) {
        match MvchatFrame::parse(text) {
            Err(Refused::Ctrl { id, error }) => match error {
                JsonError::Field { field, .. } => (id, field),
                JsonError::Malformed { .. } => (id, "(malformed)".to_owned()),
            },
            other => panic!("{other:?}"),
        }
    }

    fn action_of(content: &str) -> String {
        let text = format!(r#"{{"id":"1","call":{content}}}"#).replace('U', ID);
        match MvchatFrame::parse(&text) {
            Ok(MvchatFrame::Call { id, action }) => {
                assert_eq!(id.as_deref(), Some("1"));
                format!("{action:?}").replace(ID, "U")
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_six_actions_are_read() {
        let user: UserId = ID.parse().unwrap();
        let initiate = action_of(r#"{"action":"initiate","user":"U"}"#);
        assert_eq!(initiate, format!("{:?}", CallAction::Initiate(user)));
        for (name, shown) in [("answer", "Answer"), ("reject", "Reject"), ("end", "End")] {
            let action = action_of(&format!(r#"{{"action":"{name}","call_id":"U"}}"#));
            assert!(action.starts_with(shown), "{action}");
        }
        let sdp = r#"{"action":"sdp","call_id":"U","sdp":{"type":"answer","sdp":"v=0"}}"#;
        let sdp = action_of(sdp);
        assert!(sdp.contains("Answer") && sdp.contains("v=0"), "{sdp}");
        let ice = action_of(r#"{"action":"ice","call_id":"U","candidate":{"b": 1}}"#);
        assert!(ice.contains(r#"{"b": 1}"#), "{ice}");
    }

    #[test]
    fn what_is_wrong_is_named_with_the_id_it_came_with() {
        let with_id = |field: &str| (Some("1".to_owned()), field.to_owned());
        for (content, field) in [
            ("{}", "call.action"),
            (r#"{"action":"dance"}"#, "call.action"),
            (r#"{"action":"initiate"}"#, "call.user"),
            (r#"{"action":"initiate","user":"bob"}"#, "call.user"),
            (r#"{"action":"end"}"#, "call.call_id"),
            (
                r#"{"action":"sdp","sdp":{"type":"x","sdp":""}}"#,
                "call.sdp.type",
            ),
            (r#"{"action":"sdp"}"#, "call.sdp"),
            (r#"{"action":"ice"}"#, "call.candidate"),
            ("7", "call"),
        ] {
            let text = format!(r#"{{"id":"1","call":{content}}}"#);
            assert_eq!(refused(&text), with_id(field), "{content}");
        }
        let number = format!(
            r#"{{"id":"1","call":{{"action":"sdp","call_id":"{ID}","sdp":{{"type":"offer","sdp":7}}}}}}"#
        );
        assert_eq!(refused(&number), with_id("call.sdp.sdp"));
        assert_eq!(refused(r#"{"id":"1"}"#), with_id("call"));
        assert_eq!(refused(r#"{"id":1,"hi":{}}"#), (None, "id".to_owned()));
        assert_eq!(refused("{").1, "(malformed)");
        let long = format!(r#"{{"id":"{}","hi":{{}}}}"#, "9".repeat(65));
        assert_eq!(refused(&long), (None, "id".to_owned()));
        let most = format!(r#"{{"id":"{}","hi":{{}}}}"#, "9".repeat(64));
        assert!(MvchatFrame::parse(&most).is_ok());
    }

    #[test]
    fn objects_of_the_other_dialect_are_read_as_such() {
        let ping = MvchatFrame::parse(r#"{"type":"ping","t":1}"#);
        assert!(matches!(
            ping,
            Ok(MvchatFrame::Plain(ClientFrame::Ping { .. }))
        ));
        let bad = MvchatFrame::parse(r#"{"type":"dance"}"#);
        assert!(matches!(bad, Err(Refused::Plain(_))));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in ".{0,200}") {
            let _ = MvchatFrame::parse(&text);
        }

        #[test]
        fn mangled_frames_never_panic(at in 0usize..160, byte in any::<char>()) {
            let text = format!(
                r#"{{"id":"5","call":{{"action":"sdp","call_id":"{ID}","sdp":{{"type":"offer","sdp":"v=0"}}}}}}"#
            );
            let mut mangled = text.chars().collect::<Vec<_>>();
            let at = at % mangled.len();
            mangled[at] = byte;
            let _ = MvchatFrame::parse(&mangled.into_iter().collect::<String>());
        }
    }
}
