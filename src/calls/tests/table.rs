//! Walks every cell of the table in the room's documentation.

use super::rig::{
    Rig, TICK, almost, answer, candidate, ended, events_for, initiate, offer, secs, signal, state,
    text, users,
};
use crate::base::{CallId, UserId};
use crate::calls::{CallEvent, CallState, Input, Output, Reason, Refusal, Request, Signal, Target};

const ROOM: &str = include_str!("../mod.rs");
const COLUMNS: usize = 6;

/// Anna called Bob, and what became of it is the column.
struct Scene {
    rig: Rig,
    anna: UserId,
    bob: UserId,
    call: CallId,
}

impl Scene {
    fn of_column(column: usize) -> Self {
        let (mut rig, [anna, bob]) = (Rig::new(), users());
        let call = match column {
            0 => CallId::random(),
            1 | 2 => rig.ring(anna, bob),
            3 | 4 => rig.connect(anna, bob),
            _ => {
                let call = rig.connect(anna, bob);
                rig.granted(anna, Request::End(Target::Call(call)));
                call
            }
        };
        Self {
            rig,
            anna,
            bob,
            call,
        }
    }

    /// Who may be meant by a column, each with its peer.
    fn actors(&self, column: usize) -> Vec<(UserId, UserId)> {
        let (anna, bob) = (self.anna, self.bob);
        match column {
            1 | 3 => vec![(anna, bob)],
            2 | 4 => vec![(bob, anna)],
            _ => vec![(anna, bob), (bob, anna)],
        }
    }

    fn input(&self, row: &str, from: UserId, peer: UserId) -> Input {
        let target = Target::Call(self.call);
        let request = match row {
            "Offer" => offer(peer, Some(self.call)),
            "Initiate" => initiate(peer),
            "Answer" => answer(target),
            "Accept" => Request::Accept(target),
            "Signal offer" => signal(target, Signal::Offer(text("signal"))),
            "Signal answer" => signal(target, Signal::Answer(text("signal"))),
            "Candidate" => candidate(target, "candidate"),
            "Reject" => Request::Reject(target),
            "End" => Request::End(target),
            "Lost" => return Input::Lost(from),
            "Returned" => return Input::Returned(from),
            "Gone" => return Input::Gone(from),
            row => panic!("the table has a row that no test knows: {row}"),
        };
        Input::Request { from, request }
    }

    /// The word for what `outputs` did, after making sure that they did all of it.
    fn outcome(&mut self, outputs: &[Output], actor: UserId, peer: UserId) -> String {
        let (own, others) = (events_for(outputs, actor), events_for(outputs, peer));
        let word = match outputs.first() {
            Some(Output::Refuse { refusal, .. }) => {
                assert_eq!(outputs.len(), 1, "a refusal has no events");
                refusal_word(*refusal, self.call)
            }
            None => return self.silent_outcome(peer),
            Some(Output::Accept { .. }) if outputs.len() == 1 => self.held_outcome(),
            Some(Output::Accept { .. }) => granted_word(&own, &others),
            Some(Output::ToUser { .. }) if others.is_empty() => "tells",
            Some(Output::ToUser { .. }) => ended_word(&own, &others),
            Some(Output::Over(_)) => panic!("both are told before a call is over"),
        };
        word.to_owned()
    }

    /// Nothing was said: either the machine waits for somebody, or nothing happened.
    fn silent_outcome(&mut self, peer: UserId) -> String {
        for second in 1..=40 {
            let outputs = self.rig.wait(secs(1));
            if events_for(&outputs, peer).contains(&ended(Reason::Error)) {
                return format!("waits-{second}");
            }
        }
        "nothing".to_owned()
    }

    /// It was granted, and nobody was told: the caller must be, when the callee answers.
    fn held_outcome(&mut self) -> &'static str {
        let answered = self.rig.granted(self.bob, answer(Target::Call(self.call)));
        let events = events_for(&answered, self.anna);
        assert_eq!(events.len(), 3, "the state, the answer and what was held");
        "holds"
    }
}

