//! Sockets that drop, and what a user is told when it is back.

use super::rig::{
    Rig, TICK, almost, answer, candidate, ended, events_for, initiate, offer, secs, signal, state,
    text, told, users,
};
use crate::calls::{CallEvent, CallState, Input, Output, Reason, Request, Signal, Target};

#[test]
fn a_ringing_call_waits_5_seconds_and_a_connected_one_30() {
    for (connects, grace) in [(false, 5), (true, 30)] {
        for lost in [0, 1] {
            let (mut rig, pair) = (Rig::new(), users::<2>());
            let call = rig.ring(pair[0], pair[1]);
            if connects {
                rig.granted(pair[1], answer(Target::Call(call)));
            }
            assert_eq!(rig.input(Input::Lost(pair[lost])), []);
            assert_eq!(rig.wait(almost(grace)), []);
            let mut outputs = rig.wait(TICK);
            let other = pair[1 - lost];
            let Some(Output::Over(over)) = outputs.pop() else {
                panic!("expected the end of the call, got {outputs:?}");
            };
            assert_eq!((over.call, over.reason), (call, Reason::Error));
            assert_eq!(over.answered.is_some(), connects);
            assert_eq!(
                outputs,
                [told(other, call, pair[lost], ended(Reason::Error))]
            );
        }
    }
}

#[test]
fn a_party_that_returns_in_time_keeps_its_call() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.connect(anna, bob);
    rig.input(Input::Lost(anna));
    rig.wait(almost(30));
    let outputs = rig.input(Input::Returned(anna));
    assert_eq!(
        outputs[0],
        told(anna, call, bob, state(CallState::Connected))
    );
    assert_eq!(rig.wait(secs(3600)), []);
    assert_eq!(rig.machine.figures().connected, 1);
}

#[test]
fn a_second_loss_does_not_extend_the_first() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    rig.ring(anna, bob);
    rig.input(Input::Lost(anna));
    rig.wait(secs(3));
    rig.input(Input::Lost(anna));
    assert_eq!(events_for(&rig.wait(secs(2)), bob), [ended(Reason::Error)]);
}

#[test]
fn a_callee_that_returns_is_rung_again_with_all_it_needs() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    rig.granted(anna, candidate(Target::Call(call), "seen"));
    rig.input(Input::Lost(bob));
    let unseen = rig.granted(anna, candidate(Target::Call(call), "unseen"));
    assert_eq!(unseen, []);
    let outputs = rig.input(Input::Returned(bob));
    let sdp = Some(text("offer"));
    let expected = [
        CallEvent::Incoming { sdp },
        CallEvent::Signal(Signal::Candidate(text("seen"))),
        CallEvent::Signal(Signal::Candidate(text("unseen"))),
    ];
    assert_eq!(events_for(&outputs, bob), expected);
}

#[test]
fn a_callee_rung_without_an_sdp_is_rung_again_without() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    rig.granted(anna, initiate(bob));
    let outputs = rig.input(Input::Returned(bob));
    assert_eq!(
        events_for(&outputs, bob),
        [CallEvent::Incoming { sdp: None }]
    );
}

#[test]
fn a_caller_that_is_away_when_the_callee_answers_gets_the_answer_on_its_return() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    rig.granted(bob, candidate(Target::Call(call), "early"));
    rig.input(Input::Lost(anna));
    rig.wait(secs(4));
    let outputs = rig.granted(bob, answer(Target::Call(call)));
    assert_eq!(events_for(&outputs, anna), []);
    assert_eq!(rig.wait(almost(26)), []);
    let outputs = rig.input(Input::Returned(anna));
    let expected = [
        state(CallState::Connected),
        CallEvent::Signal(Signal::Answer(text("answer"))),
        CallEvent::Signal(Signal::Candidate(text("early"))),
    ];
    assert_eq!(events_for(&outputs, anna), expected);
}

