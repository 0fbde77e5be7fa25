//! What the daemon says in the dialect `mvchat.v1`. Built from checked values only, like the
//! frames of the other dialect.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::SdpKind;
use crate::base::{CallId, UserId};
use crate::wire::Code;
use crate::wire::body::IceServer;
use crate::wire::json::Name;

/// What a `ctrl` says beside its code.
#[derive(Debug, Default, Serialize)]
pub struct CtrlParams {
    /// Whose session it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The call in question.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// For `RTCConfiguration.iceServers`; empty where the daemon has no relay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ice_servers: Option<Vec<IceServer>>,
    /// Seconds until a retry makes sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl CtrlParams {
    const fn is_empty(&self) -> bool {
        self.user.is_none()
            && self.call_id.is_none()
            && self.ice_servers.is_none()
            && self.retry_after.is_none()
    }
}

#[derive(Serialize)]
struct Ctrl<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "CtrlParams::is_empty")]
    params: CtrlParams,
}

#[derive(Serialize)]
enum Frame<'a> {
    #[serde(rename = "ctrl")]
    Ctrl(Ctrl<'a>),
    #[serde(rename = "info")]
    Info(&'a Info<'a>),
}

impl Frame<'_> {
    fn encode(&self) -> String {
        #[expect(clippy::expect_used, reason = "no map has a key that isn't a string")]
        serde_json::to_string(self).expect("every frame is JSON")
    }
}

/// The answer to a request that was granted.
pub fn ctrl(id: Option<&str>, params: CtrlParams) -> String {
    let (code, text) = (200, None);
    Frame::Ctrl(Ctrl {
        id,
        code,
        text,
        params,
    })
    .encode()
}

/// The answer to a request that was refused: its code, and what is wrong in words.
pub fn refusal(id: Option<&str>, code: Code, text: &str, params: CtrlParams) -> String {
    let (code, text) = (ctrl_code(code), Some(text));
    Frame::Ctrl(Ctrl {
        id,
        code,
        text,
        params,
    })
    .encode()
}

/// The `ctrl.code` that stands for `code`: its HTTP status, except where PROTOCOL.md §8 has a
/// number of its own.
pub const fn ctrl_code(code: Code) -> u16 {
    match code {
        Code::Busy => 486,
        Code::PayloadTooLarge => 400,
        code => code.status(),
    }
}

/// One `info`.
#[derive(Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Info<'a> {
    /// Somebody calls.
    IncomingCall {
        /// The call.
        call_id: CallId,
        /// Who.
        from: UserId,
        /// How the caller wants to be called, where they published that.
        #[serde(rename = "fromPublic", skip_serializing_if = "Option::is_none")]
        from_public: Option<FromPublic<'a>>,
    },
    /// The callee was told.
    CallRinging {
        /// The call.
        call_id: CallId,
    },
    /// The callee took the call.
    CallAnswered {
        /// The call.
        call_id: CallId,
    },
    /// The call is over.
    CallEnded {
        /// The call.
        call_id: CallId,
        /// `hangup`, `rejected`, `timeout` or `error`.
        reason: &'a str,
    },
    /// The peer's SDP: `{"type":…,"sdp":…}`.
    CallSdp {
        /// The call.
        call_id: CallId,
        /// Made by [`described`].
        sdp: &'a RawValue,
    },
    /// The peer's candidate.
    CallIce {
        /// The call.
        call_id: CallId,
        /// Opaque.
        candidate: &'a RawValue,
    },
}

/// What a caller published.
#[derive(Debug, Serialize)]
pub struct FromPublic<'a> {
    /// A name.
    #[serde(rename = "fn")]
    pub name: &'a str,
}

impl Info<'_> {
    /// The frame's text.
    pub fn encode(&self) -> String {
        Frame::Info(self).encode()
    }
}

