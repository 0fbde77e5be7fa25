//! Calls that are over, remembered for a while so that repeats get the same answer.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::base::{CallId, Timestamp, UserId};

use super::event::Reason;

/// A call that is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) caller: UserId,
    pub(super) callee: UserId,
    pub(super) reason: Reason,
}

impl Ended {
    /// The party that isn't `user`, or none: `user` is a stranger to this call.
    pub(super) fn peer_of(&self, user: UserId) -> Option<UserId> {
        if user == self.caller {
            Some(self.callee)
        } else if user == self.callee {
            Some(self.caller)
        } else {
            None
        }
    }
}

/// The calls that ended of late.
#[derive(Debug)]
pub(super) struct Memory {
    span: Duration,
    capacity: usize,
    calls: HashMap<CallId, Ended>,
    /// Every call once, with the moment at which it is forgotten; the earliest in front.
    order: VecDeque<(Timestamp, CallId)>,
    /// The last call of two users, whichever of them called.
    last: HashMap<(UserId, UserId), CallId>,
    /// The calls of whose end a user wasn't told, being away.
    untold: HashMap<UserId, Vec<CallId>>,
}

impl Memory {
    pub(super) fn new(span: Duration, capacity: usize) -> Self {
        Self {
            span,
            capacity,
            calls: HashMap::new(),
            order: VecDeque::new(),
            last: HashMap::new(),
            untold: HashMap::new(),
        }
    }

    /// Remembers `call`; those in `away` are to be told when they return.
    pub(super) fn insert(
        &mut self,
        call: CallId,
        ended: Ended,
        away: impl Iterator<Item = UserId>,
        now: Timestamp,
    ) {
        if self.order.len() >= self.capacity {
            self.forget_oldest();
        }
        self.calls.insert(call, ended);
        self.last.insert(pair(ended.caller, ended.callee), call);
        self.order.push_back((now.saturating_add(self.span), call));
        for user in away {
            self.untold.entry(user).or_default().push(call);
        }
    }

    pub(super) fn call(&self, call: CallId) -> Option<&Ended> {
        self.calls.get(&call)
    }

    /// The last call of two users, if it is remembered.
    pub(super) fn between(&self, one: UserId, other: UserId) -> Option<CallId> {
        self.last.get(&pair(one, other)).copied()
    }

    /// The calls that ended while `user` was away: it counts as told now.
    pub(super) fn take_untold(&mut self, user: UserId) -> Vec<(CallId, Ended)> {
        let calls = self.untold.remove(&user).unwrap_or_default();
        let remembered = |call| Some((call, *self.calls.get(&call)?));
        calls.into_iter().filter_map(remembered).collect()
    }

    /// Forgets what is old enough.
    pub(super) fn expire(&mut self, now: Timestamp) {
        while self.next_expiry().is_some_and(|moment| moment <= now) {
            self.forget_oldest();
        }
    }

    /// When there is something to forget.
    pub(super) fn next_expiry(&self) -> Option<Timestamp> {
        self.order.front().map(|(moment, _)| *moment)
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
            && self.order.is_empty()
            && self.last.is_empty()
            && self.untold.is_empty()
    }

    fn forget_oldest(&mut self) {
        let Some((_, call)) = self.order.pop_front() else {
            return;
        };
        let Some(ended) = self.calls.remove(&call) else {
            return;
        };
        let pair = pair(ended.caller, ended.callee);
        if self.last.get(&pair) == Some(&call) {
            self.last.remove(&pair);
        }
        for user in [ended.caller, ended.callee] {
            if let Some(calls) = self.untold.get_mut(&user) {
                calls.retain(|untold| *untold != call);
                if calls.is_empty() {
                    self.untold.remove(&user);
                }
            }
        }
    }
}

fn pair(one: UserId, other: UserId) -> (UserId, UserId) {
    (one.min(other), one.max(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_memory_forgets_the_oldest_and_an_old_one_everything() {
        let mut memory = Memory::new(Duration::from_mins(1), 2);
        let [anna, bob] = [UserId::random(), UserId::random()];
        let ended = Ended {
            caller: anna,
            callee: bob,
            reason: Reason::Hangup,
        };
        let calls = [CallId::random(), CallId::random(), CallId::random()];
        for (second, call) in (0..).zip(calls) {
            let away = [anna].into_iter();
            memory.insert(call, ended, away, Timestamp::from_millis(second * 1000));
        }
        assert_eq!(memory.len(), 2);
        assert!(memory.call(calls[0]).is_none());
        assert_eq!(memory.between(bob, anna), Some(calls[2]));
        assert_eq!(memory.next_expiry(), Some(Timestamp::from_millis(61_000)));
        memory.expire(Timestamp::from_millis(61_999));
        assert_eq!(memory.take_untold(anna).len(), 1);
        memory.expire(Timestamp::from_millis(62_000));
        assert!(memory.is_empty());
    }
}
