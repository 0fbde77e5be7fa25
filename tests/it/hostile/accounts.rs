//! Registration by those who shouldn't, and what strangers can find out.

use serde_json::{Value, json};

use crate::rig::{Appliance, Person, Setup, fresh_id};

#[tokio::test]
async fn a_handle_stays_with_the_key_that_took_it() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::join_with(place, 3).await;
    let squatter = anna.with_new_identity();
    squatter
        .register(1..=3)
        .await
        .refused(409, "identity_mismatch");
    let upper = {
        let mut application = squatter.application([]).await;
        application["phone_hash"] = anna.phone_hash().to_uppercase().into();
        application
    };
    let answer = place.post("/api/v1/register", &upper).await;
    assert!(matches!(answer.status, 400 | 409), "{}", answer.text());
    let bundle = Person::join(place).await;
    let path = format!("/api/v1/keys/{}", anna.phone_hash());
    let found = bundle.get(&path).await.with(200);
    assert_eq!(found["identity_key"], anna.identity_key());
    // A retry of her own changes nothing.
    let again = anna.register(50..=60).await.with(200);
    assert_eq!(again["user_id"], anna.user());
    let count = anna.get("/api/v1/keys/count").await.with(200);
    assert_eq!(count["count"], 2);
}

#[tokio::test]
async fn a_registration_proves_its_key_for_this_handle_place_nonce_and_prekeys() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::stranger(place);
    let right = anna.application(1..=2).await;
    let register = async |body: &Value| place.post("/api/v1/register", body).await;
    let other = Person::stranger(place);
    for (field, value) in [
        ("phone_hash", json!(other.phone_hash())),
        ("nonce", json!(other.challenge().await)),
        ("one_time_prekeys", json!([])),
        (
            "one_time_prekeys",
            json!(Person::stranger(place).application(1..=2).await["one_time_prekeys"]),
        ),
        (
            "registration_signature",
            json!(anna.prove(&right, "https://elsewhere.example")),
        ),
        (
            "registration_signature",
            json!(other.prove(&right, &place.origin())),
        ),
    ] {
        let mut body = right.clone();
        body[field] = value;
        register(&body).await.refused(400, "invalid_signature");
    }
    for field in ["nonce", "registration_signature"] {
        let mut body = right.clone();
        body.as_object_mut().unwrap().remove(field);
        register(&body).await.refused(400, "invalid_field");
    }
    let stale = {
        let mut body = right.clone();
        body["nonce"] = other.challenge().await.into();
        body["registration_signature"] = anna.prove(&body, &place.origin()).into();
        body
    };
    register(&stale).await.refused(401, "auth_failed");
    register(&right).await.with(201);
    register(&right).await.refused(401, "auth_failed");
}

#[tokio::test]
async fn keys_that_no_honest_client_makes_are_refused() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::stranger(place);
    let right = anna.application(1..=1).await;
    let mut one = [0; 32];
    one[0] = 1;
    let mut low_order = [0xff; 32];
    (low_order[0], low_order[31]) = (0xec, 0x7f);
    for key in [[0; 32], one, low_order, [0xff; 32]] {
        let key = crate::rig::base64(key);
        let mut body = right.clone();
        body["identity_key"] = key.as_str().into();
        let answer = place.post("/api/v1/register", &body).await;
        answer.refused_field("invalid_key", "identity_key");
    }
    for key in [[0; 32], one] {
        let mut body = right.clone();
        body["signed_prekey"] = crate::rig::base64(key).into();
        body["prekey_signature"] = anna.sign(key).into();
        let answer = place.post("/api/v1/register", &body).await;
        answer.refused_field("invalid_key", "signed_prekey");
    }
    for id in [
        json!(0),
        json!(16_381),
        json!(-1),
        json!(70_000),
        json!("1"),
        json!(1.5),
    ] {
        let mut body = right.clone();
        body["registration_id"] = id;
        let answer = place.post("/api/v1/register", &body).await;
        answer.refused_field("invalid_field", "registration_id");
    }
    let prekey = right["one_time_prekeys"][0].clone();
    for ids in [
        vec![0],
        vec![1 << 31],
        vec![2, 1],
        vec![1, 1],
        (1..=101).collect(),
    ] {
        let prekeys = ids.into_iter().map(|id: u32| {
            let mut prekey = prekey.clone();
            prekey["key_id"] = id.into();
            prekey
        });
        let mut body = right.clone();
        body["one_time_prekeys"] = prekeys.collect();
        let answer = place.post("/api/v1/register", &body).await;
        assert_eq!(answer.json()["code"], "invalid_field", "{}", answer.text());
    }
}

