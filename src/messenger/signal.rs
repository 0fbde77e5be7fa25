//! Calls: who may ring whom, and the carrying of the machine's outputs to the sessions.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Messenger;
use super::error::Error;
use super::event::Event;
use crate::base::{CallId, Distribution, Timestamp, UserId};
use crate::calls::{
    self, CallEvent, CallState, Input, Invitation, Machine, Output, Payload, Refusal, Request,
    Signal, Standing, Target,
};
use crate::config::{self, CallPolicy};
use crate::hub::Farewell;
use crate::wire::body::ContactState;
use crate::wire::frame::{CallFrame, CallStep};

/// The machine and its alarm clock.
///
/// One lock and no queue: an input is a few map look-ups, and its outputs are offered to outboxes
/// before the lock is let go, so that no two parties can see them in different orders.
#[derive(Debug)]
pub(super) struct Calls {
    machine: Mutex<Machine>,
    policy: CallPolicy,
    /// Told when the next deadline may have come nearer.
    deadline_changed: Notify,
}

impl Calls {
    pub(super) fn new(config: &config::Calls) -> Self {
        let settings = calls::Settings {
            ring: config.ring_timeout,
            ..calls::Settings::default()
        };
        Self {
            machine: Mutex::new(Machine::new(settings)),
            policy: config.policy,
            deadline_changed: Notify::new(),
        }
    }

    /// What the machine counted, and how long answered calls rang.
    pub(super) fn figures(&self) -> (calls::Figures, Distribution) {
        let machine = self.lock();
        (machine.figures(), machine.answer_times())
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
        let target = Target::with(frame.peer, frame.call);
        let payload = |json: &serde_json::value::RawValue| Payload::new(json.get());
        let peer = frame.peer;
        let request = match frame.step {
            CallStep::Offer(sdp) => {
                let standing = self.standing(from, frame.peer).await?;
                let invitation = Invitation {
                    to: frame.peer,
                    call: frame.call,
                    fresh: CallId::random(),
                    standing,
                };
                Request::Offer {
                    invitation,
                    sdp: payload(sdp),
                }
            }
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
        self.drive_with(Input::Request { from, request }, Some(peer));
        Ok(())
    }

    pub(super) fn signal_lost(&self, user: UserId) {
        self.drive(Input::Lost(user));
    }

    pub(super) fn signal_returned(&self, user: UserId) {
        self.drive(Input::Returned(user));
    }

    pub(super) fn signal_gone(&self, user: UserId) {
        self.drive(Input::Gone(user));
    }

    /// How callee `to` stands to caller `from`. Contacts are asked first, so that somebody who isn't
    /// allowed hears the same whether or not the callee is online.
    async fn standing(&self, from: UserId, to: UserId) -> Result<Standing, Error> {
        if self.mailbox(from).await?.lock().bar.holds(self.clock.now()) {
            return Err(Error::Suspended);
        }
        let of_callee = match self.relation(to, from).await {
            Ok(relation) => relation,
            Err(Error::UserNotFound) => return Ok(Standing::NotAllowed),
            Err(error) => return Err(error),
        };
        let is_allowed = match (self.calls.policy, of_callee) {
            (_, Some(ContactState::Blocked)) | (CallPolicy::Callee | CallPolicy::Mutual, None) => {
                false
            }
            (CallPolicy::Callee | CallPolicy::Off, _) => true,
            (CallPolicy::Mutual, Some(ContactState::Allowed)) => {
                self.relation(from, to).await? == Some(ContactState::Allowed)
            }
        };
        Ok(match (is_allowed, self.hub.find(to)) {
            (false, _) => Standing::NotAllowed,
            (true, None) => Standing::Offline,
            (true, Some(_)) => Standing::Reachable,
        })
    }

    fn drive(&self, input: Input) {
        self.drive_with(input, None);
    }

    /// `peer` is whom a request is about.
    fn drive_with(&self, input: Input, peer: Option<UserId>) {
        let mut machine = self.calls.lock();
        let outputs = machine.handle(input, self.clock.now());
        self.carry(outputs, peer);
        drop(machine);
        self.calls.deadline_changed.notify_one();
    }

    fn ring_alarm(&self, now: Timestamp) {
        let mut machine = self.calls.lock();
        let outputs = machine.handle_timeout(now);
        self.carry(outputs, None);
    }

    /// Tells the sessions; a user without one is told when they return, by the machine.
    fn carry(&self, outputs: Vec<Output>, asked: Option<UserId>) {
        for output in outputs {
            let (user, event) = match output {
                Output::Accept { .. } => continue,
                Output::Refuse {
                    user,
                    call: Some(call),
                    refusal: Refusal::Ended(reason),
                } if let Some(peer) = asked => {
                    // What the first of the repeated steps was answered.
                    let event = CallEvent::State(CallState::Ended(reason));
                    (user, Event::Call { call, peer, event })
                }
                Output::Refuse {
                    user,
                    call,
                    refusal,
                } => (user, Event::CallRefused { call, refusal }),
                Output::ToUser {
                    user,
                    call,
                    peer,
                    event,
                } => (user, Event::Call { call, peer, event }),
            };
            if let Some(outbox) = self.hub.find(user) {
                outbox.offer(event);
            }
        }
    }

    /// Ends the session of `user` and everything that hangs on it.
    pub(super) fn close_session(&self, user: UserId, farewell: Farewell) {
        self.hub.close(user, farewell);
        self.signal_gone(user);
    }
}
