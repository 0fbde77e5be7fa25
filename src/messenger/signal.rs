//! Calls: who may ring whom, and the carrying of the machine's outputs to the sessions.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Messenger;
use super::callers;
use super::error::Error;
use super::event::Event;
use super::history::History;
use crate::base::{CallId, Distribution, Timestamp, UserId};
use crate::calls::{
    self, CallEvent, CallState, Input, Invitation, Machine, Output, Payload, Refusal, Request,
    Signal, Standing, Target,
};
use crate::config::{self, CallPolicy};
use crate::hub::Farewell;
use crate::wire::frame::{CallFrame, CallStep};
use crate::wire::mvchat::{CallAction, SdpKind};

/// The machine and its alarm clock.
///
/// One lock and no queue: an input is a few map look-ups, and its outputs are offered to outboxes
/// before the lock is let go, so that no two parties can see them in different orders.
#[derive(Debug)]
pub(super) struct Calls {
    machine: Mutex<Machine>,
    policy: CallPolicy,
    pub(super) history: History,
    /// Told when the next deadline may have come nearer.
    deadline_changed: Notify,
}

impl Calls {
    pub(super) fn new(config: &config::Calls, limits: &config::Limits) -> Self {
        Self {
            machine: Mutex::new(Machine::new(settings(config, limits))),
            policy: config.policy,
            history: History::of(config),
            deadline_changed: Notify::new(),
        }
    }

    /// What the machine counted, and how long answered calls rang.
    pub(super) fn figures(&self) -> (calls::Figures, Distribution) {
        let machine = self.lock();
        (machine.figures(), machine.answer_times())
    }

    /// Counts the calls that are started by other limits from now on.
    pub(super) fn change(&self, limits: &config::Limits) {
        let (per_user, per_pair) = (rate(limits.call_starts), rate(limits.call_starts_pair));
        self.lock().change_rates(per_user, per_pair);
    }

