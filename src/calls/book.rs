//! The live calls, found by id, by party and by deadline.

use std::collections::{BTreeSet, HashMap};

use crate::base::{CallId, Timestamp, UserId};

use super::call::{Call, Due};
use super::limits::Settings;

/// All live calls. Each is in `calls`, with both its parties in `of_user`, and in `deadlines` under
/// the moment that its [`Call::listed`] says.
#[derive(Debug, Default)]
pub(super) struct Book {
    calls: HashMap<CallId, Call>,
    of_user: HashMap<UserId, Vec<CallId>>,
    deadlines: BTreeSet<(Timestamp, CallId)>,
}

impl Book {
    pub(super) fn insert(&mut self, id: CallId, call: Call) {
        for user in [call.caller.user, call.callee.user] {
            self.of_user.entry(user).or_default().push(id);
        }
        self.calls.insert(id, call);
    }

    pub(super) fn remove(&mut self, id: CallId) -> Option<Call> {
        let call = self.calls.remove(&id)?;
        for user in [call.caller.user, call.callee.user] {
            if let Some(calls) = self.of_user.get_mut(&user) {
                calls.retain(|other| *other != id);
                if calls.is_empty() {
                    self.of_user.remove(&user);
                }
            }
        }
        if let Some(moment) = call.listed {
            self.deadlines.remove(&(moment, id));
        }
        Some(call)
    }

    pub(super) fn call(&self, id: CallId) -> Option<&Call> {
        self.calls.get(&id)
    }

    pub(super) fn call_mut(&mut self, id: CallId) -> Option<&mut Call> {
        self.calls.get_mut(&id)
    }

    /// The ids of a user's live calls: a handful at most.
    pub(super) fn ids_of(&self, user: UserId) -> Vec<CallId> {
        self.of_user.get(&user).cloned().unwrap_or_default()
    }

    /// A user's live calls.
    pub(super) fn calls_of(&self, user: UserId) -> impl Iterator<Item = (CallId, &Call)> {
        let ids = self.of_user.get(&user).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| Some((*id, self.calls.get(id)?)))
    }

    /// The live call of two users, of which there is one at most.
    pub(super) fn between(&self, one: UserId, other: UserId) -> Option<CallId> {
        self.calls_of(one)
            .find(|(_, call)| call.role_of(other).is_some())
            .map(|(id, _)| id)
    }

    /// Lists a call anew under its next deadline; due after everything that may have moved it.
    pub(super) fn list(&mut self, id: CallId, settings: &Settings) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let next = call.next(settings).map(|(moment, _)| moment);
        if next == call.listed {
            return;
        }
        if let Some(moment) = call.listed {
            self.deadlines.remove(&(moment, id));
        }
        if let Some(moment) = next {
            self.deadlines.insert((moment, id));
        }
        call.listed = next;
    }

    /// A call whose deadline has come, and for what; the earliest first.
    pub(super) fn due(&self, now: Timestamp, settings: &Settings) -> Option<(CallId, Due)> {
        let (moment, id) = self.deadlines.first()?;
        if *moment > now {
            return None;
        }
        let (_, due) = self.calls.get(id)?.next(settings)?;
        Some((*id, due))
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(moment, _)| *moment)
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.of_user.is_empty() && self.deadlines.is_empty()
    }

    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> usize {
        self.calls.values().map(Call::kept_bytes).sum()
    }
}
