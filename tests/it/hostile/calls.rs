//! Calls, meddled with by those whom they don't concern.

use serde_json::{Value, json};

use crate::rig::{Appliance, Person, Socket, fresh_id};

fn step(kind: &str, to: &Person, call: &Value) -> Value {
    json!({
        "type": kind, "recipient_id": to.user(), "call_id": call,
        "sdp": "forged", "candidate": "forged"
    })
}

/// Two in a call that rings: the caller's session, the callee's, and the call.
async fn ringing(anna: &Person, bert: &Person) -> (Socket, Socket, Value) {
    bert.allow(anna).await;
    let mut from = anna.connect().await;
    let mut to = bert.connect().await;
    from.say(&json!({"type": "call_offer", "recipient_id": bert.user(), "sdp": "v=0"}))
        .await;
    let offer = to.expect("call_offer").await;
    assert_eq!(offer["sender_id"], anna.user());
    from.expect("call_state").await;
    from.drain().await;
    to.drain().await;
    (from, to, offer["call_id"].clone())
}

const STEPS: [&str; 4] = ["call_answer", "ice_candidate", "call_reject", "call_end"];

#[tokio::test]
async fn to_anybody_else_a_call_does_not_exist() {
    let appliance = Appliance::start().await;
    let [anna, bert, mallory] = Person::crowd(appliance.place()).await;
    let (mut from, mut to, call) = ringing(&anna, &bert).await;
    let mut thief = mallory.connect().await;
    for kind in STEPS {
        for victim in [&anna, &bert] {
            thief.say(&step(kind, victim, &call)).await;
            thief.refused("not_found").await;
            thief.say(&step(kind, victim, &Value::Null)).await;
            thief.refused("not_found").await;
            thief.say(&step(kind, victim, &json!(fresh_id()))).await;
            thief.refused("not_found").await;
        }
    }
    assert_eq!(from.drain().await, [] as [Value; 0]);
    assert_eq!(to.drain().await, [] as [Value; 0]);
    to.say(
        &json!({"type": "call_answer", "recipient_id": anna.user(), "call_id": call, "sdp": "v=0"}),
    )
    .await;
    assert_eq!(from.expect("call_answer").await["sdp"], "v=0");
}

#[tokio::test]
async fn a_callers_id_for_a_call_cannot_be_another_calls() {
    let appliance = Appliance::start().await;
    let [anna, bert, mallory, friend] = Person::crowd(appliance.place()).await;
    let (mut from, mut to, call) = ringing(&anna, &bert).await;
    friend.allow(&mallory).await;
    bert.allow(&mallory).await;
    let mut other = friend.connect().await;
    let mut thief = mallory.connect().await;
    for victim in [&friend, &bert] {
        thief.say(&step("call_offer", victim, &call)).await;
        thief.expect("error").await;
    }
    assert_eq!(from.drain().await, [] as [Value; 0]);
    assert_eq!(to.drain().await, [] as [Value; 0]);
    other.sync().await;
}

#[tokio::test]
async fn a_party_can_do_only_what_its_role_allows() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let (mut from, mut to, call) = ringing(&anna, &bert).await;
    for kind in ["call_answer", "call_reject"] {
        from.say(&step(kind, &bert, &call)).await;
        from.refused("wrong_state").await;
    }
    let mut wrong_peer = step("call_end", &anna, &call);
    wrong_peer["recipient_id"] = fresh_id().into();
    to.say(&wrong_peer).await;
    to.refused("not_found").await;
    assert_eq!(to.drain().await, [] as [Value; 0]);
    to.say(&step("call_reject", &anna, &call)).await;
    assert_eq!(from.expect("call_reject").await["call_id"], call);
}

#[tokio::test]
async fn signaling_is_a_string_or_an_object_within_its_size() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let (mut from, mut to, call) = ringing(&anna, &bert).await;
    for wrong in [json!(null), json!(7), json!([]), json!(true)] {
        for (kind, field) in [("call_offer", "sdp"), ("ice_candidate", "candidate")] {
            let mut frame = step(kind, &bert, &call);
            frame[field] = wrong.clone();
            from.say(&frame).await;
            assert_eq!(from.refused("invalid_field").await["call_id"], call);
        }
    }
    for (kind, field, limit) in [
        ("call_offer", "sdp", 128),
        ("ice_candidate", "candidate", 8),
    ] {
        let mut frame = step(kind, &bert, &call);
        frame[field] = "x".repeat(limit * 1024 + 1).into();
        from.say(&frame).await;
        from.refused("payload_too_large").await;
    }
    assert_eq!(to.drain().await, [] as [Value; 0]);
}