/// The SDP of either dialect as this one has it: `{"type":…,"sdp":…}`. An object that is of that
/// shape already is left as it is.
pub fn described(kind: SdpKind, sdp: &str) -> Option<Box<RawValue>> {
    #[derive(Deserialize)]
    struct Shape<'a> {
        #[serde(borrow, rename = "type")]
        _kind: Name<'a>,
        #[serde(borrow, rename = "sdp")]
        _sdp: &'a RawValue,
    }
    let text = if serde_json::from_str::<Shape<'_>>(sdp).is_ok() {
        sdp.to_owned()
    } else {
        let kind = match kind {
            SdpKind::Offer => "offer",
            SdpKind::Answer => "answer",
        };
        format!(r#"{{"type":"{kind}","sdp":{sdp}}}"#)
    };
    RawValue::from_string(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

    fn call_id() -> CallId {
        ID.parse().unwrap()
    }

    #[test]
    fn frames_are_written_as_the_protocol_says() {
        let sdp = described(SdpKind::Offer, r#""v=0""#).unwrap();
        let candidate = RawValue::from_string(r#"{"b": 1}"#.to_owned()).unwrap();
        let from = ID.parse().unwrap();
        let alice = Some(FromPublic { name: "Alice" });
        let call_id = call_id();
        let golden = [
            (
                Info::IncomingCall {
                    call_id,
                    from,
                    from_public: alice,
                },
                r#"{"info":{"what":"incoming_call","call_id":"C","from":"C","fromPublic":{"fn":"Alice"}}}"#,
            ),
            (
                Info::IncomingCall {
                    call_id,
                    from,
                    from_public: None,
                },
                r#"{"info":{"what":"incoming_call","call_id":"C","from":"C"}}"#,
            ),
            (
                Info::CallRinging { call_id },
                r#"{"info":{"what":"call_ringing","call_id":"C"}}"#,
            ),
            (
                Info::CallAnswered { call_id },
                r#"{"info":{"what":"call_answered","call_id":"C"}}"#,
            ),
            (
                Info::CallEnded {
                    call_id,
                    reason: "hangup",
                },
                r#"{"info":{"what":"call_ended","call_id":"C","reason":"hangup"}}"#,
            ),
            (
                Info::CallSdp { call_id, sdp: &sdp },
                r#"{"info":{"what":"call_sdp","call_id":"C","sdp":{"type":"offer","sdp":"v=0"}}}"#,
            ),
            (
                Info::CallIce {
                    call_id,
                    candidate: &candidate,
                },
                r#"{"info":{"what":"call_ice","call_id":"C","candidate":{"b": 1}}}"#,
            ),
        ];
        for (info, text) in golden {
            assert_eq!(info.encode(), text.replace('C', ID));
        }
    }

    #[test]
    fn answers_are_written_as_the_protocol_says() {
        assert_eq!(
            ctrl(Some("2"), CtrlParams::default()),
            r#"{"ctrl":{"id":"2","code":200}}"#
        );
        let call_id = Some(call_id());
        let params = CtrlParams {
            call_id,
            ..CtrlParams::default()
        };
        assert_eq!(
            refusal(None, Code::Glare, "t", params),
            format!(r#"{{"ctrl":{{"code":409,"text":"t","params":{{"call_id":"{ID}"}}}}}}"#)
        );
    }

    #[test]
    fn every_code_of_the_protocol_has_its_number() {
        for (code, number) in [
            (Code::InvalidField, 400),
            (Code::InvalidJson, 400),
            (Code::PayloadTooLarge, 400),
            (Code::Unauthorized, 401),
            (Code::TokenExpired, 401),
            (Code::NotAllowed, 403),
            (Code::NotFound, 404),
            (Code::Offline, 404),
            (Code::WrongState, 409),
            (Code::Glare, 409),
            (Code::CallEnded, 410),
            (Code::RateLimited, 429),
            (Code::Busy, 486),
        ] {
            assert_eq!(ctrl_code(code), number, "{code:?}");
        }
    }

    #[test]
    fn an_sdp_is_wrapped_once() {
        let wrapped = |sdp: &str| described(SdpKind::Answer, sdp).unwrap().get().to_owned();
        assert_eq!(wrapped(r#""v=0""#), r#"{"type":"answer","sdp":"v=0"}"#);
        assert_eq!(wrapped(r#"{"a":1}"#), r#"{"type":"answer","sdp":{"a":1}}"#);
        let whole = r#"{"type":"offer", "sdp":"v=0"}"#;
        assert_eq!(wrapped(whole), whole);
    }
}
