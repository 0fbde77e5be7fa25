//! Calls between two sessions of the dialect `privcomm.v1` (PROTOCOL.md §7).

use serde_json::{Value, json};

use crate::rig::{Appliance, Person, Place, Setup, Socket, fresh_id};

/// Two people with open sockets; the second takes calls of the first.
struct Line {
    anna: Person,
    bert: Person,
    caller: Socket,
    callee: Socket,
}

impl Line {
    async fn open(place: Place) -> Self {
        let [anna, bert] = Person::crowd(place).await;
        bert.allow(&anna).await;
        Self {
            caller: anna.connect().await,
            callee: bert.connect().await,
            anna,
            bert,
        }
    }

    /// A call that rings; both have heard so.
    async fn ring(&mut self) -> Value {
        offer(&mut self.caller, &self.bert, "offer").await;
        let offer = self.callee.expect("call_offer").await;
        assert_eq!(offer["sender_id"], self.anna.user());
        assert_eq!(offer["sdp"], "offer");
        let call = offer["call_id"].clone();
        expect_state(&mut self.caller, &call, &self.bert, "ringing").await;
        call
    }

    /// A call that is connected; both have heard so.
    async fn talk(&mut self) -> Value {
        let call = self.ring().await;
        say(
            &mut self.callee,
            "call_answer",
            &self.anna,
            &call,
            json!({"sdp": "answer"}),
        )
        .await;
        let answer = self.caller.expect("call_answer").await;
        assert_eq!(answer["sender_id"], self.bert.user());
        assert_eq!(answer["call_id"], call);
        assert_eq!(answer["sdp"], "answer");
        expect_state(&mut self.caller, &call, &self.bert, "connected").await;
        expect_state(&mut self.callee, &call, &self.anna, "connected").await;
        call
    }

    /// Both hear that the call is over, and why.
    async fn expect_end(&mut self, call: &Value, reason: &str) {
        for (socket, peer) in [
            (&mut self.caller, &self.bert),
            (&mut self.callee, &self.anna),
        ] {
            let state = expect_state(socket, call, peer, "ended").await;
            assert_eq!(state["reason"], reason);
        }
    }

    /// Something passes each way.
    async fn expect_alive(&mut self, call: &Value) {
        pass(&mut self.caller, &mut self.callee, &self.bert, call).await;
        pass(&mut self.callee, &mut self.caller, &self.anna, call).await;
    }
}

/// A candidate from one to the other, who is `peer`.
async fn pass(from: &mut Socket, to: &mut Socket, peer: &Person, call: &Value) {
    let mark = fresh_id();
    say(
        from,
        "ice_candidate",
        peer,
        call,
        json!({"candidate": mark}),
    )
    .await;
    let heard = to.expect("ice_candidate").await;
    assert_eq!(heard["candidate"], mark);
    assert_eq!(heard["call_id"], *call);
}

/// An offer and its answer inside a call, between one and `peer`.
async fn renegotiate(
    (from, own): (&mut Socket, &Person),
    (to, peer): (&mut Socket, &Person),
    call: &Value,
) {
    say(
        from,
        "call_offer",
        peer,
        call,
        json!({"sdp": {"restart": 1}}),
    )
    .await;
    let offer = to.expect("call_offer").await;
    assert_eq!(offer["sdp"], json!({"restart": 1}));
    assert_eq!(offer["call_id"], *call);
    assert_eq!(offer["sender_id"], own.user());
    say(to, "call_answer", own, call, json!({"sdp": {"restart": 2}})).await;
    let answer = from.expect("call_answer").await;
    assert_eq!(answer["sdp"], json!({"restart": 2}));
}

async fn offer(from: &mut Socket, to: &Person, sdp: &str) {
    from.say(&json!({"type": "call_offer", "recipient_id": to.user(), "sdp": sdp}))
        .await;
}

/// A step of a call that has a name.
async fn say(from: &mut Socket, step: &str, to: &Person, call: &Value, content: Value) {
    let mut frame = content;
    frame["type"] = step.into();
    frame["recipient_id"] = to.user().into();
    frame["call_id"] = call.clone();
    from.say(&frame).await;
}

async fn expect_state(socket: &mut Socket, call: &Value, peer: &Person, state: &str) -> Value {
    let told = socket.expect("call_state").await;
    assert_eq!(told["state"], state, "{told}");
    assert_eq!(told["call_id"], *call);
    assert_eq!(told["peer_id"], peer.user());
    told
}

