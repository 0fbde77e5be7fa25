//! Random histories of two and of five users, checked after every event against what each of them was told.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;

use super::rig::{Rig, text, unrated, users};
use crate::base::{CallId, Timestamp, UserId};
use crate::calls::call::Call;
use crate::calls::{
    CallEvent, CallState, Input, Invitation, Output, Over, Payload, Reason, Refusal, Request,
    Settings, Signal, Standing, Target,
};

const USERS: usize = 5;

/// What happens, with users by number and calls by their place among those seen so far.
#[derive(Debug, Clone)]
enum Happening {
    Ask(usize, Wish),
    Lose(usize),
    Return(usize),
    Delete(usize),
    Wait(Duration),
}

/// A request before its ids are known.
#[derive(Debug, Clone)]
enum Wish {
    Offer(usize, Naming, bool),
    Initiate(usize, bool),
    Answer(Aim),
    Accept(Aim),
    Signal(Aim, u8),
    Reject(Aim),
    End(Aim),
}

#[derive(Debug, Clone)]
enum Naming {
    None,
    New,
    Seen(Index),
}

#[derive(Debug, Clone)]
enum Aim {
    Call(Index),
    With(usize),
    Both(Index, usize),
}

fn aim() -> impl Strategy<Value = Aim> {
    prop_oneof![
        3 => any::<Index>().prop_map(Aim::Call),
        4 => (0..USERS).prop_map(Aim::With),
        1 => (any::<Index>(), 0..USERS).prop_map(|(call, peer)| Aim::Both(call, peer)),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    let naming = prop_oneof![
        3 => Just(Naming::None),
        3 => Just(Naming::New),
        1 => any::<Index>().prop_map(Naming::Seen),
    ];
    let allowed = prop::bool::weighted(0.9);
    prop_oneof![
        4 => (0..USERS, naming, allowed).prop_map(|(to, id, ok)| Wish::Offer(to, id, ok)),
        2 => (0..USERS, prop::bool::weighted(0.9)).prop_map(|(to, ok)| Wish::Initiate(to, ok)),
        4 => aim().prop_map(Wish::Answer),
        2 => aim().prop_map(Wish::Accept),
        4 => (aim(), 0..3_u8).prop_map(|(aim, kind)| Wish::Signal(aim, kind)),
        1 => aim().prop_map(Wish::Reject),
        2 => aim().prop_map(Wish::End),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    let pause = prop_oneof![
        4 => 0..4_000_u64,
        2 => prop::sample::select(vec![4_999, 5_000, 29_999, 30_000, 60_000, 90_000]),
        1 => 0..400_000_u64,
    ];
    prop_oneof![
        12 => (0..USERS, wish()).prop_map(|(user, wish)| Happening::Ask(user, wish)),
        2 => (0..USERS).prop_map(Happening::Lose),
        2 => (0..USERS).prop_map(Happening::Return),
        1 => (0..USERS).prop_map(Happening::Delete),
        3 => pause.prop_map(|millis| Happening::Wait(Duration::from_millis(millis))),
    ]
}

/// Everybody talks, and nobody is lost: the histories in which calls crowd.
fn crowded() -> impl Strategy<Value = Happening> {
    let short = (0..2_000_u64).prop_map(Duration::from_millis);
    let calls = prop_oneof![
        2 => (0..USERS).prop_map(|to| Wish::Initiate(to, true)),
        2 => Just(Wish::Initiate(0, true)),
        1 => (0..USERS).prop_map(|peer| Wish::Accept(Aim::With(peer))),
        1 => wish(),
    ];
    prop_oneof![
        12 => (0..USERS, calls).prop_map(|(user, wish)| Happening::Ask(user, wish)),
        1 => short.prop_map(Happening::Wait),
    ]
}

/// Calls as one user saw them.
#[derive(Debug, Default)]
struct Counts {
    begun: u32,
    ended: u32,
    /// Whose end it missed, being away for longer than ended calls are remembered.
    missed: u32,
}

/// What the users of a history know, from nothing but what they were told.
struct World {
    rig: Rig,
    users: [UserId; USERS],
    seen: Vec<CallId>,
    /// Caller and callee.
    parties: HashMap<CallId, (UserId, UserId)>,
    /// The live calls that a user knows of.
    knows: HashMap<(UserId, CallId), CallState>,
    ends: HashMap<CallId, Reason>,
    /// Calls that began and weren't said to be over, with caller and callee.
    open: HashMap<CallId, (UserId, UserId)>,
    answered: HashSet<CallId>,
    counts: HashMap<UserId, Counts>,
    away: HashMap<UserId, Timestamp>,
}

impl World {
    fn new(settings: Settings) -> Self {
        Self {
            rig: Rig::with(settings),
            users: users(),
            seen: vec![CallId::random()],
            parties: HashMap::new(),
            knows: HashMap::new(),
            ends: HashMap::new(),
            open: HashMap::new(),
            answered: HashSet::new(),
            counts: HashMap::new(),
            away: HashMap::new(),
        }
    }

    fn live(&mut self, happening: Happening) {
        match happening {
            Happening::Ask(user, wish) => {
                let from = self.users[user];
                if !self.away.contains_key(&from) {
                    let request = self.request(from, wish);
                    self.ask(from, request);
                }
            }
            Happening::Lose(user) => {
                let user = self.users[user];
                self.away.entry(user).or_insert(self.rig.now);
                let outputs = self.rig.input(Input::Lost(user));
                self.hear(&outputs);
            }
            Happening::Return(user) => self.bring_back(self.users[user]),
            Happening::Delete(user) => {
                let outputs = self.rig.input(Input::Gone(self.users[user]));
                self.hear(&outputs);
            }
            Happening::Wait(duration) => {
                let outputs = self.rig.wait(duration);
                self.hear(&outputs);
            }
        }
        self.check();
    }

    fn request(&self, from: UserId, wish: Wish) -> Request {
        match wish {
            Wish::Offer(to, naming, allowed) => Request::Offer {
                invitation: self.invitation(to, &naming, allowed),
                sdp: payload(from),
            },
            Wish::Initiate(to, ok) => Request::Initiate(self.invitation(to, &Naming::None, ok)),
            Wish::Answer(aim) => Request::Answer {
                target: self.target(&aim),
                sdp: payload(from),
            },
            Wish::Accept(aim) => Request::Accept(self.target(&aim)),
            Wish::Signal(aim, kind) => Request::Signal {
                target: self.target(&aim),
                signal: match kind {
                    0 => Signal::Offer(payload(from)),
                    1 => Signal::Answer(payload(from)),
                    _ => Signal::Candidate(payload(from)),
                },
            },
            Wish::Reject(aim) => Request::Reject(self.target(&aim)),
            Wish::End(aim) => Request::End(self.target(&aim)),
        }
    }

    fn invitation(&self, to: usize, naming: &Naming, allowed: bool) -> Invitation {
        let to = self.users[to];
        let call = match naming {
            Naming::None => None,
            Naming::New => Some(CallId::random()),
            Naming::Seen(index) => Some(self.seen(*index)),
        };
        let standing = match (allowed, self.away.contains_key(&to)) {
            (false, _) => Standing::NotAllowed,
            (true, true) => Standing::Offline,
            (true, false) => Standing::Reachable,
        };
        Invitation {
            to,
            call,
            fresh: CallId::random(),
            standing,
        }
    }

    fn target(&self, aim: &Aim) -> Target {
        match aim {
            Aim::Call(index) => Target::Call(self.seen(*index)),
            Aim::With(peer) => Target::With(self.users[*peer]),
            Aim::Both(index, peer) => Target::CallWith(self.seen(*index), self.users[*peer]),
        }
    }

    /// One of the latest calls.
    fn seen(&self, index: Index) -> CallId {
        let latest = self.seen.len().saturating_sub(6);
        *index.get(&self.seen[latest..])
    }

    fn ask(&mut self, from: UserId, request: Request) {
        let outputs = self.rig.ask(from, request);
        let answers: Vec<_> = outputs
            .iter()
            .enumerate()
            .filter(|(_, output)| !matches!(output, Output::ToUser { .. } | Output::Over(_)))
            .collect();
        let &[(place, answer)] = &answers[..] else {
            panic!("expected one answer, got {outputs:?}");
        };
        match answer {
            Output::Accept { user, call } => {
                assert_eq!(*user, from);
                if !self.seen.contains(call) {
                    self.seen.push(*call);
                }
            }
            Output::Refuse {
                user,
                call,
                refusal,
            } => {
                assert_eq!((*user, place), (from, outputs.len() - 1));
                if let (Refusal::Ended(reason), Some(call)) = (refusal, call) {
                    assert_eq!(self.ends.get(call), Some(reason));
                }
            }
            Output::ToUser { .. } | Output::Over(_) => {}
        }
        self.hear(&outputs);
    }

    /// What a returning user isn't told of is over, and must have been for longer than it is
    /// remembered.
    fn bring_back(&mut self, user: UserId) {
        let outputs = self.rig.input(Input::Returned(user));
        let told: HashSet<_> = outputs.iter().filter_map(call_of).collect();
        let since = self.away.remove(&user);
        let absence = since.map_or(Duration::ZERO, |since| self.rig.now.since(since));
        let forgotten = |of: &UserId, call: &CallId| *of == user && !told.contains(call);
        let missed = self.knows.keys();
        let missed = missed.filter(|(of, call)| forgotten(of, call)).count();
        assert!(missed == 0 || absence >= Duration::from_mins(1));
        self.knows.retain(|(of, call), _| !forgotten(of, call));
        self.counts.entry(user).or_default().missed += u32::try_from(missed).unwrap();
        self.hear(&outputs);
    }

    fn hear(&mut self, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::ToUser {
                    user,
                    call,
                    peer,
                    event,
                } => {
                    assert!(!self.away.contains_key(user), "told to somebody away");
                    self.learn(*user, *call, *peer, event);
                }
                Output::Over(over) => self.conclude(over),
                Output::Accept { .. } | Output::Refuse { .. } => {}
            }
        }
    }

    /// A call is said to be over: once, of the two who had it, and after both were told.
    fn conclude(&mut self, over: &Over) {
        let parties = self.open.remove(&over.call);
        assert_eq!(parties, Some((over.caller, over.callee)));
        let told = *self.ends.entry(over.call).or_insert(over.reason);
        assert_eq!(told, over.reason);
        for user in [over.caller, over.callee] {
            let knows = self.knows.contains_key(&(user, over.call));
            assert!(!knows || self.away.contains_key(&user), "not told the end");
        }
        assert_eq!(over.answered.is_some(), self.answered.remove(&over.call));
        let answered = over.answered.unwrap_or(over.started);
        assert!(over.started <= answered && answered <= over.ended);
        assert_eq!(over.ended, self.rig.now);
    }

    fn learn(&mut self, user: UserId, call: CallId, peer: UserId, event: &CallEvent) {
        if matches!(event, CallEvent::Incoming { .. }) && !self.knows.contains_key(&(user, call)) {
            self.begin(call, (peer, user));
        }
        let (from, to) = self.parties[&call];
        let is_party = [(from, to), (to, from)].contains(&(user, peer));
        assert!(is_party, "told to a third party");
        match event {
            CallEvent::State(CallState::Ended(reason)) => {
                let first = *self.ends.entry(call).or_insert(*reason);
                assert_eq!(first, *reason, "both parties see the same end");
                let known = self.knows.remove(&(user, call));
                assert!(known.is_some(), "told twice, or of a call unheard of");
                self.counts.entry(user).or_default().ended += 1;
            }
            CallEvent::State(state) => self.become_state(user, call, *state),
            CallEvent::Incoming { sdp } => {
                assert_eq!(user, to, "a caller is rung by its own call");
                self.become_state(user, call, CallState::Ringing);
                let own = sdp.iter().all(|sdp| *sdp == payload(peer));
                assert!(own, "an SDP of somebody else");
            }
            CallEvent::Signal(signal) => {
                let known = self.knows.get(&(user, call));
                assert!(known.is_some(), "a signal in no live call");
                let early = user == from && known == Some(&CallState::Ringing);
                assert!(!early, "the callee's signal before its answer");
                assert_eq!(*signal.payload(), payload(peer));
            }
            CallEvent::Rejected(_) | CallEvent::Ended(_) => {
                assert!(self.knows.contains_key(&(user, call)), "ended twice");
            }
        }
    }

    /// A new call, perhaps under the id of one that is long forgotten.
    fn begin(&mut self, call: CallId, parties: (UserId, UserId)) {
        self.ends.remove(&call);
        for user in self.users {
            if self.knows.remove(&(user, call)).is_some() {
                self.counts.entry(user).or_default().missed += 1;
            }
        }
        self.parties.insert(call, parties);
        for user in [parties.0, parties.1] {
            let talks = |((of, _), state): (&(UserId, _), &CallState)| {
                *of == user && *state == CallState::Connected
            };
            assert!(!self.knows.iter().any(talks), "rung while in a call");
        }
        let open = self.open.insert(call, parties);
        assert_eq!(open, None, "a call began in the place of a live one");
    }

    fn become_state(&mut self, user: UserId, call: CallId, state: CallState) {
        assert!(!self.ends.contains_key(&call), "a call rose from the dead");
        let before = self.knows.insert((user, call), state);
        if before.is_none() {
            self.counts.entry(user).or_default().begun += 1;
        }
        if state == CallState::Connected {
            self.answered.insert(call);
        }
        let back = before == Some(CallState::Connected) && state == CallState::Ringing;
        assert!(!back, "a connected call rang");
    }

    /// What holds at any moment.
    fn check(&self) {
        for user in self.users {
            let live: Vec<_> = self.rig.machine.book.calls_of(user).collect();
            let count = |is: fn(&Call, UserId) -> bool| {
                live.iter().filter(|(_, call)| is(call, user)).count()
            };
            let connected = count(|call, _| !call.is_ringing());
            let outgoing = count(|call, user| call.is_ringing() && call.caller.user == user);
            assert!(connected + outgoing <= 1, "{connected} and {outgoing}");
            assert!(count(|call, user| call.is_ringing() && call.callee.user == user) <= 3);
            for (_, call) in &live {
                self.check_patience(user, call);
            }
            if !self.away.contains_key(&user) {
                let live: HashMap<_, _> = live.iter().map(|(id, c)| (*id, c.state())).collect();
                let known = self.knows.iter().filter(|((of, _), _)| *of == user);
                let known: HashMap<_, _> = known.map(|((_, id), state)| (*id, *state)).collect();
                assert_eq!(known, live, "a user knows its live calls, and no others");
            }
        }
        let machine = &self.rig.machine;
        let figures = machine.figures();
        assert_eq!(figures.kept_bytes, machine.counted_bytes());
        let ended = figures.hangup + figures.rejected + figures.timeout + figures.error;
        let live = (figures.ringing + figures.connected) as u64;
        assert_eq!(figures.started, live + ended);
        assert_eq!(self.open.len() as u64, live);
        assert!(machine.next_deadline().is_none_or(|due| due > self.rig.now));
    }

    /// No call rings for too long, or waits too long for somebody who is away.
    fn check_patience(&self, user: UserId, call: &Call) {
        let settings = Settings::default();
        let grace = if call.is_ringing() {
            assert!(self.rig.now.since(call.started) < settings.ring);
            settings.ringing_grace
        } else {
            settings.connected_grace
        };
        let since = self.away.get(&user).copied();
        assert!(since.is_none_or(|since| self.rig.now.since(since) < grace));
    }

    /// All sockets drop and nobody comes back: everything ends, and nothing is left of it.
    fn end(&mut self) {
        for user in 0..USERS {
            self.live(Happening::Lose(user));
        }
        while let Some(due) = self.rig.machine.next_deadline() {
            let wait = due.since(self.rig.now);
            self.live(Happening::Wait(wait));
        }
        let figures = self.rig.machine.figures();
        assert_eq!((figures.ringing, figures.connected), (0, 0));
        assert_eq!((figures.remembered, figures.counted), (0, 0));
        assert_eq!(figures.kept_bytes, 0);
        assert!(self.rig.machine.book.is_empty());
        assert!(self.rig.machine.memory.is_empty());
        for user in self.users {
            self.bring_back(user);
        }
        assert!(self.knows.is_empty(), "a call without an end");
        let begun: u32 = self.counts.values().map(|counts| counts.begun).sum();
        assert_eq!(
            u64::from(begun),
            2 * figures.started,
            "each call is two parties'"
        );
        for Counts {
            begun,
            ended,
            missed,
        } in self.counts.values()
        {
            assert_eq!(*begun, ended + missed, "one end for each call and party");
        }
    }
}

/// A payload that says who made it.
fn payload(from: UserId) -> Payload {
    text(&from.to_string())
}

fn call_of(output: &Output) -> Option<CallId> {
    match output {
        Output::ToUser { call, .. } => Some(*call),
        _ => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(384))]

    #[test]
    fn no_history_breaks_a_promise(
        happenings in prop_oneof![
            prop::collection::vec(happening(), 1..120),
            prop::collection::vec(crowded(), 1..120),
        ],
        rated in prop::bool::weighted(0.2),
        kept_bytes in prop_oneof![3 => Just(1 << 20), 1 => 0..400_usize],
    ) {
        let settings = if rated { Settings::default() } else { unrated() };
        let mut world = World::new(Settings { kept_bytes, ..settings });
        for happening in happenings {
            world.live(happening);
        }
        world.end();
    }

    #[test]
    fn two_users_and_no_history_breaks_a_promise(
        happenings in prop::collection::vec(happening(), 1..120),
    ) {
        let mut world = World::new(unrated());
        let [anna, bob, ..] = world.users;
        world.users = [anna, bob, anna, bob, anna];
        for happening in happenings {
            world.live(happening);
        }
        world.end();
    }
}
