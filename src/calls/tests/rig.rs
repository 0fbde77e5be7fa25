//! A machine, a clock that only tests move, and small verbs.

use std::time::Duration;

use crate::base::{CallId, Timestamp, UserId};
use crate::calls::{
    CallEvent, CallState, Input, Invitation, Machine, Output, Payload, Reason, Refusal, Request,
    Settings, Signal, Standing, Target,
};

pub(super) struct Rig {
    pub(super) machine: Machine,
    pub(super) now: Timestamp,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self {
            machine: Machine::new(settings),
            now: Timestamp::from_millis(1_000_000),
        }
    }

    pub(super) fn input(&mut self, input: Input) -> Vec<Output> {
        self.machine.handle(input, self.now)
    }

    pub(super) fn ask(&mut self, from: UserId, request: Request) -> Vec<Output> {
        self.input(Input::Request { from, request })
    }

    /// Asks for what must be refused, and refused without any other effect.
    pub(super) fn refusal(&mut self, from: UserId, request: Request) -> Refusal {
        match &self.ask(from, request)[..] {
            [Output::Refuse { user, refusal, .. }] if *user == from => *refusal,
            others => panic!("expected a refusal and nothing else, got {others:?}"),
        }
    }

    /// Asks for what must be granted, and returns the events.
    pub(super) fn granted(&mut self, from: UserId, request: Request) -> Vec<Output> {
        let mut outputs = self.ask(from, request);
        assert!(
            matches!(outputs.first(), Some(Output::Accept { user, .. }) if *user == from),
            "expected the request to be granted, got {outputs:?}"
        );
        outputs.remove(0);
        outputs
    }

    pub(super) fn wait(&mut self, duration: Duration) -> Vec<Output> {
        self.now = self.now.saturating_add(duration);
        self.machine.handle_timeout(self.now)
    }

    pub(super) fn ring(&mut self, from: UserId, to: UserId) -> CallId {
        match self.ask(from, offer(to, None))[..] {
            [Output::Accept { call, .. }, ..] => call,
            ref others => panic!("expected a call, got {others:?}"),
        }
    }

    pub(super) fn connect(&mut self, from: UserId, to: UserId) -> CallId {
        let call = self.ring(from, to);
        self.granted(to, answer(Target::Call(call)));
        call
    }
}

/// Settings under which nobody runs out of calls to start.
pub(super) fn unrated() -> Settings {
    let mut settings = Settings::default();
    settings.per_user.count = u32::MAX;
    settings.per_pair.count = u32::MAX;
    settings
}

pub(super) fn users<const N: usize>() -> [UserId; N] {
    std::array::from_fn(|_| UserId::random())
}

pub(super) fn text(text: &str) -> Payload {
    Payload::new(format!("\"{text}\""))
}

/// A payload that counts so many bytes.
pub(super) fn bulk(bytes: usize) -> Payload {
    text(&"x".repeat(bytes))
}

pub(super) fn invite(to: UserId, call: Option<CallId>, standing: Standing) -> Invitation {
    Invitation {
        to,
        call,
        fresh: CallId::random(),
        standing,
    }
}

pub(super) fn offer(to: UserId, call: Option<CallId>) -> Request {
    Request::Offer {
        invitation: invite(to, call, Standing::Reachable),
        sdp: text("offer"),
    }
}

pub(super) fn initiate(to: UserId) -> Request {
    Request::Initiate(invite(to, None, Standing::Reachable))
}

pub(super) fn answer(target: Target) -> Request {
    let sdp = text("answer");
    Request::Answer { target, sdp }
}

pub(super) fn signal(target: Target, signal: Signal) -> Request {
    Request::Signal { target, signal }
}

pub(super) fn candidate(target: Target, name: &str) -> Request {
    signal(target, Signal::Candidate(text(name)))
}

pub(super) fn told(user: UserId, call: CallId, peer: UserId, event: CallEvent) -> Output {
    Output::ToUser {
        user,
        call,
        peer,
        event,
    }
}

pub(super) fn state(state: CallState) -> CallEvent {
    CallEvent::State(state)
}

pub(super) fn ended(reason: Reason) -> CallEvent {
    state(CallState::Ended(reason))
}

/// The events that `user` is told, in order.
pub(super) fn events_for(outputs: &[Output], user: UserId) -> Vec<CallEvent> {
    let event_for = |output: &Output| match output {
        Output::ToUser {
            user: to, event, ..
        } if *to == user => Some(event.clone()),
        _ => None,
    };
    outputs.iter().filter_map(event_for).collect()
}

pub(super) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One millisecond less than so many seconds.
pub(super) const fn almost(seconds: u64) -> Duration {
    Duration::from_millis(seconds * 1000 - 1)
}

/// The smallest step of time.
pub(super) const TICK: Duration = Duration::from_millis(1);