#[test]
fn an_answer_lost_in_a_dead_socket_is_repeated_to_the_next_session() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    rig.connect(anna, bob);
    rig.wait(almost(90));
    let expected = [
        state(CallState::Connected),
        CallEvent::Signal(Signal::Answer(text("answer"))),
    ];
    let outputs = rig.input(Input::Returned(anna));
    assert_eq!(events_for(&outputs, anna), expected);
    rig.wait(TICK);
    assert_eq!(rig.machine.figures().kept_bytes, 0);
    let outputs = rig.input(Input::Returned(anna));
    assert_eq!(events_for(&outputs, anna), expected[..1]);
}

#[test]
fn an_sdp_of_ones_own_shows_that_one_has_what_came_before() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.connect(anna, bob);
    rig.granted(anna, offer(bob, Some(call)));
    let outputs = rig.input(Input::Returned(anna));
    assert_eq!(events_for(&outputs, anna), [state(CallState::Connected)]);
}

#[test]
fn a_callee_that_sent_an_sdp_too_early_is_still_rung_again_with_the_offer() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    let early = Signal::Answer(text("early"));
    rig.granted(bob, signal(Target::Call(call), early));
    let outputs = rig.input(Input::Returned(bob));
    let sdp = Some(text("offer"));
    assert_eq!(events_for(&outputs, bob), [CallEvent::Incoming { sdp }]);
}

#[test]
fn what_was_sent_is_kept_for_90_seconds_each_time() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.connect(anna, bob);
    for _ in 0..2 {
        rig.granted(bob, candidate(Target::Call(call), "late"));
        rig.wait(almost(90));
        assert!(rig.machine.figures().kept_bytes > 0);
        rig.wait(TICK);
        assert_eq!(rig.machine.figures().kept_bytes, 0);
    }
}

#[test]
fn what_was_sent_into_a_dead_socket_outlives_the_time_for_repeats() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    rig.connect(anna, bob);
    let restart = rig.granted(anna, offer(bob, None));
    rig.wait(secs(80));
    rig.input(Input::Lost(bob));
    rig.wait(secs(20));
    let outputs = rig.input(Input::Returned(bob));
    let offered = events_for(&restart, bob);
    assert_eq!(events_for(&outputs, bob)[1..], offered[..]);
    rig.wait(secs(90));
    assert_eq!(rig.machine.figures().kept_bytes, 0);
}

#[test]
fn what_was_held_for_an_absent_party_is_kept_until_it_is_back_and_then_no_longer_than_usual() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.connect(anna, bob);
    rig.input(Input::Lost(bob));
    let held = Signal::Offer(text("restart"));
    rig.granted(anna, signal(Target::Call(call), held.clone()));
    rig.wait(secs(29));
    let outputs = rig.input(Input::Returned(bob));
    let expected = [state(CallState::Connected), CallEvent::Signal(held)];
    assert_eq!(events_for(&outputs, bob), expected);
    rig.wait(secs(90));
    assert_eq!(rig.machine.figures().kept_bytes, 0);
}

#[test]
fn a_call_that_ended_in_ones_absence_is_told_on_the_return_and_once() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.connect(anna, bob);
    rig.input(Input::Lost(anna));
    rig.granted(bob, Request::End(Target::Call(call)));
    rig.wait(almost(60));
    let outputs = rig.input(Input::Returned(anna));
    assert_eq!(outputs, [told(anna, call, bob, ended(Reason::Hangup))]);
    assert_eq!(rig.input(Input::Returned(anna)), []);
}

#[test]
fn a_request_counts_as_the_return() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    rig.input(Input::Lost(bob));
    let outputs = rig.ask(bob, answer(Target::Call(call)));
    let heard = events_for(&outputs, bob);
    assert!(matches!(heard[0], CallEvent::Incoming { .. }));
    assert_eq!(heard[1], state(CallState::Connected));
}

#[test]
fn the_calls_of_a_deleted_account_end() {
    let (mut rig, [anna, bob, carol]) = (Rig::new(), users());
    rig.ring(bob, anna);
    rig.ring(carol, anna);
    let outputs = rig.input(Input::Gone(anna));
    for user in [bob, carol] {
        assert_eq!(events_for(&outputs, user), [ended(Reason::Error)]);
    }
    assert_eq!(rig.machine.figures().ringing, 0);
}
