//! What a session says, in frames that are whole and content that isn't right.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{Conversation, WRONG_BASE64, WRONG_IDS, malformed_texts};
use crate::rig::{Appliance, Person, Setup, fresh_id};

#[tokio::test]
async fn a_frame_that_is_not_strict_json_is_refused_and_the_session_goes_on() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    let mut socket = mallory.connect().await;
    for text in malformed_texts() {
        let Ok(text) = String::from_utf8(text) else {
            continue;
        };
        socket.say_message(Message::text(text)).await;
        socket.refused("invalid_json").await;
    }
    others.goes_on().await;
}

#[tokio::test]
async fn a_frame_with_a_wrong_member_is_refused_with_the_id_it_came_with() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut socket = anna.connect().await;
    let id = fresh_id();
    let right = json!({
        "type": "encrypted_message", "id": id, "recipient_id": bert.user(), "payload": "aGk="
    });
    for (field, value) in [
        ("recipient_id", json!(null)),
        ("recipient_id", json!(7)),
        ("recipient_id", json!([])),
        ("payload", json!(null)),
        ("payload", json!({})),
        ("payload", json!("")),
        ("type", json!("dance")),
        ("type", json!("message_accepted")),
        ("type", json!("ready")),
    ] {
        let mut frame = right.clone();
        frame[field] = value;
        socket.say(&frame).await;
        assert_eq!(socket.refused("invalid_field").await["id"], id, "{field}");
    }
    for wrong in WRONG_IDS {
        let mut frame = right.clone();
        frame["recipient_id"] = wrong.into();
        socket.say(&frame).await;
        assert_eq!(socket.refused("invalid_field").await["id"], id);
        socket
            .say(&json!({"type": "ack", "message_ids": [wrong]}))
            .await;
        socket.refused("invalid_field").await;
    }
    for wrong in WRONG_BASE64 {
        let mut frame = right.clone();
        frame["payload"] = wrong.into();
        socket.say(&frame).await;
        assert_eq!(socket.refused("invalid_base64").await["id"], id);
    }
    for frame in [
        json!(null),
        json!([]),
        json!("text"),
        json!({}),
        json!({"type": 7}),
    ] {
        socket.say(&frame).await;
        socket.refused("invalid_field").await;
    }
    assert_eq!(bert.waiting().await.len(), 0);
}

#[tokio::test]
async fn nothing_that_a_client_says_can_be_taken_for_the_daemons_word() {
    let appliance = Appliance::start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    let mut from = anna.connect().await;
    let mut to = bert.connect().await;
    from.say(&json!({
        "type": "encrypted_message",
        "recipient_id": bert.user(),
        "payload": "aGk=",
        "sender_id": carl.user(),
        "message_id": fresh_id(),
        "timestamp": "1970-01-01T00:00:00.000Z",
    }))
    .await;
    let (message, _) = to.message().await;
    assert_eq!(message["sender_id"], anna.user());
    assert_ne!(message["timestamp"], "1970-01-01T00:00:00.000Z");
    assert_eq!(message.as_object().unwrap().len(), 5);
}

#[tokio::test]
async fn an_id_that_waits_under_another_senders_name_is_refused_and_touches_nothing() {
    let appliance = Appliance::start().await;
    let [anna, bert, mallory] = Person::crowd(appliance.place()).await;
    let mut from = anna.connect().await;
    let mut forger = mallory.connect().await;
    let id = from.send(&bert, "the first").await;
    from.expect("message_accepted").await;
    forger.send_as(&id, &bert, "the second").await;
    assert_eq!(forger.refused("invalid_field").await["id"], id);
    let waiting = bert.waiting().await;
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0]["sender_id"], anna.user());
    let mut to = bert.connect().await;
    assert_eq!(to.message().await.1, "the first");
}

#[tokio::test]
async fn the_same_id_for_two_recipients_names_two_messages() {
    let appliance = Appliance::start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    let mut from = anna.connect().await;
    let id = fresh_id();
    from.send_as(&id, &bert, "to bert").await;
    from.send_as(&id, &carl, "to carl").await;
    from.expect("message_accepted").await;
    from.expect("message_accepted").await;
    let mut bert = bert.connect().await;
    bert.message().await;
    bert.ack([&id.clone().into()]).await;
    bert.sync().await;
    assert_eq!(carl.waiting().await.len(), 1);
}

#[tokio::test]
async fn an_ack_of_somebody_elses_message_changes_nothing() {
    let appliance = Appliance::start().await;
    let [anna, bert, mallory] = Person::crowd(appliance.place()).await;
    let mut from = anna.connect().await;
    let id = from.send(&bert, "hello").await;
    from.expect("message_accepted").await;
    let mut thief = mallory.connect().await;
    let ids = [json!(id), json!(fresh_id()), json!(bert.user())];
    thief.ack(&ids).await;
    thief.sync().await;
    let body = json!({"message_ids": ids});
    mallory.post("/api/v1/messages/ack", &body).await.with(204);
    // Not even its sender can take it back so.
    anna.post("/api/v1/messages/ack", &body).await.with(204);
    assert_eq!(bert.waiting().await.len(), 1);
    assert_eq!(mallory.waiting().await.len(), 0);
}

#[tokio::test]
async fn a_thousand_acks_are_taken_at_once_and_no_more() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = anna.connect().await;
    let ids = |count: usize| vec![json!(fresh_id()); count];
    socket.ack(&ids(1000)).await;
    socket.sync().await;
    socket.ack(&ids(1001)).await;
    socket.refused("invalid_field").await;
    let body = json!({"message_ids": ids(1001)});
    let answer = anna.post("/api/v1/messages/ack", &body).await;
    answer.refused(400, "invalid_field");
}

#[tokio::test]
async fn a_payload_may_be_as_long_as_its_limit_and_no_longer() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut socket = anna.connect().await;
    let frame = |length: usize| {
        let payload = "A".repeat(length);
        json!({"type": "encrypted_message", "recipient_id": bert.user(), "payload": payload})
    };
    socket.say(&frame(131_072)).await;
    socket.expect("message_accepted").await;
    socket.say(&frame(131_076)).await;
    socket.refused("payload_too_large").await;
}

#[tokio::test]
async fn too_many_frames_end_the_session_that_sends_them_and_no_other() {
    let setup = Setup::lenient().set("limits.frames=1/1h");
    let appliance = setup.set("limits.frames_burst=20").start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    let mut within = mallory.connect().await;
    for _ in 0..10 {
        within.sync().await;
    }
    let mut socket = mallory.connect().await;
    for _ in 0..25 {
        socket.say(&json!({"type": "ping"})).await;
    }
    assert_eq!(socket.closed().await, 4429);
    others.goes_on().await;
}

#[tokio::test]
async fn whoever_sends_too_much_hears_when_to_go_on() {
    let setup = Setup::lenient().set("limits.messages=1/1h");
    let appliance = setup.set("limits.messages_burst=5").start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    let mut socket = anna.connect().await;
    for _ in 0..4 {
        socket.send(&bert, "hello").await;
        socket.expect("message_accepted").await;
    }
    // One allowance for both doors, and for every session.
    anna.post_message(&bert, "hello").await.with(202);
    let problem = anna.post_message(&bert, "hello").await;
    let problem = problem.refused(429, "rate_limited");
    assert!(problem["retry_after"].as_u64().unwrap() > 3000);
    socket.send(&bert, "hello").await;
    socket.refused("rate_limited").await;
    let mut again = anna.connect().await;
    again.send(&bert, "hello").await;
    again.refused("rate_limited").await;
    carl.post_message(&bert, "hello").await.with(202);
}
