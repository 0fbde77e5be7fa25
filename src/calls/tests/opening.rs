//! How calls start, how many there may be, and how often.

use super::rig::{
    Rig, TICK, almost, answer, bulk, ended, events_for, initiate, invite, offer, secs, state, text,
    told, unrated, users,
};
use crate::base::CallId;
use crate::calls::{
    CallEvent, CallState, Output, Reason, Refusal, Request, Settings, Standing, Target,
};

#[test]
fn an_offer_rings_the_callee_and_tells_the_caller() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = CallId::random();
    let sdp = Some(text("offer"));
    assert_eq!(
        rig.ask(anna, offer(bob, Some(call))),
        [
            Output::Accept { user: anna, call },
            told(bob, call, anna, CallEvent::Incoming { sdp }),
            told(anna, call, bob, state(CallState::Ringing)),
        ]
    );
}

#[test]
fn a_call_without_an_sdp_rings_under_the_fresh_id() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let invitation = invite(bob, None, Standing::Reachable);
    let events = rig.granted(anna, Request::Initiate(invitation));
    let incoming = CallEvent::Incoming { sdp: None };
    assert_eq!(events[0], told(bob, invitation.fresh, anna, incoming));
}

#[test]
fn nobody_rings_longer_than_30_seconds() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    rig.ring(anna, bob);
    assert_eq!(rig.wait(almost(30)), []);
    let outputs = rig.wait(TICK);
    for user in [anna, bob] {
        assert_eq!(events_for(&outputs, user), [ended(Reason::Timeout)]);
    }
}

#[test]
fn an_answer_that_is_late_finds_the_call_ended_though_no_timer_ran() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    rig.now = rig.now.saturating_add(secs(30));
    let outputs = rig.ask(bob, answer(Target::Call(call)));
    assert_eq!(events_for(&outputs, anna), [ended(Reason::Timeout)]);
    let refusal = Refusal::Ended(Reason::Timeout);
    let refuse = Output::Refuse {
        user: bob,
        call: Some(call),
        refusal,
    };
    assert_eq!(outputs.last(), Some(&refuse));
}

#[test]
fn who_is_not_allowed_hears_the_same_whatever_the_callee_does() {
    let (mut rig, [anna, bob, carol, eve]) = (Rig::new(), users());
    let call = |to| Request::Initiate(invite(to, None, Standing::NotAllowed));
    rig.connect(anna, bob);
    assert_eq!(rig.refusal(eve, call(bob)), Refusal::NotAllowed);
    assert_eq!(rig.refusal(eve, call(carol)), Refusal::NotAllowed);
    assert_eq!(rig.refusal(anna, call(carol)), Refusal::NotAllowed);
    let offline = Request::Initiate(invite(carol, None, Standing::Offline));
    assert_eq!(rig.refusal(eve, offline), Refusal::Offline);
}

#[test]
fn nobody_calls_themselves() {
    let (mut rig, [anna]) = (Rig::new(), users());
    assert_eq!(rig.refusal(anna, initiate(anna)), Refusal::NotAllowed);
}

#[test]
fn three_ring_a_user_and_a_fourth_finds_it_busy() {
    let (mut rig, [anna, bob, carol, dora, erik]) = (Rig::new(), users());
    let first = rig.ring(bob, anna);
    for caller in [carol, dora] {
        rig.ring(caller, anna);
    }
    assert_eq!(rig.refusal(erik, initiate(anna)), Refusal::Busy);
    rig.granted(anna, Request::Reject(Target::Call(first)));
    rig.granted(erik, initiate(anna));
}

#[test]
fn a_user_calls_one_other_at_a_time_and_none_while_in_a_call() {
    let (mut rig, [anna, bob, carol]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    assert_eq!(rig.refusal(anna, initiate(carol)), Refusal::Busy);
    rig.granted(bob, answer(Target::Call(call)));
    assert_eq!(rig.refusal(anna, initiate(carol)), Refusal::Busy);
    assert_eq!(rig.refusal(carol, initiate(anna)), Refusal::Busy);
    assert_eq!(rig.refusal(carol, initiate(bob)), Refusal::Busy);
}

#[test]
fn whoever_takes_a_call_gives_up_the_one_it_was_calling_with() {
    let (mut rig, [anna, bob, carol]) = (Rig::new(), users());
    let outgoing = rig.ring(anna, bob);
    let incoming = rig.ring(carol, anna);
    let outputs = rig.granted(anna, answer(Target::Call(incoming)));
    let hung_up = [CallEvent::Ended(Reason::Hangup), ended(Reason::Hangup)];
    assert_eq!(events_for(&outputs, bob), hung_up);
    assert!(outputs.contains(&told(anna, outgoing, bob, ended(Reason::Hangup))));
    assert!(outputs.contains(&told(anna, incoming, carol, state(CallState::Connected))));
}

#[test]
fn a_second_ringing_call_waits_until_the_first_is_over() {
    let (mut rig, [anna, bob, carol]) = (Rig::new(), users());
    let first = rig.ring(bob, anna);
    let second = rig.ring(carol, anna);
    rig.granted(anna, answer(Target::Call(first)));
    assert_eq!(
        rig.refusal(anna, answer(Target::Call(second))),
        Refusal::Busy
    );
    rig.granted(bob, Request::End(Target::Call(first)));
    rig.granted(anna, answer(Target::Call(second)));
}

#[test]
fn glare_names_the_call_to_answer() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    let refuse = Output::Refuse {
        user: bob,
        call: Some(call),
        refusal: Refusal::Glare(call),
    };
    for request in [offer(anna, Some(CallId::random())), initiate(anna)] {
        assert_eq!(rig.ask(bob, request), std::slice::from_ref(&refuse));
    }
    rig.granted(bob, answer(Target::With(anna)));
}