/// What an answer says, apart from what is drawn for each.
fn shape(mut answer: Value) -> Value {
    for drawn in ["request_id", "nonce"] {
        if let Some(member) = answer.get_mut(drawn) {
            let length = member.as_str().unwrap().len();
            *member = length.into();
        }
    }
    answer
}

#[tokio::test]
async fn a_login_does_not_tell_whether_the_account_exists() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let member = Person::join(place).await.with_new_identity();
    let nobody = Person::stranger(place);
    let mut answers = Vec::new();
    for person in [&member, &nobody] {
        let body = json!({"phone_hash": person.phone_hash()});
        let challenge = place.post("/api/v1/auth/challenge", &body).await.with(200);
        let login = person.fresh_login().await;
        let refused = place.post("/api/v1/auth/token", &login).await;
        let refused = refused.refused(401, "auth_failed");
        answers.push((shape(challenge), shape(refused)));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_caller_who_is_not_allowed_learns_nothing_of_the_callee() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let [mallory, online, offline, blocking] = Person::crowd(place).await;
    blocking.block(&mallory).await;
    let _sessions = (online.connect().await, blocking.connect().await);
    let mut socket = mallory.connect().await;
    let nobody = fresh_id();
    let mut answers = Vec::new();
    for user in [online.user(), offline.user(), blocking.user(), &nobody] {
        socket
            .say(&json!({"type": "call_offer", "recipient_id": user, "sdp": "v=0"}))
            .await;
        let mut refused = socket.refused("not_allowed").await;
        refused.as_object_mut().unwrap().remove("call_id");
        answers.push(refused);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn contacts_are_their_owners_alone_and_name_anybody() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let [anna, bert, mallory] = Person::crowd(place).await;
    anna.allow(&bert).await;
    let path = format!("/api/v1/contacts/{}", bert.user());
    mallory.get(&path).await.refused(404, "not_found");
    mallory.ask("DELETE", &path, None).await.with(204);
    let theirs = mallory.get("/api/v1/contacts").await.with(200);
    assert_eq!(theirs["contacts"], json!([]));
    assert_eq!(anna.get(&path).await.with(200)["state"], "allowed");
    let about_her = format!("/api/v1/contacts/{}", anna.user());
    bert.get(&about_her).await.refused(404, "not_found");
    // Whether somebody exists can't be read off it.
    let nobody = format!("/api/v1/contacts/{}", fresh_id());
    for path in [nobody.as_str(), &about_her] {
        mallory
            .put(path, &json!({"state": "blocked"}))
            .await
            .with(200);
    }
    for state in [json!("friend"), json!(null), json!(1), json!("Allowed")] {
        let answer = mallory.put(&path, &json!({"state": state})).await;
        answer.refused_field("invalid_field", "state");
    }
}

#[tokio::test]
async fn closed_doors_open_for_nobody() {
    for (mode, code) in [
        ("closed", "registration_closed"),
        ("invite", "invite_required"),
    ] {
        let setup = Setup::lenient().set(format!("registration.mode={mode}"));
        let appliance = setup.start().await;
        let mallory = Person::stranger(appliance.place());
        mallory.register([]).await.refused(403, code);
        for guess in ["", "0", "AAAA-AAAA-AAAA", "' OR 1=1 --", "\u{0}"] {
            let mut application = mallory.application([]).await;
            application["invite_code"] = guess.into();
            let answer = appliance.place().post("/api/v1/register", &application);
            let answer = answer.await;
            assert_eq!(answer.status, 403, "{}", answer.text());
        }
    }
}