#[tokio::test]
async fn a_call_rings_connects_carries_candidates_and_ends() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.talk().await;
    line.expect_alive(&call).await;
    let candidate = json!({"candidate": {"sdpMid": "0", "opaque": [1, 2]}});
    say(
        &mut line.caller,
        "ice_candidate",
        &line.bert,
        &call,
        candidate.clone(),
    )
    .await;
    let heard = line.callee.expect("ice_candidate").await;
    assert_eq!(heard["candidate"], candidate["candidate"]);
    assert_eq!(heard["sender_id"], line.anna.user());
    say(&mut line.callee, "call_end", &line.anna, &call, json!({})).await;
    let end = line.caller.expect("call_end").await;
    assert_eq!(end["reason"], "hangup");
    assert_eq!(end["sender_id"], line.bert.user());
    line.expect_end(&call, "hangup").await;
    // A repeat gets the same answer as long as the call is remembered.
    say(&mut line.caller, "call_end", &line.bert, &call, json!({})).await;
    let state = line.caller.expect("call_state").await;
    assert_eq!(
        (&state["call_id"], &state["reason"]),
        (&json!(call), &json!("hangup"))
    );
}

#[tokio::test]
async fn without_a_call_id_a_step_belongs_to_the_one_call_with_that_peer() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.ring().await;
    let to_anna = json!({"type": "call_answer", "recipient_id": line.anna.user(), "sdp": {}});
    line.callee.say(&to_anna).await;
    assert_eq!(line.caller.expect("call_answer").await["call_id"], call);
    let to_bert = json!({"type": "call_end", "recipient_id": line.bert.user()});
    line.caller.say(&to_bert).await;
    assert_eq!(line.callee.expect("call_end").await["call_id"], call);
}

#[tokio::test]
async fn the_callee_is_heard_only_once_it_has_answered() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.ring().await;
    say(
        &mut line.caller,
        "ice_candidate",
        &line.bert,
        &call,
        json!({"candidate": "a1"}),
    )
    .await;
    assert_eq!(line.callee.expect("ice_candidate").await["candidate"], "a1");
    for candidate in ["b1", "b2"] {
        let content = json!({"candidate": candidate});
        say(
            &mut line.callee,
            "ice_candidate",
            &line.anna,
            &call,
            content,
        )
        .await;
    }
    line.callee.sync().await;
    let early = line.caller.drain().await;
    assert!(
        early.iter().all(|frame| frame["type"] != "ice_candidate"),
        "{early:?}"
    );
    say(
        &mut line.callee,
        "call_answer",
        &line.anna,
        &call,
        json!({"sdp": "answer"}),
    )
    .await;
    let mut heard = Vec::new();
    while heard.len() < 4 {
        let frame = line.caller.next().await;
        heard.push((frame["type"].clone(), frame["candidate"].clone()));
    }
    let expected = [
        (json!("call_state"), Value::Null),
        (json!("call_answer"), Value::Null),
        (json!("ice_candidate"), json!("b1")),
        (json!("ice_candidate"), json!("b2")),
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn a_call_that_is_declined_is_over() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.ring().await;
    say(
        &mut line.callee,
        "call_reject",
        &line.anna,
        &call,
        json!({}),
    )
    .await;
    let rejection = line.caller.expect("call_reject").await;
    assert_eq!(rejection["reason"], "rejected");
    assert_eq!(rejection["sender_id"], line.bert.user());
    line.expect_end(&call, "rejected").await;
}

#[tokio::test]
async fn a_call_that_nobody_answers_ends() {
    let appliance = Setup::lenient().set("calls.ring_timeout=1s").start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.ring().await;
    line.expect_end(&call, "timeout").await;
    // The next may ring.
    line.talk().await;
}

