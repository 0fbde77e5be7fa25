//! The machine itself: what comes in, what time does, and how a call ends.

use crate::base::{CallId, Distribution, Histogram, Timestamp, UserId};

use super::book::Book;
use super::call::{Call, Due, Role};
use super::event::{
    CallEvent, CallState, Input, Output, Over, Reason, Refusal, Request, Signal, Target,
};
use super::figures::Figures;
use super::limits::{Rate, Settings, Starts};
use super::memory::{Ended, Memory};

/// All calls of the daemon. See the room's documentation for its rules.
#[derive(Debug)]
pub struct Machine {
    pub(super) settings: Settings,
    pub(super) book: Book,
    pub(super) memory: Memory,
    pub(super) starts_of_user: Starts<UserId>,
    /// By caller and callee in that order: calling somebody doesn't count against being called.
    pub(super) starts_of_pair: Starts<(UserId, UserId)>,
    /// Bytes in all inboxes.
    pub(super) kept: usize,
    pub(super) figures: Figures,
    /// How long answered calls rang, microseconds.
    pub(super) answer_times: Histogram,
    outputs: Vec<Output>,
}

/// Bounds for the time until a call is answered: 1, 2, 5, 10, 20 and 40 seconds, in microseconds.
const ANSWER_TIMES: &[u64] = &[
    1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 40_000_000,
];

/// A refusal and the call it is about, where that isn't the one which the request named.
pub(super) struct Denial {
    pub(super) call: Option<CallId>,
    pub(super) refusal: Refusal,
}

impl Denial {
    pub(super) const fn about(call: CallId, refusal: Refusal) -> Self {
        let call = Some(call);
        Self { call, refusal }
    }
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        let call = None;
        Self { call, refusal }
    }
}

impl Machine {
    /// A machine without calls.
    pub fn new(settings: Settings) -> Self {
        Self {
            book: Book::default(),
            memory: Memory::new(settings.memory, settings.remembered),
            starts_of_user: Starts::new(settings.per_user, settings.counted),
            starts_of_pair: Starts::new(settings.per_pair, settings.counted),
            kept: 0,
            figures: Figures::default(),
            answer_times: Histogram::new(ANSWER_TIMES),
            outputs: Vec::new(),
            settings,
        }
    }

    /// Takes `input` in at `now` and says what to do about it, deadlines that have passed first.
    ///
    /// `now` shouldn't run backwards: what is due then comes so much later.
    pub fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Output> {
        self.pass_time(now);
        match input {
            Input::Request { from, request } => self.request(from, request, now),
            Input::Lost(user) => self.lost(user, now),
            Input::Returned(user) => self.returned(user),
            Input::Gone(user) => self.gone(user, now),
        }
        std::mem::take(&mut self.outputs)
    }

    /// Lets users start so many calls from now on, in all and to the same other user. What they
    /// started before counts.
    pub const fn change_rates(&mut self, per_user: Rate, per_pair: Rate) {
        self.starts_of_user.change(per_user);
        self.starts_of_pair.change(per_pair);
    }

    /// The moment at which [`Machine::handle_timeout`] is due, unless an input comes earlier.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let deadlines = [
            self.book.next_deadline(),
            self.memory.next_expiry(),
            self.starts_of_user.next_expiry(),
            self.starts_of_pair.next_expiry(),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Does what is due by `now`. Harmless at any other time.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Vec<Output> {
        self.pass_time(now);
        std::mem::take(&mut self.outputs)
    }

    /// What the machine has counted.
    pub fn figures(&self) -> Figures {
        Figures {
            ringing: self.book.len() - self.figures.connected,
            remembered: self.memory.len(),
            counted: self.starts_of_user.len() + self.starts_of_pair.len(),
            kept_bytes: self.kept,
            ..self.figures
        }
    }

    /// How long answered calls rang, microseconds. As many as there are answered ones.
    pub fn answer_times(&self) -> Distribution {
        self.answer_times.read()
    }

    fn pass_time(&mut self, now: Timestamp) {
        while let Some((id, due)) = self.book.due(now, &self.settings) {
            match due {
                Due::End(reason) => self.finish(id, reason, None, now),
                Due::Settle => self.settle(id, now),
            }
        }
        self.memory.expire(now);
        self.starts_of_user.expire(now);
        self.starts_of_pair.expire(now);
    }

    fn settle(&mut self, id: CallId, now: Timestamp) {
        if let Some(call) = self.book.call_mut(id) {
            self.kept -= call.settle(now, &self.settings);
        }
        self.book.list(id, &self.settings);
    }

    /// Decides a request. The answer comes before the events, and a refusal has no events.
    fn request(&mut self, from: UserId, request: Request, now: Timestamp) {
        if self.is_away(from) {
            self.returned(from);
        }
        let named = named_call(&request);
        let place = self.outputs.len();
        match self.decide(from, request, now) {
            Ok(call) => {
                self.book.list(call, &self.settings);
                let accept = Output::Accept { user: from, call };
                self.outputs.insert(place, accept);
            }
            Err(Denial { call, refusal }) => self.outputs.push(Output::Refuse {
                user: from,
                call: call.or(named),
                refusal,
            }),
        }
    }