#[test]
fn another_id_for_a_pair_that_has_a_call_is_busy_and_names_that_call() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    let refuse = |user| Output::Refuse {
        user,
        call: Some(call),
        refusal: Refusal::Busy,
    };
    let other = Some(CallId::random());
    assert_eq!(rig.ask(anna, offer(bob, other)), [refuse(anna)]);
    rig.granted(bob, answer(Target::Call(call)));
    assert_eq!(rig.ask(bob, offer(anna, other)), [refuse(bob)]);
}

#[test]
fn an_id_in_use_by_others_is_unknown() {
    let (mut rig, [anna, bob, carol, dora]) = (Rig::new(), users());
    let call = rig.connect(anna, bob);
    assert_eq!(
        rig.refusal(carol, offer(dora, Some(call))),
        Refusal::NotFound
    );
    assert_eq!(
        rig.refusal(anna, offer(dora, Some(call))),
        Refusal::NotFound
    );
    rig.granted(anna, Request::End(Target::Call(call)));
    assert_eq!(
        rig.refusal(carol, offer(anna, Some(call))),
        Refusal::NotFound
    );
    let over = Refusal::Ended(Reason::Hangup);
    assert_eq!(rig.refusal(bob, offer(anna, Some(call))), over);
    rig.ring(bob, anna);
    assert_eq!(rig.refusal(bob, offer(anna, Some(call))), over);
}

#[test]
fn a_user_starts_ten_calls_a_minute() {
    let mut settings = Settings::default();
    settings.per_pair.count = u32::MAX;
    let (mut rig, [anna, bob, carol]) = (Rig::with(settings), users());
    for _ in 0..10 {
        rig.ring(anna, bob);
        rig.granted(anna, Request::End(Target::With(bob)));
        rig.wait(secs(1));
    }
    let wait = Refusal::RateLimited(secs(50));
    assert_eq!(rig.refusal(anna, initiate(carol)), wait);
    rig.ring(carol, bob);
    rig.wait(almost(50));
    assert_eq!(
        rig.refusal(anna, initiate(carol)),
        Refusal::RateLimited(TICK)
    );
    rig.wait(TICK);
    rig.granted(anna, initiate(carol));
}

#[test]
fn a_user_calls_the_same_other_three_times_in_five_minutes_and_can_be_called() {
    let (mut rig, [anna, bob, carol]) = (Rig::new(), users());
    let offline = || Request::Initiate(invite(bob, None, Standing::Offline));
    for _ in 0..3 {
        assert_eq!(rig.refusal(anna, offline()), Refusal::Offline);
    }
    assert_eq!(
        rig.refusal(anna, offline()),
        Refusal::RateLimited(secs(300))
    );
    let call = rig.ring(bob, anna);
    rig.granted(bob, Request::End(Target::Call(call)));
    let call = rig.ring(anna, carol);
    rig.granted(anna, Request::End(Target::Call(call)));
    rig.wait(almost(300));
    assert_eq!(rig.refusal(anna, offline()), Refusal::RateLimited(TICK));
    rig.wait(TICK);
    rig.granted(anna, initiate(bob));
}

#[test]
fn repeats_and_renegotiation_do_not_count_as_calls() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let call = rig.ring(anna, bob);
    for _ in 0..4 {
        rig.granted(anna, initiate(bob));
        assert_eq!(rig.refusal(bob, initiate(anna)), Refusal::Glare(call));
    }
    rig.granted(bob, answer(Target::Call(call)));
    for _ in 0..12 {
        rig.granted(anna, offer(bob, None));
    }
}

#[test]
fn a_full_machine_refuses_new_calls_and_keeps_the_others() {
    let settings = Settings {
        calls: 1,
        ..unrated()
    };
    let (mut rig, [anna, bob, carol, dora]) = (Rig::with(settings), users());
    let call = rig.ring(anna, bob);
    assert_eq!(rig.refusal(carol, initiate(dora)), Refusal::Capacity);
    rig.granted(bob, answer(Target::Call(call)));
    rig.granted(bob, Request::End(Target::Call(call)));
    rig.granted(carol, initiate(dora));
}

#[test]
fn an_offer_too_large_starts_nothing_and_counts_for_nothing() {
    let (mut rig, [anna, bob]) = (Rig::new(), users());
    let limit = 128 * 1024;
    let offer = |size| Request::Offer {
        invitation: invite(bob, None, Standing::Reachable),
        sdp: bulk(size),
    };
    let size = limit + 1;
    for _ in 0..4 {
        let refusal = rig.refusal(anna, offer(size));
        assert_eq!(refusal, Refusal::TooLarge { limit, size });
    }
    rig.granted(anna, offer(limit));
}

#[test]
fn figures_add_up() {
    let (mut rig, [anna, bob, carol]) = (Rig::with(unrated()), users());
    let call = rig.ring(anna, bob);
    rig.wait(secs(2));
    rig.granted(bob, answer(Target::Call(call)));
    rig.refusal(carol, initiate(bob));
    let figures = rig.machine.figures();
    assert_eq!((figures.ringing, figures.connected), (0, 1));
    assert_eq!((figures.started, figures.answered), (1, 1));
    assert_eq!(figures.answer_time, secs(2));
    let rang = rig.machine.answer_times();
    assert_eq!((rang.count(), rang.sum), (1, 2_000_000));
    assert_eq!(figures.refused.busy, 1);
    rig.granted(bob, Request::End(Target::Call(call)));
    let figures = rig.machine.figures();
    assert_eq!(
        (figures.connected, figures.hangup, figures.remembered),
        (0, 1, 1)
    );
}