#[tokio::test]
async fn whoever_is_not_allowed_learns_nothing() {
    let appliance = Appliance::start().await;
    let [anna, online, offline, blocking] = Person::crowd(appliance.place()).await;
    let mut bystander = online.connect().await;
    let mut blocker = blocking.connect().await;
    blocking.block(&anna).await;
    let mut from = anna.connect().await;
    let mut refusals = Vec::new();
    let nobody = fresh_id();
    for to in [online.user(), offline.user(), blocking.user(), &nobody] {
        from.say(&json!({"type": "call_offer", "recipient_id": to, "sdp": "x"}))
            .await;
        let mut refusal = from.refused("not_allowed").await;
        refusal.as_object_mut().unwrap().remove("call_id");
        refusals.push(refusal);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    for socket in [&mut bystander, &mut blocker] {
        let heard = socket.drain().await;
        assert!(
            heard.iter().all(|frame| frame["type"] == "queue_drained"),
            "{heard:?}"
        );
    }
    // To somebody who may call, it is told.
    offline.allow(&anna).await;
    offer(&mut from, &offline, "x").await;
    from.refused("offline").await;
}

#[tokio::test]
async fn the_operator_may_ask_for_the_word_of_both_or_of_nobody() {
    let mutual = Setup::lenient().set("calls.policy=mutual").start().await;
    let mut line = Line::open(mutual.place()).await;
    offer(&mut line.caller, &line.bert, "x").await;
    line.caller.refused("not_allowed").await;
    line.anna.allow(&line.bert).await;
    line.talk().await;
    let off = Setup::lenient().set("calls.policy=off").start().await;
    let [anna, bert] = Person::crowd(off.place()).await;
    let (mut from, mut to) = (anna.connect().await, bert.connect().await);
    offer(&mut from, &bert, "x").await;
    to.expect("call_offer").await;
}

#[tokio::test]
async fn whoever_is_in_a_call_is_busy() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let dora = Person::join(appliance.place()).await;
    line.bert.allow(&dora).await;
    dora.allow(&line.anna).await;
    let call = line.talk().await;
    let mut third = dora.connect().await;
    offer(&mut third, &line.bert, "x").await;
    third.refused("busy").await;
    offer(&mut line.caller, &dora, "x").await;
    line.caller.refused("busy").await;
    line.expect_alive(&call).await;
}

#[tokio::test]
async fn three_may_ring_somebody_at_once() {
    let appliance = Appliance::start().await;
    let [bert, callers @ ..] = Person::crowd::<5>(appliance.place()).await;
    let mut callee = bert.connect().await;
    let mut sockets = Vec::new();
    for caller in &callers {
        bert.allow(caller).await;
        sockets.push(caller.connect().await);
    }
    for socket in &mut sockets[..3] {
        offer(socket, &bert, "x").await;
        callee.expect("call_offer").await;
    }
    offer(&mut sockets[3], &bert, "x").await;
    sockets[3].refused("busy").await;
    let end = json!({"type": "call_end", "recipient_id": bert.user()});
    sockets[0].say(&end).await;
    callee.expect("call_end").await;
    offer(&mut sockets[3], &bert, "x").await;
    callee.expect("call_offer").await;
}

#[tokio::test]
async fn when_both_call_the_second_answers_the_call_that_is_there() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    line.anna.allow(&line.bert).await;
    let call = line.ring().await;
    offer(&mut line.callee, &line.anna, "mine").await;
    assert_eq!(line.callee.refused("glare").await["call_id"], call);
    say(
        &mut line.callee,
        "call_answer",
        &line.anna,
        &call,
        json!({"sdp": "answer"}),
    )
    .await;
    assert_eq!(line.caller.expect("call_answer").await["call_id"], call);
}

#[tokio::test]
async fn a_connected_call_is_renegotiated_from_either_side() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.talk().await;
    let (anna, bert) = (&line.anna, &line.bert);
    renegotiate((&mut line.caller, anna), (&mut line.callee, bert), &call).await;
    renegotiate((&mut line.callee, bert), (&mut line.caller, anna), &call).await;
    line.expect_alive(&call).await;
}

#[tokio::test]
async fn to_a_third_party_a_call_does_not_exist() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let dora = Person::join(appliance.place()).await;
    let mut third = dora.connect().await;
    for connected in [false, true] {
        let call = if connected {
            line.talk().await
        } else {
            line.ring().await
        };
        for (step, content) in [
            ("call_answer", json!({"sdp": "x"})),
            ("ice_candidate", json!({"candidate": "x"})),
            ("call_reject", json!({})),
            ("call_end", json!({})),
        ] {
            for party in [&line.anna, &line.bert] {
                say(&mut third, step, party, &call, content.clone()).await;
                assert_eq!(third.refused("not_found").await["call_id"], call);
            }
        }
        for socket in [&mut line.caller, &mut line.callee] {
            let heard = socket.drain().await;
            assert!(
                heard.iter().all(|frame| frame["type"] == "queue_drained"),
                "{heard:?}"
            );
        }
        say(&mut line.caller, "call_end", &line.bert, &call, json!({})).await;
        line.callee.expect("call_end").await;
        line.expect_end(&call, "hangup").await;
    }
}

