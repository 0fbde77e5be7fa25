//! Bodies of requests.

use serde_json::{Value, json};

use super::{Conversation, WRONG_BASE64, WRONG_IDS, malformed_texts};
use crate::rig::{Answer, Appliance, Person, Place, base64, fresh_id};

/// Sends `body` as it is, declared to be JSON.
async fn send(person: &Person, method: &str, path: &str, body: &[u8]) -> Answer {
    let place = person.place();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        place.address(),
        person.token(),
        body.len()
    );
    let bytes = [head.as_bytes(), body].concat();
    place.say(&bytes).await.unwrap()
}

/// A message's body, as long as is wanted, by white space at its end.
fn padded(body: &Value, length: usize) -> Vec<u8> {
    let mut text = body.to_string().into_bytes();
    assert!(text.len() <= length);
    text.resize(length, b' ');
    text
}

#[tokio::test]
async fn whatever_is_not_strict_json_is_refused_at_every_door_and_harms_nobody() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    for text in malformed_texts() {
        for (method, path) in [
            ("POST", "/api/v1/register"),
            ("POST", "/api/v1/auth/challenge"),
            ("POST", "/auth/token"),
            ("PUT", "/api/v1/keys"),
            ("POST", "/api/v1/messages"),
            ("POST", "/api/v1/messages/ack"),
            ("PATCH", "/api/v1/account"),
            ("DELETE", "/api/v1/account"),
        ] {
            let answer = send(&mallory, method, path, &text).await;
            answer.refused(400, "invalid_json");
        }
    }
    others.goes_on().await;
}

#[tokio::test]
async fn sixteen_levels_are_read_where_they_are_not_understood() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let deep = |levels: usize| {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        let recipient = bert.user();
        format!(r#"{{"recipient_id":"{recipient}","payload":"aGk=","later":{open}{close}}}"#)
    };
    let path = "/api/v1/messages";
    send(&anna, "POST", path, deep(15).as_bytes())
        .await
        .with(202);
    send(&anna, "POST", path, deep(16).as_bytes())
        .await
        .refused(400, "invalid_json");
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_named() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let right = json!({"id": fresh_id(), "recipient_id": bert.user(), "payload": "aGk="});
    let wrong = [
        json!(null),
        json!(7),
        json!(-0.5),
        json!(true),
        json!([]),
        json!({}),
    ];
    for field in ["recipient_id", "payload", "id"] {
        for value in &wrong {
            if field == "id" && value.is_null() {
                continue;
            }
            let mut body = right.clone();
            body[field] = value.clone();
            let answer = anna.post("/api/v1/messages", &body).await;
            answer.refused_field("invalid_field", field);
        }
    }
    for field in ["recipient_id", "payload"] {
        let mut body = right.clone();
        body.as_object_mut().unwrap().remove(field);
        let answer = anna.post("/api/v1/messages", &body).await;
        answer.refused_field("invalid_field", field);
    }
    for whole in [json!(null), json!([]), json!("text"), json!(7)] {
        let answer = anna.post("/api/v1/messages", &whole).await;
        answer.refused(400, "invalid_field");
    }
    assert_eq!(bert.waiting().await.len(), 0);
}

#[tokio::test]
async fn an_id_in_any_other_spelling_is_none() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    for id in WRONG_IDS {
        let to = json!({"recipient_id": id, "payload": "aGk="});
        let answer = anna.post("/api/v1/messages", &to).await;
        answer.refused_field("invalid_field", "recipient_id");
        let named = json!({"id": id, "recipient_id": bert.user(), "payload": "aGk="});
        let answer = anna.post("/api/v1/messages", &named).await;
        answer.refused_field("invalid_field", "id");
        let ack = json!({"message_ids": [fresh_id(), id]});
        let answer = anna.post("/api/v1/messages/ack", &ack).await;
        answer.refused_field("invalid_field", "message_ids[1]");
        let encoded = id.replace([' ', '{', '}'], "%20");
        if !id.is_empty() {
            let path = format!("/api/v1/contacts/{encoded}");
            let answer = anna.put(&path, &json!({"state": "allowed"})).await;
            answer.refused_field("invalid_field", "user_id");
            let answer = anna.get(&format!("/api/v1/messages?after={encoded}")).await;
            answer.refused_field("invalid_field", "after");
        }
    }
}

#[tokio::test]
async fn a_payload_is_strict_base64_of_something() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    for payload in WRONG_BASE64 {
        let body = json!({"recipient_id": bert.user(), "payload": payload});
        let answer = anna.post("/api/v1/messages", &body).await;
        answer.refused_field("invalid_base64", "payload");
    }
    let body = json!({"recipient_id": bert.user(), "payload": ""});
    let answer = anna.post("/api/v1/messages", &body).await;
    answer.refused_field("invalid_field", "payload");
    assert_eq!(bert.waiting().await.len(), 0);
}

