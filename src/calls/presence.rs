//! Sockets that drop and come back, and accounts that don't.

use crate::base::{CallId, Timestamp, UserId};

use super::call::Role;
use super::event::{CallEvent, CallState, Reason, Signal};
use super::machine::Machine;

impl Machine {
    /// The user's calls wait for it, a while.
    pub(super) fn lost(&mut self, user: UserId, now: Timestamp) {
        for id in self.book.ids_of(user) {
            if let Some(call) = self.book.call_mut(id)
                && let Some(role) = call.role_of(user)
            {
                call.side_mut(role).lost.get_or_insert(now);
            }
            self.book.list(id, &self.settings);
        }
    }

    /// The user is told of everything that it may have missed.
    pub(super) fn returned(&mut self, user: UserId) {
        for (id, ended) in self.memory.take_untold(user) {
            if let Some(peer) = ended.peer_of(user) {
                let state = CallEvent::State(CallState::Ended(ended.reason));
                self.emit(user, id, peer, state);
            }
        }
        for id in self.book.ids_of(user) {
            self.repeat(id, user);
            self.book.list(id, &self.settings);
        }
    }

    /// The user's calls end.
    pub(super) fn gone(&mut self, user: UserId, now: Timestamp) {
        for id in self.book.ids_of(user) {
            self.finish(id, Reason::Error, None, now);
        }
    }

    /// Whether one of the user's calls waits for it.
    pub(super) fn is_away(&self, user: UserId) -> bool {
        self.book.calls_of(user).any(|(_, call)| {
            let role = call.role_of(user);
            role.is_some_and(|role| call.side(role).lost.is_some())
        })
    }

    fn repeat(&mut self, id: CallId, user: UserId) {
        let Some(call) = self.book.call_mut(id) else {
            return;
        };
        let Some(role) = call.role_of(user) else {
            return;
        };
        call.side_mut(role).lost = None;
        let (state, peer) = (call.state(), call.side(role.other()).user);
        let signals = match (state, role) {
            (CallState::Ringing, Role::Caller) => Vec::new(),
            _ => call.side_mut(role).inbox.repeat(),
        };
        let mut signals = signals.into_iter().peekable();
        let first = match (state, role) {
            (CallState::Ringing, Role::Callee) => {
                let offer = signals.next_if(|signal| matches!(signal, Signal::Offer(_)));
                let sdp = offer.map(|offer| offer.payload().clone());
                CallEvent::Incoming { sdp }
            }
            _ => CallEvent::State(state),
        };
        self.emit(user, id, peer, first);
        for signal in signals {
            self.emit(user, id, peer, CallEvent::Signal(signal));
        }
    }
}
