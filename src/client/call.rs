//! Calls: signaling that the server passes on and can't read (E2EE.md §11, PROTOCOL.md §7).
//!
//! Media is the program's own affair: it brings session descriptions and candidates, and gets those
//! of the other side. Nothing about a call is kept on disk but the state of the ratchet.
//!
//! ```text
//! caller                                callee
//! call(…)        → Offered
//! Ringing                               answer(…) or hang_up(…)
//! Answered       ←
//! Connected                             Connected
//! candidate(…), renegotiate(…)  ⇄       candidate(…), renegotiate(…)
//! Ended                                 Ended
//! ```

use std::collections::VecDeque;
use std::sync::{MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::mpsc;

use super::core::Core;
use super::device::{CallOffer, OfferedCall};
use super::frame::{Heard, Said};
use super::{CallEvent, Client, Error, Event};
use crate::base::{CallId, Private, Secret, UserId};
use crate::e2ee::{CallAction, CallChannel, Role, check_fingerprints, refuse_in_clear};
use crate::wire::Code;

/// How many calls are known at once: more than may ring. The oldest gives way.
const MAX_CALLS: usize = 8;

/// The calls that stand, or may.
#[derive(Debug, Default)]
pub(super) struct Calls {
    live: VecDeque<Call>,
}

#[derive(Debug)]
struct Call {
    id: CallId,
    peer: UserId,
    channel: CallChannel,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// They wait for our answer.
    Unanswered,
    /// Ours to end.
    Standing,
}

impl Calls {
    fn find(&mut self, id: CallId) -> Result<&mut Call, Error> {
        let call = self.live.iter_mut().find(|call| call.id == id);
        call.ok_or(Error::NoCall(id))
    }

    fn add(&mut self, call: Call) {
        self.live.truncate(MAX_CALLS - 1);
        self.live.push_front(call);
    }

    fn remove(&mut self, id: CallId) -> Option<UserId> {
        let at = self.live.iter().position(|call| call.id == id)?;
        self.live.remove(at).map(|call| call.peer)
    }
}

impl Client {
    /// Calls somebody, with our session description. What comes of it comes as
    /// [`Event::Call`]s.
    ///
    /// The fingerprints in a description must be SHA-256 ones: they are what protects the media.
    pub async fn call(&self, peer: UserId, description: &str) -> Result<CallId, Error> {
        check_fingerprints(description)?;
        let core = self.core();
        self.reach(peer).await?;
        let (call, secret) = (CallId::random(), Secret::random());
        let offer = CallOffer {
            to: peer,
            call,
            secret: secret.clone(),
            description: Private(description.to_owned()),
        };
        let payload = core.step(move |device| device.offer(offer)).await?;
        core.calls().add(Call {
            id: call,
            peer,
            channel: CallChannel::new(Role::Initiator, call, &secret),
            stage: Stage::Standing,
        });
        let said = Said::CallOffer {
            recipient_id: peer,
            call_id: call,
            sdp: &payload,
        };
        core.say(said.to_text()).await?;
        Ok(call)
    }

    /// Takes a call, or answers its renegotiation. Before this nothing of ours leaves.
    pub async fn answer(&self, call: CallId, description: &str) -> Result<(), Error> {
        check_fingerprints(description)?;
        let core = self.core();
        let (peer, sdp) = core.seal(call, CallAction::Answer, description)?;
        if let Ok(call) = core.calls().find(call) {
            call.stage = Stage::Standing;
        }
        let said = Said::CallAnswer {
            recipient_id: peer,
            call_id: call,
            sdp: &sdp,
        };
        core.say(said.to_text()).await
    }

    /// Offers another session description in a call that stands.
    pub async fn renegotiate(&self, call: CallId, description: &str) -> Result<(), Error> {
        check_fingerprints(description)?;
        let core = self.core();
        let (peer, sdp) = core.seal(call, CallAction::Offer, description)?;
        let said = Said::CallOffer {
            recipient_id: peer,
            call_id: call,
            sdp: &sdp,
        };
        core.say(said.to_text()).await
    }

    /// Tells the other side a way to reach us, as JSON. One that isn't a relay's tells our address.
    pub async fn candidate(&self, call: CallId, candidate: &str) -> Result<(), Error> {
        let core = self.core();
        let (peer, candidate) = core.seal(call, CallAction::Candidate, candidate)?;
        let said = Said::IceCandidate {
            recipient_id: peer,
            call_id: call,
            candidate: &candidate,
        };
        core.say(said.to_text()).await
    }

    /// Ends a call, or declines it.
    pub async fn hang_up(&self, call: CallId) -> Result<(), Error> {
        let core = self.core();
        let (peer, stage) = {
            let mut calls = core.calls();
            let found = calls.find(call)?;
            (found.peer, found.stage)
        };
        let (recipient_id, call_id) = (peer, call);
        let said = match stage {
            Stage::Unanswered => Said::CallReject {
                recipient_id,
                call_id,
            },
            Stage::Standing => Said::CallEnd {
                recipient_id,
                call_id,
            },
        };
        core.say(said.to_text()).await
    }
}

impl Core {
    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seal(
        &self,
        call: CallId,
        action: CallAction,
        data: &str,
    ) -> Result<(UserId, String), Error> {
        let mut calls = self.calls();
        let call = calls.find(call)?;
        Ok((call.peer, call.channel.seal(action, data.as_bytes())?))
    }

    /// Takes a frame about a call. What isn't of a call that stands, or doesn't open, is let go.
    pub(super) async fn hear_call(&self, events: &mpsc::Sender<Event>, heard: Heard) {
        let told = match heard {
            Heard::CallOffer {
                sender_id,
                call_id,
                sdp,
            } => self.offered(sender_id, call_id, &sdp).await,
            Heard::CallAnswer {
                sender_id,
                call_id,
                sdp,
            } => self
                .opened(sender_id, call_id, CallAction::Answer, &sdp)
                .map(|description| (call_id, sender_id, CallEvent::Answered { description })),
            Heard::IceCandidate {
                sender_id,
                call_id,
                candidate,
            } => self
                .opened(sender_id, call_id, CallAction::Candidate, &candidate)
                .map(|candidate| (call_id, sender_id, CallEvent::Candidate { candidate })),
            Heard::CallState {
                call_id,
                peer_id,
                state,
                reason,
            } => self
                .moved(call_id, &state, reason)
                .map(|step| (call_id, peer_id, step)),
            _ => None,
        };
        if let Some((call, peer, step)) = told {
            let _ = events.try_send(Event::Call { call, peer, step });
        }
    }

    async fn offered(
        &self,
        from: UserId,
        call: CallId,
        sdp: &Value,
    ) -> Option<(CallId, UserId, CallEvent)> {
        if self.calls().find(call).is_ok() {
            let description = self.opened(from, call, CallAction::Offer, sdp)?;
            return Some((call, from, CallEvent::Renegotiated { description }));
        }
        if let Ok(description) = self.take_offer(from, call, sdp).await {
            return Some((call, from, CallEvent::Offered { description }));
        }
        let said = Said::CallReject {
            recipient_id: from,
            call_id: call,
        };
        let _ = self.say(said.to_text()).await;
        None
    }

    async fn take_offer(
        &self,
        from: UserId,
        id: CallId,
        sdp: &Value,
    ) -> Result<Private<String>, Error> {
        let payload = sdp
            .as_str()
            .ok_or(Error::Foreign("an offer in the clear"))?;
        refuse_in_clear(payload)?;
        let payload = payload.to_owned();
        let offered = self.step(move |device| device.take_offer(from, &payload));
        let OfferedCall {
            call,
            secret,
            description,
        } = offered.await?;
        check_fingerprints(&description)?;
        if call != id {
            return Err(Error::NoCall(id));
        }
        self.calls().add(Call {
            id,
            peer: from,
            channel: CallChannel::new(Role::Responder, id, &secret),
            stage: Stage::Unanswered,
        });
        Ok(description)
    }

    /// What a sealed part says, if it is of this peer's call and opens.
    fn opened(
        &self,
        from: UserId,
        call: CallId,
        action: CallAction,
        sealed: &Value,
    ) -> Option<Private<String>> {
        let mut calls = self.calls();
        let call = calls.find(call).ok().filter(|call| call.peer == from)?;
        let data = call.channel.open(action, sealed.as_str()?).ok()?;
        let text = String::from_utf8(data.to_vec()).ok()?;
        if action != CallAction::Candidate {
            check_fingerprints(&text).ok()?;
        }
        Some(Private(text))
    }

    fn moved(&self, call: CallId, state: &str, reason: Option<String>) -> Option<CallEvent> {
        match state {
            "ringing" => Some(CallEvent::Ringing),
            "connected" => Some(CallEvent::Connected),
            "ended" => {
                self.calls().remove(call)?;
                let reason = reason.unwrap_or_else(|| "hangup".to_owned());
                Some(CallEvent::Ended { reason })
            }
            _ => None,
        }
    }

    /// The server refused a step of a call.
    pub(super) fn call_refused(&self, events: &mpsc::Sender<Event>, call: CallId, code: Code) {
        let is_over = matches!(
            code,
            Code::CallEnded
                | Code::NotFound
                | Code::Offline
                | Code::Busy
                | Code::NotAllowed
                | Code::Glare
        );
        let peer = if is_over {
            self.calls().remove(call)
        } else {
            self.calls().find(call).ok().map(|call| call.peer)
        };
        if let Some(peer) = peer {
            let step = CallEvent::Refused { code };
            let _ = events.try_send(Event::Call { call, peer, step });
        }
    }
}
