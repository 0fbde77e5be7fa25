//! The steps that a party takes in a live call, and what passes between the two.

use crate::base::{CallId, Timestamp};

use super::call::{Role, Route};
use super::event::{CallEvent, CallState, Reason, Refusal, Signal};
use super::machine::Machine;

impl Machine {
    /// Takes the call with an SDP, or answers a renegotiation.
    pub(super) fn answer(
        &mut self,
        id: CallId,
        role: Role,
        answer: Signal,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let call = self.book.call(id).ok_or(Refusal::NotFound)?;
        match (call.state(), role) {
            (CallState::Ringing, Role::Callee) => self.connect(id, Some(answer), now),
            _ => self.signal(id, role, answer, now),
        }
    }

    /// Takes the call; its SDP has a way of its own. Taking it again changes nothing.
    pub(super) fn accept(&mut self, id: CallId, role: Role, now: Timestamp) -> Result<(), Refusal> {
        let call = self.book.call(id).ok_or(Refusal::NotFound)?;
        if role == Role::Caller {
            return Err(Refusal::WrongRole);
        }
        if call.is_ringing() {
            return self.connect(id, None, now);
        }
        let (user, peer) = (call.callee.user, call.caller.user);
        self.emit(user, id, peer, CallEvent::State(CallState::Connected));
        Ok(())
    }

    /// Passes a signal to the other side.
    pub(super) fn signal(
        &mut self,
        id: CallId,
        role: Role,
        signal: Signal,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let call = self.book.call(id).ok_or(Refusal::NotFound)?;
        if call.is_ringing() && role == Role::Caller && matches!(signal, Signal::Answer(_)) {
            return Err(Refusal::WrongRole);
        }
        self.check(id, role, &signal, call.route_to(role.other()))?;
        self.convey(id, role, signal, now);
        Ok(())
    }

    /// The callee won't take the call.
    pub(super) fn reject(&mut self, id: CallId, role: Role, now: Timestamp) -> Result<(), Refusal> {
        let call = self.book.call(id).ok_or(Refusal::NotFound)?;
        match (call.state(), role) {
            (CallState::Ringing, Role::Callee) => {
                let notice = CallEvent::Rejected(Reason::Rejected);
                self.finish(id, Reason::Rejected, Some((Role::Caller, notice)), now);
                Ok(())
            }
            (CallState::Ringing, Role::Caller) => Err(Refusal::WrongRole),
            _ => Err(Refusal::WrongState),
        }
    }

    /// Either hangs up.
    pub(super) fn end(&mut self, id: CallId, role: Role, now: Timestamp) {
        let notice = CallEvent::Ended(Reason::Hangup);
        self.finish(id, Reason::Hangup, Some((role.other(), notice)), now);
    }

    /// The callee answers: both are told, then the caller gets the answer and what was held for it.
    ///
    /// Whoever takes a call while calling somebody else gives that other call up.
    fn connect(
        &mut self,
        id: CallId,
        answer: Option<Signal>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let call = self.book.call(id).ok_or(Refusal::NotFound)?;
        let callee = call.callee.user;
        if self.is_in_call(callee) {
            return Err(Refusal::Busy);
        }
        if let Some(answer) = &answer {
            let route = match call.caller.lost {
                Some(_) => Route::Hold,
                None => Route::Send,
            };
            self.check(id, Role::Callee, answer, route)?;
        }
        if let Some(outgoing) = self.outgoing_of(callee) {
            self.end(outgoing, Role::Caller, now);
        }
        self.change_to_connected(id, now);
        if let Some(answer) = answer {
            self.convey(id, Role::Callee, answer, now);
        }
        self.release(id);
        Ok(())
    }

    fn change_to_connected(&mut self, id: CallId, now: Timestamp) {
        let Some(call) = self.book.call_mut(id) else {
            return;
        };
        call.connect(now, &self.settings);
        let rang = now.since(call.started);
        self.figures.count_answer(rang);
        self.answer_times.observe_micros(rang);
        self.tell_state(id, Role::Callee);
        self.tell_state(id, Role::Caller);
    }

    /// Gives the caller what the callee sent before it answered.
    fn release(&mut self, id: CallId) {
        let Some(call) = self.book.call_mut(id) else {
            return;
        };
        if call.caller.lost.is_some() {
            return;
        }
        let (user, peer) = (call.caller.user, call.callee.user);
        for signal in call.caller.inbox.release() {
            self.emit(user, id, peer, CallEvent::Signal(signal));
        }
    }

    /// Whether `signal` from the side of `role` may go its way.
    fn check(&self, id: CallId, role: Role, signal: &Signal, route: Route) -> Result<(), Refusal> {
        let call = self.book.call(id).ok_or(Refusal::NotFound)?;
        call.side(role).check(signal, &self.settings)?;
        if route == Route::Send {
            return Ok(());
        }
        let bytes = signal.payload().as_json().len();
        if call.side(role.other()).inbox.bytes() + bytes > self.settings.inbox_bytes {
            return Err(Refusal::TooMany);
        }
        if self.kept + bytes > self.settings.kept_bytes {
            return Err(Refusal::Capacity);
        }
        Ok(())
    }

    /// Sends or holds what [`Machine::check`] has let pass. In a connected call a sender's SDP shows
    /// that it has what was sent to it before.
    fn convey(&mut self, id: CallId, role: Role, signal: Signal, now: Timestamp) {
        let Some(call) = self.book.call_mut(id) else {
            return;
        };
        let route = call.route_to(role.other());
        let (sender, receiver) = (call.side(role).user, call.side(role.other()).user);
        if !call.is_ringing() && !signal.is_candidate() {
            self.kept -= call.side_mut(role).inbox.settle();
        }
        call.settle_later(now, &self.settings);
        self.keep(id, role, signal.clone(), route);
        if route == Route::Send {
            self.emit(receiver, id, sender, CallEvent::Signal(signal));
        }
    }

    /// Counts a signal from the side of `role`, and keeps it for the other side. One that goes out
    /// anyway is kept only where there is room.
    pub(super) fn keep(&mut self, id: CallId, role: Role, signal: Signal, route: Route) {
        let Some(call) = self.book.call_mut(id) else {
            return;
        };
        call.side_mut(role).count(&signal);
        let inbox = &mut call.side_mut(role.other()).inbox;
        let bytes = signal.payload().as_json().len();
        let has_room = inbox.bytes() + bytes <= self.settings.inbox_bytes
            && self.kept + bytes <= self.settings.kept_bytes;
        if has_room {
            self.kept += inbox.keep(signal, route);
        }
    }

    /// Tells one side what its call is now.
    pub(super) fn tell_state(&mut self, id: CallId, role: Role) {
        let Some(call) = self.book.call(id) else {
            return;
        };
        let side = call.side(role);
        if side.lost.is_none() {
            let (user, peer) = (side.user, call.side(role.other()).user);
            self.emit(user, id, peer, CallEvent::State(call.state()));
        }
    }
}