    fn decide(&mut self, from: UserId, request: Request, now: Timestamp) -> Result<CallId, Denial> {
        match request {
            Request::Offer { invitation, sdp } => self.open(from, invitation, Some(sdp), now),
            Request::Initiate(invitation) => self.open(from, invitation, None, now),
            Request::Answer { target, sdp } => self.step(from, target, |machine, id, role| {
                machine.answer(id, role, Signal::Answer(sdp), now)
            }),
            Request::Accept(target) => self.step(from, target, |machine, id, role| {
                machine.accept(id, role, now)
            }),
            Request::Signal { target, signal } => self.step(from, target, |machine, id, role| {
                machine.signal(id, role, signal, now)
            }),
            Request::Reject(target) => self.step(from, target, |machine, id, role| {
                machine.reject(id, role, now)
            }),
            Request::End(target) => self.step(from, target, |machine, id, role| {
                machine.end(id, role, now);
                Ok(())
            }),
        }
    }

    /// Lets a party of the live call that `target` names take a step in it.
    fn step(
        &mut self,
        from: UserId,
        target: Target,
        step: impl FnOnce(&mut Self, CallId, Role) -> Result<(), Refusal>,
    ) -> Result<CallId, Denial> {
        let (id, role) = self.find(from, target)?;
        step(self, id, role).map_err(|refusal| Denial::about(id, refusal))?;
        Ok(id)
    }

    /// The live call that `target` names, and what `from` is in it. To strangers there is none.
    pub(super) fn find(&self, from: UserId, target: Target) -> Result<(CallId, Role), Denial> {
        let (id, peer) = match target {
            Target::Call(id) => (Some(id), None),
            Target::CallWith(id, peer) => (Some(id), Some(peer)),
            Target::With(peer) => {
                let live = self.book.between(from, peer);
                let call = live.or_else(|| self.memory.between(from, peer));
                (call, Some(peer))
            }
        };
        let id = id.ok_or(Refusal::NotFound)?;
        if let Some(call) = self.book.call(id) {
            let role = call.role_of(from).ok_or(Refusal::NotFound)?;
            let found = call.side(role.other()).user;
            return match peer {
                Some(peer) if peer != found => Err(Refusal::NotFound.into()),
                _ => Ok((id, role)),
            };
        }
        let ended = self.memory.call(id).ok_or(Refusal::NotFound)?;
        let found = ended.peer_of(from).ok_or(Refusal::NotFound)?;
        match peer {
            Some(peer) if peer != found => Err(Refusal::NotFound.into()),
            _ => Err(Denial::about(id, Refusal::Ended(ended.reason))),
        }
    }

    /// Ends a call. `notice` goes to one side in front of the state that both are told, or will be
    /// told when they return.
    pub(super) fn finish(
        &mut self,
        id: CallId,
        reason: Reason,
        notice: Option<(Role, CallEvent)>,
        now: Timestamp,
    ) {
        let Some(call) = self.book.remove(id) else {
            return;
        };
        self.kept -= call.kept_bytes();
        self.figures.connected -= usize::from(!call.is_ringing());
        self.figures.count_end(reason);
        if let Some((role, event)) = notice {
            self.tell(id, &call, role, event);
        }
        for role in [Role::Callee, Role::Caller] {
            let state = CallEvent::State(CallState::Ended(reason));
            self.tell(id, &call, role, state);
        }
        let ended = Ended {
            caller: call.caller.user,
            callee: call.callee.user,
            reason,
        };
        self.outputs.push(Output::Over(Over {
            call: id,
            caller: call.caller.user,
            callee: call.callee.user,
            started: call.started,
            answered: call.answered,
            ended: now,
            reason,
        }));
        let sides = [&call.caller, &call.callee];
        let away = sides.into_iter().filter(|side| side.lost.is_some());
        self.memory
            .insert(id, ended, away.map(|side| side.user), now);
    }

    /// Tells one side of a call something, if it is there to hear it.
    pub(super) fn tell(&mut self, id: CallId, call: &Call, role: Role, event: CallEvent) {
        let side = call.side(role);
        if side.lost.is_none() {
            self.emit(side.user, id, call.side(role.other()).user, event);
        }
    }

    pub(super) fn emit(&mut self, user: UserId, call: CallId, peer: UserId, event: CallEvent) {
        self.outputs.push(Output::ToUser {
            user,
            call,
            peer,
            event,
        });
    }

    #[cfg(test)]
    pub(super) fn counted_bytes(&self) -> usize {
        self.book.kept_bytes()
    }
}

fn named_call(request: &Request) -> Option<CallId> {
    match request {
        Request::Offer { invitation, .. } | Request::Initiate(invitation) => invitation.call,
        Request::Answer { target, .. }
        | Request::Signal { target, .. }
        | Request::Accept(target)
        | Request::Reject(target)
        | Request::End(target) => target.call(),
    }
}
