//! The dialect `mvchat.v1` (PROTOCOL.md §8): calls in envelopes, the rest as in `privcomm.v1`.

use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::error;
use super::privcomm::{malformed, take};
use crate::base::{CallId, UserId};
use crate::calls::{CallEvent, CallState, Payload, Signal};
use crate::messenger::{Error, Session, Verdict};
use crate::wire::code::retry_after_seconds;
use crate::wire::mvchat::{
    self, CallAction, CtrlParams, FromPublic, Info, MvchatFrame, Refused, SdpKind,
};
use crate::wire::{Code, JsonError};

/// Does what a frame asks for. Gives the frame to answer with at once, if there is one.
pub(super) async fn hear(session: &Session, text: &Utf8Bytes) -> Option<String> {
    match MvchatFrame::parse(text) {
        Ok(MvchatFrame::Call { id, action }) => {
            Some(Box::pin(act(session, id.as_deref(), action)).await)
        }
        Ok(MvchatFrame::Hi { id, .. }) => Some(hi(session, id.as_deref())),
        Ok(MvchatFrame::Plain(frame)) => take(session, text.as_ref(), frame).await,
        Err(Refused::Plain(bad)) => Some(malformed(&bad)),
        Err(Refused::Ctrl { id, error }) => {
            let code = match error {
                JsonError::Malformed { .. } => Code::InvalidJson,
                JsonError::Field { .. } => Code::InvalidField,
            };
            let (id, params) = (id.as_deref(), CtrlParams::default());
            Some(mvchat::refusal(id, code, &error.to_string(), params))
        }
    }
}

/// The answer to `hi` in a session that stands.
pub(super) fn hi(session: &Session, id: Option<&str>) -> String {
    let params = CtrlParams {
        user: Some(session.user()),
        ice_servers: Some(session.ice_servers(None)),
        ..CtrlParams::default()
    };
    mvchat::ctrl(id, params)
}

async fn act(session: &Session, id: Option<&str>, action: CallAction<'_>) -> String {
    match session.act(action).await {
        Ok(Verdict::Granted(call)) => mvchat::ctrl(id, granted(session, action, call)),
        Ok(Verdict::Refused { call, refusal }) => {
            let params = CtrlParams {
                call_id: call,
                retry_after: error::retry_after(refusal),
                ..CtrlParams::default()
            };
            mvchat::refusal(id, error::code(refusal), &refusal.to_string(), params)
        }
        Err(failed) => refused(id, &failed),
    }
}

/// Only `initiate` is told more than that it was granted.
fn granted(session: &Session, action: CallAction<'_>, call: CallId) -> CtrlParams {
    match action {
        CallAction::Initiate(_) => CtrlParams {
            call_id: Some(call),
            ice_servers: Some(session.ice_servers(Some(call))),
            ..CtrlParams::default()
        },
        _ => CtrlParams::default(),
    }
}

/// The answer to a request that the use cases refused.
pub(super) fn refused(id: Option<&str>, error: &Error) -> String {
    let params = CtrlParams {
        retry_after: error.retry_after().map(retry_after_seconds),
        ..CtrlParams::default()
    };
    mvchat::refusal(id, error.code(), &error.detail(), params)
}

/// The frames that tell of an event in a call.
pub(super) async fn call_event(
    session: &Session,
    call_id: CallId,
    peer: UserId,
    event: &CallEvent,
) -> Vec<String> {
    match event {
        CallEvent::Incoming { sdp } => {
            let name = session.name_of(peer).await;
            incoming(call_id, peer, name.as_deref(), sdp.as_ref())
        }
        CallEvent::Signal(signal) => passed_on(call_id, signal).into_iter().collect(),
        CallEvent::State(state) => vec![state_frame(call_id, *state)],
        // The state that follows says it all.
        CallEvent::Rejected(_) | CallEvent::Ended(_) => Vec::new(),
    }
}

/// The caller and its SDP, if it has sent one, then that the call rings.
fn incoming(
    call_id: CallId,
    from: UserId,
    name: Option<&str>,
    sdp: Option<&Payload>,
) -> Vec<String> {
    let from_public = name.map(|name| FromPublic { name });
    let info = Info::IncomingCall {
        call_id,
        from,
        from_public,
    };
    let sdp = sdp.and_then(|sdp| described(call_id, SdpKind::Offer, sdp));
    let ringing = state_frame(call_id, CallState::Ringing);
    [Some(info.encode()), sdp, Some(ringing)]
        .into_iter()
        .flatten()
        .collect()
}

fn passed_on(call_id: CallId, signal: &Signal) -> Option<String> {
    match signal {
        Signal::Offer(sdp) => described(call_id, SdpKind::Offer, sdp),
        Signal::Answer(sdp) => described(call_id, SdpKind::Answer, sdp),
        Signal::Candidate(candidate) => {
            let candidate: &RawValue = serde_json::from_str(candidate.as_json()).ok()?;
            Some(Info::CallIce { call_id, candidate }.encode())
        }
    }
}

fn described(call_id: CallId, kind: SdpKind, sdp: &Payload) -> Option<String> {
    let sdp = mvchat::described(kind, sdp.as_json())?;
    Some(Info::CallSdp { call_id, sdp: &sdp }.encode())
}

fn state_frame(call_id: CallId, state: CallState) -> String {
    match state {
        CallState::Ringing => Info::CallRinging { call_id }.encode(),
        CallState::Connected => Info::CallAnswered { call_id }.encode(),
        CallState::Ended(reason) => {
            let reason = reason.as_str();
            Info::CallEnded { call_id, reason }.encode()
        }
    }
}
