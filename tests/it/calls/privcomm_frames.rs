//! The frames of `privcomm.v1`, member by member and in their order (PROTOCOL.md §7.3). What holds in
//! both dialects stands in the other files.

use serde_json::{Value, json};

use crate::rig::{Appliance, Person, Place, Socket, fresh_id};

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
async fn a_call_is_told_in_these_frames_from_ring_to_end() {
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
async fn an_answer_comes_before_what_was_held_back() {
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
async fn a_rejection_says_who_and_why() {
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
async fn a_renegotiation_is_an_offer_and_an_answer_with_the_calls_id() {
    let appliance = Appliance::start().await;
    let mut line = Line::open(appliance.place()).await;
    let call = line.talk().await;
    let (anna, bert) = (&line.anna, &line.bert);
    renegotiate((&mut line.caller, anna), (&mut line.callee, bert), &call).await;
    renegotiate((&mut line.callee, bert), (&mut line.caller, anna), &call).await;
    line.expect_alive(&call).await;
}
