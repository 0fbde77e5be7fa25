//! What goes into the machine and what comes out of it, in words that belong to neither dialect.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{CallId, Timestamp, UserId};

/// An SDP or a candidate as it stood in the frame: the text of a JSON string or object, never read.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Arc<str>);

impl Payload {
    /// Takes the JSON text of a value.
    pub fn new(json: impl Into<Arc<str>>) -> Self {
        Self(json.into())
    }

    /// The JSON text.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// What counts against the limits: the bytes of the JSON text, without the quotes of a string.
    pub fn size(&self) -> usize {
        match self.0.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').unwrap_or(rest).len(),
            None => self.0.len(),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// What one party passes to the other through an existing call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// An SDP offer.
    Offer(Payload),
    /// An SDP answer.
    Answer(Payload),
    /// An ICE candidate.
    Candidate(Payload),
}

impl Signal {
    /// What it carries.
    pub const fn payload(&self) -> &Payload {
        match self {
            Self::Offer(payload) | Self::Answer(payload) | Self::Candidate(payload) => payload,
        }
    }

    /// Whether it is a candidate, and not an SDP.
    pub const fn is_candidate(&self) -> bool {
        matches!(self, Self::Candidate(_))
    }
}

/// What happens to the machine, apart from time passing.
#[derive(Debug, Clone)]
pub enum Input {
    /// A user asks for something.
    Request {
        /// Who asks, as its session proved it.
        from: UserId,
        /// For what.
        request: Request,
    },
    /// A user has no session any more.
    Lost(UserId),
    /// A user has a new session, be it after [`Input::Lost`] or in place of an old one.
    Returned(UserId),
    /// A user is no user any more: suspended or deleted.
    Gone(UserId),
}

/// What a user may ask for.
#[derive(Debug, Clone)]
pub enum Request {
    /// `call_offer` of `privcomm.v1`: starts a call with its SDP, or renegotiates the one there is.
    Offer {
        /// Whom it is for.
        invitation: Invitation,
        /// The caller's SDP.
        sdp: Payload,
    },
    /// `initiate` of `mvchat.v1`: starts a call; the SDP follows as a [`Signal`].
    Initiate(Invitation),
    /// `call_answer` of `privcomm.v1`: takes the call with an SDP, or answers a renegotiation.
    Answer {
        /// Which call.
        target: Target,
        /// The answering SDP.
        sdp: Payload,
    },
    /// `answer` of `mvchat.v1`: takes the call; the SDP comes before or after as a [`Signal`].
    Accept(Target),
    /// `ice_candidate` of `privcomm.v1`, `sdp` and `ice` of `mvchat.v1`.
    Signal {
        /// Which call.
        target: Target,
        /// What to pass on.
        signal: Signal,
    },
    /// The callee won't take the call.
    Reject(Target),
    /// Either hangs up, or the caller gives up.
    End(Target),
}

/// What starting a call takes.
#[derive(Debug, Clone, Copy)]
pub struct Invitation {
    /// The callee.
    pub to: UserId,
    /// The id that the caller chose, if it did.
    pub call: Option<CallId>,
    /// A fresh id for the call where the caller chose none.
    pub fresh: CallId,
    /// How the callee stands to the caller.
    pub standing: Standing,
}

/// How a callee stands to a caller: decided by contacts and presence, which the machine doesn't know.
///
/// One value and not two flags, so that a caller who isn't allowed can't learn who is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Unknown or blocked caller, connected callee or not; also a callee who doesn't exist.
    NotAllowed,
    /// An allowed caller; the callee has no session.
    Offline,
    /// An allowed caller, a connected callee.
    Reachable,
}

/// Which call a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The call of this id.
    Call(CallId),
    /// The sender's one live call with this peer.
    With(UserId),
    /// The call of this id, which must be with this peer.
    CallWith(CallId, UserId),
}

impl Target {
    /// What a frame names: its peer, and the call if it has a `call_id`.
    pub fn with(peer: UserId, call: Option<CallId>) -> Self {
        call.map_or(Self::With(peer), |call| Self::CallWith(call, peer))
    }

    /// The call it names, if it does.
    pub const fn call(self) -> Option<CallId> {
        match self {
            Self::Call(call) | Self::CallWith(call, _) => Some(call),
            Self::With(_) => None,
        }
    }
}