#[tokio::test]
async fn each_moves_a_call_only_in_its_role() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.ring().await;
    say(
        &mut line.caller,
        "call_answer",
        &line.bert,
        &call,
        json!({"sdp": "x"}),
    )
    .await;
    line.caller.refused("wrong_state").await;
    say(
        &mut line.caller,
        "call_reject",
        &line.bert,
        &call,
        json!({}),
    )
    .await;
    line.caller.refused("wrong_state").await;
    say(
        &mut line.callee,
        "call_answer",
        &line.anna,
        &call,
        json!({"sdp": "x"}),
    )
    .await;
    line.caller.expect("call_answer").await;
    say(
        &mut line.callee,
        "call_reject",
        &line.anna,
        &call,
        json!({}),
    )
    .await;
    line.callee.refused("wrong_state").await;
    line.expect_alive(&call).await;
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_call_lives() {
    const KIB: usize = 1024;
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.talk().await;
    for (step, member, most) in [
        ("call_offer", "sdp", 128 * KIB),
        ("ice_candidate", "candidate", 8 * KIB),
    ] {
        let content = |size: usize| json!({member: "x".repeat(size)});
        say(
            &mut line.caller,
            step,
            &line.bert,
            &call,
            content(most + KIB),
        )
        .await;
        let error = line.caller.refused("payload_too_large").await;
        assert_eq!(error["call_id"], call);
        say(&mut line.caller, step, &line.bert, &call, content(most - 2)).await;
        line.callee.expect(step).await;
    }
    line.expect_alive(&call).await;
    // One that is too large to begin with rings nobody.
    say(&mut line.caller, "call_end", &line.bert, &call, json!({})).await;
    line.expect_end(&call, "hangup").await;
    offer(&mut line.caller, &line.bert, &"x".repeat(129 * KIB)).await;
    line.caller.refused("payload_too_large").await;
    let heard = line.callee.drain().await;
    assert!(heard.iter().all(|frame| frame["type"] != "call_offer"));
}

#[tokio::test]
async fn a_party_that_returns_finds_its_call_and_what_it_missed() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.talk().await;
    let gone = std::mem::replace(&mut line.callee, line.anna.connect().await);
    // That connect replaced the caller's session, which is as good as a return.
    assert_eq!(line.caller.closed().await, 4409);
    line.caller = std::mem::replace(&mut line.callee, gone);
    expect_state(&mut line.caller, &call, &line.bert, "connected").await;
    line.expect_alive(&call).await;
    let gone = std::mem::replace(
        &mut line.callee,
        Socket::open(appliance.place(), "/ws").await,
    );
    gone.leave().await;
    let missed = json!({"candidate": "missed"});
    say(&mut line.caller, "ice_candidate", &line.bert, &call, missed).await;
    line.caller.sync().await;
    line.callee = line.bert.connect().await;
    expect_state(&mut line.callee, &call, &line.anna, "connected").await;
    while line.callee.expect("ice_candidate").await["candidate"] != "missed" {}
    line.expect_alive(&call).await;
}

#[tokio::test]
async fn a_ringing_call_whose_caller_stays_away_ends() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.ring().await;
    line.caller.leave().await;
    let state = expect_state(&mut line.callee, &call, &line.anna, "ended").await;
    assert_eq!(state["reason"], "error");
    // Whoever returns is told.
    line.caller = line.anna.connect().await;
    let state = expect_state(&mut line.caller, &call, &line.bert, "ended").await;
    assert_eq!(state["reason"], "error");
}

#[tokio::test]
async fn an_account_that_goes_takes_its_calls_along() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.talk().await;
    let login = line.bert.fresh_login().await;
    line.bert
        .ask("DELETE", "/api/v1/account", Some(&login))
        .await
        .with(204);
    assert_eq!(line.callee.closed().await, 4403);
    let state = expect_state(&mut line.caller, &call, &line.bert, "ended").await;
    assert_eq!(state["reason"], "error");
}

#[tokio::test]
async fn a_pair_starts_three_calls_in_five_minutes() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    for _ in 0..3 {
        let call = line.ring().await;
        say(&mut line.caller, "call_end", &line.bert, &call, json!({})).await;
        line.expect_end(&call, "hangup").await;
    }
    offer(&mut line.caller, &line.bert, "x").await;
    let refusal = line.caller.refused("rate_limited").await;
    let wait = refusal["retry_after"].as_u64().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
}