#[tokio::test]
async fn every_key_and_signature_of_a_registration_is_strict_base64() {
    let appliance = Appliance::start().await;
    let person = Person::stranger(appliance.place());
    let application = person.application(1..=1).await;
    for field in [
        "identity_key",
        "signed_prekey",
        "prekey_signature",
        "nonce",
        "registration_signature",
    ] {
        let right = application[field].as_str().unwrap();
        let url_safe = right.replace('+', "-").replace('/', "_").replace('=', "");
        let spaced = format!("{} {}", &right[..4], &right[4..]);
        for wrong in [
            &url_safe,
            &spaced,
            &format!("{right}\n"),
            &right.replace('=', "A="),
        ] {
            let mut body = application.clone();
            body[field] = wrong.as_str().into();
            let answer = appliance.place().post("/api/v1/register", &body).await;
            answer.refused_field("invalid_base64", field);
        }
        let mut body = application.clone();
        body[field] = base64([1; 7]).into();
        let answer = appliance.place().post("/api/v1/register", &body).await;
        assert_eq!(answer.status, 400, "{field}");
    }
    let answer = appliance.place().post("/api/v1/register", &application);
    answer.await.with(201);
}

#[tokio::test]
async fn a_body_may_be_as_long_as_its_limit_and_no_longer() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let body = json!({"recipient_id": bert.user(), "payload": "aGk="});
    let path = "/api/v1/messages";
    let limit = 256 * 1024;
    send(&anna, "POST", path, &padded(&body, limit))
        .await
        .with(202);
    send(&anna, "POST", path, &padded(&body, limit + 1))
        .await
        .refused(413, "payload_too_large");
    let carl = Person::stranger(appliance.place());
    let application = carl.application(1..=100).await;
    let path = "/api/v1/register";
    let limit = 1024 * 1024;
    send(&anna, "POST", path, &padded(&application, limit + 1))
        .await
        .refused(413, "payload_too_large");
    send(&anna, "POST", path, &padded(&application, limit))
        .await
        .with(201);
}

#[tokio::test]
async fn a_payload_may_be_as_long_as_its_limit_and_no_longer() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let body = |length: usize| json!({"recipient_id": bert.user(), "payload": "A".repeat(length)});
    let path = "/api/v1/messages";
    anna.post(path, &body(131_072)).await.with(202);
    anna.post(path, &body(131_076))
        .await
        .refused(413, "payload_too_large");
}

#[tokio::test]
async fn a_message_for_nobody_is_refused_and_leaves_nothing() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let body = json!({"recipient_id": fresh_id(), "payload": "aGk="});
    for _ in 0..3 {
        let answer = anna.post("/api/v1/messages", &body).await;
        answer.refused(404, "user_not_found");
    }
    let mut socket = anna.connect().await;
    let id = socket
        .send(&Person::stranger(appliance.place()), "empty id")
        .await;
    assert_eq!(socket.refused("invalid_field").await["id"], id);
}

#[tokio::test]
async fn only_json_is_taken_for_json() {
    let place = Appliance::start().await;
    let address = place.place().address();
    for kind in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n",
        "Content-Type: application/json5\r\n",
        "Content-Type: é\r\n",
        "Content-Type: application/json\r\nContent-Type: text/plain\r\n",
    ] {
        let request = format!(
            "POST /api/v1/auth/challenge HTTP/1.1\r\nHost: {address}\r\n{kind}\
             Content-Length: 2\r\n\r\n{{}}"
        );
        let answer = place.place().say(request.as_bytes()).await.unwrap();
        answer.refused(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn a_refusal_never_repeats_what_was_sent() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let marker = "Zm9yYmlkZGVu";
    let body = |field: &str| {
        let mut body = json!({"recipient_id": fresh_id(), "payload": "aGk="});
        body[field] = marker.into();
        body
    };
    for field in ["recipient_id", "id", "payload"] {
        let answer = anna.post("/api/v1/messages", &body(field)).await;
        assert!(!answer.text().contains(marker), "{}", answer.text());
    }
    let handle = json!({"phone_hash": marker});
    let answer = anna.post("/api/v1/auth/challenge", &handle).await;
    answer.refused_field("invalid_field", "phone_hash");
    assert!(!answer.text().contains(marker));
    let mut socket = anna.connect().await;
    for field in ["recipient_id", "payload"] {
        let mut frame = body(field);
        frame["type"] = "encrypted_message".into();
        socket.say(&frame).await;
        let error = socket.expect("error").await;
        assert!(!error.to_string().contains(marker), "{error}");
    }
}

/// A body that ends early, whatever it says of its length.
async fn breaks_off(place: Place, framing: &str, body: &str) {
    let head = format!(
        "POST /api/v1/auth/challenge HTTP/1.1\r\nHost: x\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n{body}"
    );
    let mut stream = place.dial().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes())
        .await
        .unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut stream)
        .await
        .unwrap();
    if let Some(answer) = crate::rig::soon("the end", Answer::read(&mut stream)).await {
        answer.refused(400, "invalid_json");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_body() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    for (framing, body) in [
        ("Content-Length: 100", "{\"phone_hash\":"),
        ("Content-Length: 262144", "{}"),
        ("Transfer-Encoding: chunked", "5\r\n{\"pho"),
        ("Transfer-Encoding: chunked", "ffff\r\n{}"),
        ("Transfer-Encoding: chunked", "2\r\n{}\r\n"),
        ("Transfer-Encoding: chunked", "2\r\n{}XX0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "-1\r\n{}\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "fffffffffffffffff\r\n"),
    ] {
        breaks_off(appliance.place(), framing, body).await;
    }
    others.goes_on().await;
}