    fn lock(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Messenger {
    /// Watches the clock for the calls, for as long as it is polled.
    pub async fn watch_calls(&self) {
        loop {
            let deadline = self.calls.lock().next_deadline();
            match deadline {
                Some(deadline) => {
                    let left = deadline.since(self.clock.now());
                    let changed = self.calls.deadline_changed.notified();
                    if tokio::time::timeout(left, changed).await.is_err() {
                        self.ring_alarm(self.clock.now());
                    }
                }
                None => self.calls.deadline_changed.notified().await,
            }
        }
    }

    /// A step of `from` in a call. What comes of it, refusals included, arrives as events.
    pub(super) async fn signal(&self, from: UserId, frame: CallFrame<'_>) -> Result<(), Error> {
        let (peer, target) = (frame.peer, Target::with(frame.peer, frame.call));
        let request = match frame.step {
            CallStep::Offer(sdp) => Request::Offer {
                invitation: self.invitation(from, peer, frame.call).await?,
                sdp: payload(sdp),
            },
            CallStep::Answer(sdp) => Request::Answer {
                target,
                sdp: payload(sdp),
            },
            CallStep::Candidate(candidate) => Request::Signal {
                target,
                signal: Signal::Candidate(payload(candidate)),
            },
            CallStep::Reject => Request::Reject(target),
            CallStep::End => Request::End(target),
        };
        self.drive(Input::Request { from, request }, |verdict| {
            if let Verdict::Refused { call, refusal } = verdict {
                self.tell(from, refused_event(peer, call, refusal));
            }
        });
        Ok(())
    }

    /// The same in the words of `mvchat.v1`, which hears at once whether the step was granted.
    pub(super) async fn act(&self, from: UserId, action: CallAction<'_>) -> Result<Verdict, Error> {
        let request = match action {
            CallAction::Initiate(to) => Request::Initiate(self.invitation(from, to, None).await?),
            CallAction::Answer(call) => Request::Accept(Target::Call(call)),
            CallAction::Reject(call) => Request::Reject(Target::Call(call)),
            CallAction::End(call) => Request::End(Target::Call(call)),
            CallAction::Sdp(call, kind, sdp) => Request::Signal {
                target: Target::Call(call),
                signal: match kind {
                    SdpKind::Offer => Signal::Offer(payload(sdp)),
                    SdpKind::Answer => Signal::Answer(payload(sdp)),
                },
            },
            CallAction::Ice(call, candidate) => Request::Signal {
                target: Target::Call(call),
                signal: Signal::Candidate(payload(candidate)),
            },
        };
        let mut decided = None;
        self.drive(Input::Request { from, request }, |verdict| {
            decided = Some(verdict);
        });
        decided.ok_or(Error::Internal)
    }

    async fn invitation(
        &self,
        from: UserId,
        to: UserId,
        call: Option<CallId>,
    ) -> Result<Invitation, Error> {
        Ok(Invitation {
            to,
            call,
            fresh: CallId::random(),
            standing: self.standing(from, to).await?,
        })
    }

    pub(super) fn signal_lost(&self, user: UserId) {
        self.drive(Input::Lost(user), |_| {});
    }

    pub(super) fn signal_returned(&self, user: UserId) {
        self.drive(Input::Returned(user), |_| {});
    }

    pub(super) fn signal_gone(&self, user: UserId) {
        self.drive(Input::Gone(user), |_| {});
    }

    async fn standing(&self, from: UserId, to: UserId) -> Result<Standing, Error> {
        if self.mailbox(from).await?.lock().bar.holds(self.clock.now()) {
            return Err(Error::Suspended);
        }
        callers::standing(self, self.calls.policy, from, to).await
    }

    /// Passes `input` to the machine and tells the sessions what comes of it. What became of a
    /// request is heard in its place among the events, by `hear`.
    fn drive(&self, input: Input, mut hear: impl FnMut(Verdict)) {
        let mut machine = self.calls.lock();
        let outputs = machine.handle(input, self.clock.now());
        self.carry(outputs, &mut hear);
        drop(machine);
        self.calls.deadline_changed.notify_one();
    }

    fn ring_alarm(&self, now: Timestamp) {
        let mut machine = self.calls.lock();
        let outputs = machine.handle_timeout(now);
        self.carry(outputs, &mut |_| {});
    }

    fn carry(&self, outputs: Vec<Output>, hear: &mut impl FnMut(Verdict)) {
        for output in outputs {
            match output {
                Output::Accept { call, .. } => hear(Verdict::Granted(call)),
                Output::Refuse { call, refusal, .. } => hear(Verdict::Refused { call, refusal }),
                Output::ToUser {
                    user,
                    call,
                    peer,
                    event,
                } => self.tell(user, Event::Call { call, peer, event }),
                Output::Over(over) => self.note_in_history(over),
            }
        }
    }

    /// Tells the session of `user`; without one they are told when they return, by the machine.
    fn tell(&self, user: UserId, event: Event) {
        if let Some(outbox) = self.hub.find(user) {
            outbox.offer(event);
        }
    }

    /// Ends the session of `user` and everything that hangs on it.
    pub(super) fn close_session(&self, user: UserId, farewell: Farewell) {
        self.hub.close(user, farewell);
        self.withdraw(user);
        self.signal_gone(user);
    }
}

/// What became of a step in a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken; what comes of it arrives as events.
    Granted(CallId),
    /// It has changed nothing.
    Refused {
        /// The call in question, where there is one.
        call: Option<CallId>,
        /// Why.
        refusal: Refusal,
    },
}

/// SDPs of the largest size that wait for one party, at most.
const MOST_WAITING: usize = 4;

fn settings(config: &config::Calls, limits: &config::Limits) -> calls::Settings {
    calls::Settings {
        ring: config.ring_timeout,
        ringing_grace: config.ringing_grace,
        connected_grace: config.connected_grace,
        ringing_per_user: config.ringing,
        sdps: config.sdps,
        sdp_bytes: config.sdp_bytes,
        candidates: config.candidates,
        candidate_bytes: config.candidate_bytes,
        inbox_bytes: MOST_WAITING * config.sdp_bytes.max(config.candidate_bytes),
        per_user: rate(limits.call_starts),
        per_pair: rate(limits.call_starts_pair),
        ..calls::Settings::default()
    }
}

const fn rate(rate: config::Rate) -> calls::Rate {
    let config::Rate { count, period } = rate;
    calls::Rate { count, period }
}

fn payload(json: &serde_json::value::RawValue) -> Payload {
    Payload::new(json.get())
}

/// A refusal as `privcomm.v1` tells it: a repeated step in a call that is over gets the answer that
/// the first one had.
fn refused_event(peer: UserId, call: Option<CallId>, refusal: Refusal) -> Event {
    match (call, refusal) {
        (Some(call), Refusal::Ended(reason)) => {
            let event = CallEvent::State(CallState::Ended(reason));
            Event::Call { call, peer, event }
        }
        (call, refusal) => Event::CallRefused { call, refusal },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_configuration_are_those_of_the_machine() {
        let config = settings(&config::Calls::default(), &config::Limits::default());
        assert_eq!(config, calls::Settings::default());
    }
}
