//! What passes between the two parties, when, and how much of it.

use super::rig::{
    Rig, answer, bulk, candidate, events_for, initiate, offer, signal, state, text, told, unrated,
    users,
};
use crate::base::{CallId, UserId};
use crate::calls::{
    CallEvent, CallState, Output, Reason, Refusal, Request, Settings, Signal, Target,
};

fn passed(signal: Signal) -> CallEvent {
    CallEvent::Signal(signal)
}

#[test]
fn an_answer_connects_both_and_brings_its_sdp_and_then_what_was_held() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    let target = Target::Call(call);
    assert_eq!(rig.granted(bob, candidate(target, "one")), []);
    assert_eq!(rig.granted(bob, candidate(target, "two")), []);
    let connected = || state(CallState::Connected);
    assert_eq!(
        rig.granted(bob, answer(target)),
        [
            told(bob, call, anna, connected()),
            told(anna, call, bob, connected()),
            told(anna, call, bob, passed(Signal::Answer(text("answer")))),
            told(anna, call, bob, passed(Signal::Candidate(text("one")))),
            told(anna, call, bob, passed(Signal::Candidate(text("two")))),
        ]
    );
}

#[test]
fn an_sdp_held_before_an_accept_goes_in_front_of_the_candidates() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    rig.granted(anna, initiate(bob));
    let target = Target::With(anna);
    rig.granted(bob, candidate(target, "one"));
    rig.granted(bob, signal(target, Signal::Answer(text("early"))));
    let outputs = rig.granted(bob, Request::Accept(target));
    let expected = [
        state(CallState::Connected),
        passed(Signal::Answer(text("early"))),
        passed(Signal::Candidate(text("one"))),
    ];
    assert_eq!(events_for(&outputs, anna), expected);
}

#[test]
fn the_callers_signals_reach_a_callee_that_rings() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    rig.granted(anna, initiate(bob));
    for made in [Signal::Offer(text("o")), Signal::Candidate(text("c"))] {
        let outputs = rig.granted(anna, signal(Target::With(bob), made.clone()));
        assert_eq!(events_for(&outputs, bob), [passed(made)]);
    }
}

#[test]
fn what_a_rejecting_callee_sent_never_reaches_the_caller() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    rig.granted(bob, candidate(Target::Call(call), "one"));
    let outputs = rig.granted(bob, Request::Reject(Target::Call(call)));
    let expected = [
        CallEvent::Rejected(Reason::Rejected),
        super::rig::ended(Reason::Rejected),
    ];
    assert_eq!(events_for(&outputs, anna), expected);
    assert_eq!(rig.machine.figures().kept_bytes, 0);
}

#[test]
fn either_party_renegotiates_a_connected_call_with_or_without_its_id() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.connect(anna, bob);
    for (from, to) in [(anna, bob), (bob, anna)] {
        for id in [None, Some(call)] {
            let outputs = rig.granted(from, offer(to, id));
            let offered = passed(Signal::Offer(text("offer")));
            assert_eq!(outputs, [told(to, call, from, offered)]);
            let outputs = rig.granted(to, answer(Target::with(from, id)));
            let answered = passed(Signal::Answer(text("answer")));
            assert_eq!(outputs, [told(from, call, to, answered)]);
        }
    }
}

#[test]
fn a_call_named_with_the_wrong_peer_is_unknown() {
    let (mut rig, [anna, bob, carol]) = (Rig::new(), users());
    let call = rig.connect(anna, bob);
    let wrong = Request::End(Target::CallWith(call, carol));
    assert_eq!(rig.refusal(anna, wrong.clone()), Refusal::NotFound);
    rig.granted(anna, Request::End(Target::CallWith(call, bob)));
    assert_eq!(rig.refusal(anna, wrong), Refusal::NotFound);
}