/// What the machine wants done, in the order in which it must be done.
///
/// Every [`Input::Request`] has exactly one `Accept` or `Refuse`, and it comes before the events
/// that the request caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The request is granted (`ctrl` 200 in `mvchat.v1`; nothing in `privcomm.v1`).
    Accept {
        /// Who asked.
        user: UserId,
        /// The call it was about.
        call: CallId,
    },
    /// The request is refused, and has changed nothing.
    Refuse {
        /// Who asked.
        user: UserId,
        /// The call in question: the one in the way, else the one that the request named.
        call: Option<CallId>,
        /// Why.
        refusal: Refusal,
    },
    /// A party of a call is to be told something.
    ToUser {
        /// Who.
        user: UserId,
        /// About which call.
        call: CallId,
        /// With whom the call is; for everything but a state this is also whom it comes from.
        peer: UserId,
        /// What.
        event: CallEvent,
    },
    /// A call that had begun to ring is over; both parties were told before.
    Over(Over),
}

/// A call that is over, for the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// Which.
    pub call: CallId,
    /// Who called.
    pub caller: UserId,
    /// Who was rung.
    pub callee: UserId,
    /// When it began to ring.
    pub started: Timestamp,
    /// When the callee took it, if it did.
    pub answered: Option<Timestamp>,
    /// When it was over.
    pub ended: Timestamp,
    /// Why.
    pub reason: Reason,
}

/// What a party is told about its call.
///
/// A party may be told the same twice when its socket was lost (see the module's documentation).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallEvent {
    /// The peer calls: `call_offer`, or `call_state` `ringing` where there is no SDP yet.
    Incoming {
        /// The caller's SDP, unless it follows as a [`Signal`].
        sdp: Option<Payload>,
    },
    /// The peer passes this on.
    Signal(Signal),
    /// The peer rejected the call; a [`CallEvent::State`] follows.
    Rejected(Reason),
    /// The peer ended the call; a [`CallEvent::State`] follows.
    Ended(Reason),
    /// What the call is now.
    State(CallState),
}

/// The states of PROTOCOL.md §7.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallState {
    /// The callee was told and hasn't answered.
    Ringing,
    /// The callee answered.
    Connected,
    /// Over, and why.
    Ended(Reason),
}

impl CallState {
    /// The state's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Connected => "connected",
            Self::Ended(_) => "ended",
        }
    }

    /// Why the call is over, if it is.
    pub const fn reason(self) -> Option<Reason> {
        match self {
            Self::Ended(reason) => Some(reason),
            Self::Ringing | Self::Connected => None,
        }
    }
}

/// Why a call is over (PROTOCOL.md §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A party ended it.
    Hangup,
    /// The callee rejected it.
    Rejected,
    /// Nobody answered in time.
    Timeout,
    /// A party's socket didn't return in time, or its account is gone.
    Error,
}

impl Reason {
    /// The reason's name on the wire, the same in both dialects.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hangup => "hangup",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Error => "error",
        }
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The callee hasn't allowed the caller, or there is no such callee.
    #[error("the other user takes no calls from you")]
    NotAllowed,
    /// The callee has no session.
    #[error("the other user is not connected")]
    Offline,
    /// One of the two is in a call, calls already, or is being rung as often as may be.
    #[error("one of you is in another call")]
    Busy,
    /// The callee is calling the caller at this moment: answer that call instead.
    #[error("the other user is calling you; answer that call")]
    Glare(CallId),
    /// Too many calls started.
    #[error("too many calls; try again in {} s", .0.as_millis().div_ceil(1000))]
    RateLimited(Duration),
    /// The machine holds as much as it may.
    #[error("the server is at capacity; try again later")]
    Capacity,
    /// There is no such call, as far as the asker may know.
    #[error("no such call")]
    NotFound,
    /// Only the other party of the call may do this.
    #[error("only the other party may do this")]
    WrongRole,
    /// The call isn't in a state for this.
    #[error("the call is not in a state for this")]
    WrongState,
    /// An SDP or a candidate is over its size.
    #[error("expected at most {limit} bytes, got {size}")]
    TooLarge {
        /// The most there may be, bytes.
        limit: usize,
        /// What came, bytes.
        size: usize,
    },
    /// More SDPs or candidates than one side may send in one call, or than can be held for a party
    /// who isn't there to take them.
    #[error("too many in one call")]
    TooMany,
    /// The call is over: the answer that its last state was (`call_state` in `privcomm.v1`, 410 in
    /// `mvchat.v1`).
    #[error("the call has ended: {}", .0.as_str())]
    Ended(Reason),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_counts_without_its_quotes_and_does_not_print() {
        assert_eq!(Payload::new("\"v=0\"").size(), 3);
        assert_eq!(Payload::new("{\"a\":1}").size(), 7);
        assert_eq!(Payload::new("\"").size(), 0);
        assert_eq!(format!("{:?}", Payload::new("\"v=0\"")), "Payload(5 bytes)");
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_rounded_up() {
        let refusal = Refusal::RateLimited(Duration::from_millis(1001));
        assert_eq!(refusal.to_string(), "too many calls; try again in 2 s");
    }
}
