//! How a call starts, or doesn't.

use crate::base::{CallId, Timestamp, UserId};

use super::call::{Call, Role, Route};
use super::event::{CallEvent, CallState, Invitation, Payload, Refusal, Signal, Standing, Target};
use super::machine::{Denial, Machine};

impl Machine {
    /// Starts a call, or goes on with the one that these two have.
    pub(super) fn open(
        &mut self,
        from: UserId,
        invitation: Invitation,
        sdp: Option<Payload>,
        now: Timestamp,
    ) -> Result<CallId, Denial> {
        let named = invitation.call;
        let is_over = named.is_some_and(|named| self.memory.call(named).is_some());
        let opened = match self.book.between(from, invitation.to) {
            Some(id) if !is_over => self
                .reopen(id, from, named, sdp, now)
                .map_err(|refusal| Denial::about(id, refusal)),
            _ => self.start(from, invitation, sdp, now),
        };
        if let Err(Denial { refusal, .. }) = &opened {
            self.figures.count_refusal(*refusal);
        }
        opened
    }

    /// An offer between two who have a call: renegotiation, repetition or glare.
    fn reopen(
        &mut self,
        id: CallId,
        from: UserId,
        named: Option<CallId>,
        sdp: Option<Payload>,
        now: Timestamp,
    ) -> Result<CallId, Refusal> {
        let call = self.book.call(id).ok_or(Refusal::NotFound)?;
        let role = call.role_of(from).ok_or(Refusal::NotFound)?;
        let is_ringing = call.is_ringing();
        if is_ringing && role == Role::Callee {
            return Err(Refusal::Glare(id));
        }
        if named.is_some_and(|named| named != id) || (sdp.is_none() && !is_ringing) {
            return Err(Refusal::Busy);
        }
        let peer = call.side(role.other()).user;
        if let Some(sdp) = sdp {
            self.signal(id, role, Signal::Offer(sdp), now)?;
        }
        if is_ringing {
            let ringing = CallEvent::State(CallState::Ringing);
            self.emit(from, id, peer, ringing);
        }
        Ok(id)
    }

    /// Rings the callee.
    fn start(
        &mut self,
        from: UserId,
        invitation: Invitation,
        sdp: Option<Payload>,
        now: Timestamp,
    ) -> Result<CallId, Denial> {
        let Invitation { to, call, .. } = invitation;
        let id = call.unwrap_or(invitation.fresh);
        if self.book.call(id).is_some() || self.memory.call(id).is_some() {
            return self.find(from, Target::CallWith(id, to)).map(|(id, _)| id);
        }
        let offer = sdp.clone().map(Signal::Offer);
        if let Some(offer) = &offer {
            self.settings.check_size(offer)?;
        }
        self.admit_start(from, to, invitation.standing, now)?;
        let call = Call::ringing(from, to, now, &self.settings);
        self.book.insert(id, call);
        if let Some(offer) = offer {
            self.keep(id, Role::Caller, offer, Route::Send);
        }
        self.figures.started += 1;
        self.emit(to, id, from, CallEvent::Incoming { sdp });
        self.emit(from, id, to, CallEvent::State(CallState::Ringing));
        Ok(id)
    }

    /// Whether a call may start now. Every attempt counts, whatever comes of it, and whether a
    /// caller is allowed is settled before anything that depends on what the callee does.
    fn admit_start(
        &mut self,
        from: UserId,
        to: UserId,
        standing: Standing,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        self.starts_of_user.check(&from, now)?;
        self.starts_of_pair.check(&(from, to), now)?;
        self.starts_of_user.record(from, now);
        self.starts_of_pair.record((from, to), now);
        if from == to || standing == Standing::NotAllowed {
            return Err(Refusal::NotAllowed);
        }
        if self.is_calling(from) || self.is_in_call(from) {
            return Err(Refusal::Busy);
        }
        if standing == Standing::Offline {
            return Err(Refusal::Offline);
        }
        if self.is_in_call(to) || self.ringing_at(to) >= self.settings.ringing_per_user {
            return Err(Refusal::Busy);
        }
        if self.book.len() >= self.settings.calls {
            return Err(Refusal::Capacity);
        }
        Ok(())
    }

    /// Whether `user` is in a connected call.
    pub(super) fn is_in_call(&self, user: UserId) -> bool {
        self.book.calls_of(user).any(|(_, call)| !call.is_ringing())
    }

    fn is_calling(&self, user: UserId) -> bool {
        self.outgoing_of(user).is_some()
    }

    /// The call with which `user` is ringing somebody.
    pub(super) fn outgoing_of(&self, user: UserId) -> Option<CallId> {
        self.book
            .calls_of(user)
            .find(|(_, call)| call.is_ringing() && call.caller.user == user)
            .map(|(id, _)| id)
    }

    fn ringing_at(&self, user: UserId) -> usize {
        let is_incoming = |call: &Call| call.is_ringing() && call.callee.user == user;
        let calls = self.book.calls_of(user);
        calls.filter(|(_, call)| is_incoming(call)).count()
    }
}