#[test]
fn a_repeat_without_an_id_hears_how_the_last_call_ended() {
    let (mut rig, [anna, bob, carol]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    rig.granted(bob, Request::Reject(Target::With(anna)));
    let refuse = |user| Output::Refuse {
        user,
        call: Some(call),
        refusal: Refusal::Ended(Reason::Rejected),
    };
    assert_eq!(
        rig.ask(bob, Request::Reject(Target::With(anna))),
        [refuse(bob)]
    );
    assert_eq!(
        rig.ask(anna, Request::End(Target::With(bob))),
        [refuse(anna)]
    );
    let stranger = Request::End(Target::With(bob));
    assert_eq!(rig.refusal(carol, stranger), Refusal::NotFound);
}

/// Sends as many as pass, and returns how many and why no more did.
fn exhaust(rig: &mut Rig, from: UserId, call: CallId, made: &Signal) -> (usize, Refusal) {
    let request = || signal(Target::Call(call), made.clone());
    for sent in 0..1000 {
        if let [Output::Refuse { refusal, .. }] = rig.ask(from, request())[..] {
            return (sent, refusal);
        }
    }
    panic!("no limit in sight");
}

#[test]
fn each_side_has_20_sdps_and_300_candidates_in_a_call() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.connect(anna, bob);
    for user in [anna, bob] {
        let sdp = Signal::Offer(text("again"));
        assert_eq!(exhaust(&mut rig, user, call, &sdp), (19, Refusal::TooMany));
        let candidate = Signal::Candidate(text("again"));
        let limit = (300, Refusal::TooMany);
        assert_eq!(exhaust(&mut rig, user, call, &candidate), limit);
    }
    rig.granted(bob, Request::End(Target::Call(call)));
    let call = rig.connect(anna, bob);
    rig.granted(anna, candidate(Target::Call(call), "new call, new count"));
}

#[test]
fn a_callee_has_its_limits_while_it_rings() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    let candidate = Signal::Candidate(text("again"));
    let limit = (300, Refusal::TooMany);
    assert_eq!(exhaust(&mut rig, bob, call, &candidate), limit);
    let outputs = rig.granted(bob, answer(Target::Call(call)));
    assert_eq!(events_for(&outputs, anna).len(), 302);
}

#[test]
fn a_signal_has_its_size_and_the_call_lives_on() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    let target = Target::Call(call);
    let sdp = |size| Request::Answer {
        target,
        sdp: bulk(size),
    };
    let (limit, size) = (128 * 1024, 128 * 1024 + 1);
    let too_large = Refusal::TooLarge { limit, size };
    assert_eq!(rig.refusal(bob, sdp(size)), too_large);
    rig.granted(bob, sdp(limit));
    let piece = |size| signal(target, Signal::Candidate(bulk(size)));
    let (limit, size) = (8 * 1024, 8 * 1024 + 1);
    let too_large = Refusal::TooLarge { limit, size };
    assert_eq!(rig.refusal(anna, piece(size)), too_large);
    rig.granted(anna, piece(limit));
    assert_eq!(rig.machine.figures().connected, 1);
}

#[test]
fn what_waits_for_a_party_is_bounded_and_what_passes_is_not_kept_beyond_that() {
    let settings = Settings {
        inbox_bytes: 30,
        ..unrated()
    };
    let (mut rig, [anna, bob]) = (Rig::with(settings), users());
    let call = rig.ring(anna, bob);
    let target = Target::Call(call);
    rig.granted(bob, signal(target, Signal::Candidate(bulk(28))));
    assert_eq!(rig.refusal(bob, candidate(target, "")), Refusal::TooMany);
    let outputs = rig.granted(bob, answer(target));
    assert_eq!(events_for(&outputs, anna).len(), 3);
    for _ in 0..5 {
        rig.granted(bob, candidate(target, "passes"));
        assert!(rig.machine.figures().kept_bytes <= 2 * 30);
    }
}

#[test]
fn what_waits_for_all_is_bounded() {
    let settings = Settings {
        kept_bytes: 40,
        ..unrated()
    };
    let (mut rig, [anna, bob, carol, dora]) = (Rig::with(settings), users());
    for (from, to) in [(anna, bob), (carol, dora)] {
        rig.granted(from, initiate(to));
    }
    rig.granted(bob, signal(Target::With(anna), Signal::Candidate(bulk(38))));
    let held = candidate(Target::With(carol), "");
    assert_eq!(rig.refusal(dora, held.clone()), Refusal::Capacity);
    rig.granted(anna, Request::End(Target::With(bob)));
    rig.granted(dora, held);
}