fn refusal_word(refusal: Refusal, call: CallId) -> &'static str {
    match refusal {
        Refusal::Glare(existing) if existing == call => "glare",
        Refusal::Busy => "busy",
        Refusal::WrongRole => "role",
        Refusal::WrongState => "state",
        Refusal::NotFound => "unknown",
        Refusal::Ended(Reason::Hangup) => "over",
        other => panic!("no word for {other:?}"),
    }
}

fn granted_word(own: &[CallEvent], others: &[CallEvent]) -> &'static str {
    match (own, others) {
        ([CallEvent::State(CallState::Ringing)], [CallEvent::Incoming { .. }]) => "rings",
        ([] | [CallEvent::State(CallState::Ringing)], [CallEvent::Signal(_)]) => "passes",
        ([CallEvent::State(_)], []) => "repeats",
        ([CallEvent::State(CallState::Connected)], [first, ..])
            if *first == state(CallState::Connected) =>
        {
            "connects"
        }
        _ => ended_word(own, others),
    }
}

fn ended_word(own: &[CallEvent], others: &[CallEvent]) -> &'static str {
    let CallEvent::State(CallState::Ended(reason)) = own[0] else {
        panic!("no word for {own:?}");
    };
    let notice = match reason {
        Reason::Rejected => Some(CallEvent::Rejected(reason)),
        Reason::Hangup => Some(CallEvent::Ended(reason)),
        Reason::Timeout | Reason::Error => None,
    };
    let expected: Vec<_> = notice.into_iter().chain([ended(reason)]).collect();
    assert_eq!((own, others), (&[ended(reason)][..], &expected[..]));
    reason.as_str()
}

/// The rows of the table: the input, and a word for each column.
fn rows() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let table = ROOM.split("```text").nth(1).unwrap();
    let table = table.split("```").next().unwrap();
    let lines = table.lines().map(|line| line.trim_start_matches("//!"));
    lines
        .filter(|line| line.len() > 16 && line.starts_with(' ') && !line[1..].starts_with(' '))
        .map(|line| (line[1..16].trim(), line[16..].split_whitespace().collect()))
}

#[test]
fn every_cell_of_the_table_is_true() {
    let mut cells = 0;
    for (row, words) in rows() {
        assert_eq!(words.len(), COLUMNS, "{row}");
        for (column, word) in words.into_iter().enumerate() {
            for turn in 0..Scene::of_column(column).actors(column).len() {
                let mut scene = Scene::of_column(column);
                let (actor, peer) = scene.actors(column)[turn];
                let input = scene.input(row, actor, peer);
                let outputs = scene.rig.input(input);
                let outcome = scene.outcome(&outputs, actor, peer);
                assert_eq!(outcome, word, "{row}, column {column}, actor {turn}");
            }
            cells += 1;
        }
    }
    assert_eq!(cells, 12 * COLUMNS);
}

#[test]
fn to_a_stranger_there_is_no_call_in_any_state() {
    let rows = [
        "Answer",
        "Accept",
        "Signal offer",
        "Signal answer",
        "Candidate",
        "Reject",
        "End",
    ];
    let [eve] = users();
    for column in 0..COLUMNS {
        let mut scene = Scene::of_column(column);
        let before = (
            scene.rig.machine.figures(),
            scene.rig.machine.next_deadline(),
        );
        for row in rows {
            let Input::Request { request, .. } = scene.input(row, eve, scene.bob) else {
                panic!("{row} is a request");
            };
            let refusal = scene.rig.refusal(eve, request);
            assert_eq!(refusal, Refusal::NotFound, "{row}, column {column}");
        }
        let after = (
            scene.rig.machine.figures(),
            scene.rig.machine.next_deadline(),
        );
        assert_eq!(before, after);
    }
}

#[test]
fn a_call_is_ended_for_a_minute_and_then_unknown() {
    let mut scene = Scene::of_column(5);
    let end = || Request::End(Target::Call(scene.call));
    scene.rig.wait(almost(60));
    assert_eq!(
        scene.rig.refusal(scene.bob, end()),
        Refusal::Ended(Reason::Hangup)
    );
    scene.rig.wait(TICK);
    assert_eq!(scene.rig.refusal(scene.bob, end()), Refusal::NotFound);
}
