//! One live call: two sides, a state, and what is kept for whoever can't take it now.

use crate::base::{Timestamp, UserId};

use super::event::{CallState, Payload, Reason, Refusal, Signal};
use super::limits::Settings;

/// A party's part in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Started it.
    Caller,
    /// Was rung.
    Callee,
}

impl Role {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

/// How far a live call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The callee hasn't answered.
    Ringing {
        /// When it stops.
        until: Timestamp,
    },
    /// The callee answered.
    Connected {
        /// When what was sent needn't be repeated any more.
        settles: Option<Timestamp>,
    },
}

/// What becomes of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// It goes out at once.
    Send,
    /// It waits: its receiver is away, or mustn't have it before the callee answered.
    Hold,
}

/// What a deadline of a call has come for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The call is over.
    End(Reason),
    /// What was sent needn't be repeated any more.
    Settle,
}

/// A live call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) caller: Side,
    pub(super) callee: Side,
    pub(super) phase: Phase,
    pub(super) started: Timestamp,
    pub(super) answered: Option<Timestamp>,
    /// The deadline under which the call is listed; [`super::book::Book`] keeps it.
    pub(super) listed: Option<Timestamp>,
}

impl Call {
    pub(super) fn ringing(from: UserId, to: UserId, now: Timestamp, settings: &Settings) -> Self {
        Self {
            caller: Side::new(from),
            callee: Side::new(to),
            phase: Phase::Ringing {
                until: now.saturating_add(settings.ring),
            },
            started: now,
            answered: None,
            listed: None,
        }
    }

    pub(super) const fn is_ringing(&self) -> bool {
        matches!(self.phase, Phase::Ringing { .. })
    }

    pub(super) const fn state(&self) -> CallState {
        match self.phase {
            Phase::Ringing { .. } => CallState::Ringing,
            Phase::Connected { .. } => CallState::Connected,
        }
    }

    /// The part of `user`, or none: it is a stranger to this call.
    pub(super) fn role_of(&self, user: UserId) -> Option<Role> {
        if user == self.caller.user {
            Some(Role::Caller)
        } else if user == self.callee.user {
            Some(Role::Callee)
        } else {
            None
        }
    }

    pub(super) const fn side(&self, role: Role) -> &Side {
        match role {
            Role::Caller => &self.caller,
            Role::Callee => &self.callee,
        }
    }

    pub(super) const fn side_mut(&mut self, role: Role) -> &mut Side {
        match role {
            Role::Caller => &mut self.caller,
            Role::Callee => &mut self.callee,
        }
    }

    /// What becomes now of a signal to `receiver`.
    pub(super) const fn route_to(&self, receiver: Role) -> Route {
        let must_wait = self.is_ringing() && matches!(receiver, Role::Caller);
        if must_wait || self.side(receiver).lost.is_some() {
            Route::Hold
        } else {
            Route::Send
        }
    }

    /// The callee has answered. What was sent so far is worth repeating for a while.
    pub(super) fn connect(&mut self, now: Timestamp, settings: &Settings) {
        self.answered = Some(now);
        self.phase = Phase::Connected {
            settles: Some(now.saturating_add(settings.repeat)),
        };
    }

    /// Sees to it that what was sent is forgotten, a while after the last of it.
    pub(super) fn settle_later(&mut self, now: Timestamp, settings: &Settings) {
        if let Phase::Connected { settles } = &mut self.phase {
            *settles = Some(now.saturating_add(settings.repeat));
        }
    }

    /// Forgets what was sent to parties who are there; returns the bytes that this frees.
    pub(super) fn settle(&mut self, now: Timestamp, settings: &Settings) -> usize {
        self.phase = Phase::Connected { settles: None };
        let mut freed = 0;
        for side in [&mut self.caller, &mut self.callee] {
            if side.lost.is_none() {
                freed += side.inbox.settle();
            }
        }
        if self.kept_bytes() > 0 {
            self.settle_later(now, settings);
        }
        freed
    }

    /// Bytes kept for both sides.
    pub(super) const fn kept_bytes(&self) -> usize {
        self.caller.inbox.bytes + self.callee.inbox.bytes
    }

    /// The next moment at which something is due, and what.
    pub(super) fn next(&self, settings: &Settings) -> Option<(Timestamp, Due)> {
        let (grace, phase) = match self.phase {
            Phase::Ringing { until } => (
                settings.ringing_grace,
                Some((until, Due::End(Reason::Timeout))),
            ),
            Phase::Connected { settles } => (
                settings.connected_grace,
                settles.map(|moment| (moment, Due::Settle)),
            ),
        };
        let absence = |side: &Side| {
            let moment = side.lost?.saturating_add(grace);
            Some((moment, Due::End(Reason::Error)))
        };
        let dues = [absence(&self.caller), absence(&self.callee), phase];
        dues.into_iter().flatten().min_by_key(|(moment, _)| *moment)
    }
}

/// One party of a call.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) user: UserId,
    /// Since when the party has no session, if it hasn't.
    pub(super) lost: Option<Timestamp>,
    pub(super) inbox: Inbox,
    sdps: u32,
    candidates: u32,
}

impl Side {
    fn new(user: UserId) -> Self {
        Self {
            user,
            lost: None,
            inbox: Inbox::default(),
            sdps: 0,
            candidates: 0,
        }
    }

    /// Whether this side may send `signal`, by its size and by what it has sent.
    pub(super) fn check(&self, signal: &Signal, settings: &Settings) -> Result<(), Refusal> {
        settings.check_size(signal)?;
        let has_more = if signal.is_candidate() {
            self.candidates < settings.candidates
        } else {
            self.sdps < settings.sdps
        };
        if has_more {
            Ok(())
        } else {
            Err(Refusal::TooMany)
        }
    }

    pub(super) const fn count(&mut self, signal: &Signal) {
        if signal.is_candidate() {
            self.candidates += 1;
        } else {
            self.sdps += 1;
        }
    }
}

/// The signals for one party: those that went out and may yet have to be repeated, and those that
/// wait. As many as the peer may send at most, and fewer where the bytes run out.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    sent: Vec<Signal>,
    waiting: Vec<Signal>,
    bytes: usize,
}

impl Inbox {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps `signal`, and returns its bytes.
    pub(super) fn keep(&mut self, signal: Signal, route: Route) -> usize {
        let bytes = signal.payload().as_json().len();
        self.bytes += bytes;
        match route {
            Route::Send => self.sent.push(signal),
            Route::Hold => self.waiting.push(signal),
        }
        bytes
    }

    /// What waits, SDPs first: a candidate is of no use before its SDP. It counts as sent then.
    pub(super) fn release(&mut self) -> Vec<Signal> {
        let mut released = std::mem::take(&mut self.waiting);
        released.sort_by_key(Signal::is_candidate);
        self.sent.extend(released.iter().cloned());
        released
    }

    /// Everything, SDPs first. It counts as sent then.
    pub(super) fn repeat(&mut self) -> Vec<Signal> {
        self.sent.append(&mut self.waiting);
        self.sent.sort_by_key(Signal::is_candidate);
        self.sent.clone()
    }

    /// Forgets what went out; returns the bytes that this frees.
    pub(super) fn settle(&mut self) -> usize {
        let freed = bytes_of(&self.sent);
        self.sent = Vec::new();
        self.bytes -= freed;
        freed
    }
}

fn bytes_of(signals: &[Signal]) -> usize {
    let payloads = signals.iter().map(Signal::payload);
    payloads.map(Payload::as_json).map(str::len).sum()
}
