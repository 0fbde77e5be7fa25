//! Accounts: how one is made, proved, shown and deleted (PROTOCOL.md §2–4).

use privcomm::auth::{InviteCode, Secrets};
use privcomm::base::{Clock, random};
use privcomm::store::{Invite, Store, StoreOptions};
use serde_json::{Value, json};

use crate::rig::{Answer, Appliance, Person, Place, Setup, base64, fresh_id, fresh_prekeys};

const REGISTER: &str = "/api/v1/register";
const TOKEN: &str = "/api/v1/auth/token";
const ACCOUNT: &str = "/api/v1/account";

#[tokio::test]
async fn an_account_is_made_once_and_a_retry_changes_nothing() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::stranger(place);
    let application = anna.application(1..=3).await;
    let answer = place.post(REGISTER, &application).await;
    let made = answer.with(201);
    assert_eq!(made["status"], "registered");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // A retry has a new nonce and may have other prekeys.
    let again = anna.register(5..=9).await.with(200);
    assert_eq!(again, made);
    let mut anna = anna;
    anna.log_in().await;
    assert_eq!(made["user_id"], anna.user());
    let status = anna.get("/api/v1/keys/count").await.with(200);
    assert_eq!(status["count"], 3);
}

#[tokio::test]
async fn a_handle_is_folded_to_lower_case() {
    let appliance = Appliance::start().await;
    let mut anna = Person::join(appliance.place()).await;
    let user = anna.user().to_owned();
    let mut login = anna.fresh_login().await;
    login["phone_hash"] = anna.phone_hash().to_uppercase().into();
    let token = appliance.place().post(TOKEN, &login).await.with(200);
    assert_eq!(token["user_id"], user);
    anna.log_in().await;
}

#[tokio::test]
async fn nobody_takes_an_account_over() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let thief = anna.with_new_identity();
    let refused = thief.register(1..=3).await;
    refused.refused(409, "identity_mismatch");
    let mut anna = anna;
    let user = anna.user().to_owned();
    anna.log_in().await;
    assert_eq!(anna.user(), user);
}

/// A member, what is wrong there, and the code and field of the refusal.
type Wrong = (&'static str, Value, &'static str, &'static str);

#[rustfmt::skip]
fn wrong_parts() -> Vec<Wrong> {
    let (zeros, long) = (base64([0; 32]), base64([7; 33]));
    let (other, nonsense) = (base64(random::draw::<32>()), base64([0; 64]));
    let somebody = Person::stranger(Place::nowhere()).identity_key();
    let prekey = |id: u32, key: &str| json!([{"key_id": id, "public_key": key}]);
    vec![
        ("phone_hash", json!("xyz"), "invalid_field", "phone_hash"),
        ("phone_hash", json!("0".repeat(63)), "invalid_field", "phone_hash"),
        ("phone_hash", json!("0".repeat(65)), "invalid_field", "phone_hash"),
        ("phone_hash", json!(7), "invalid_field", "phone_hash"),
        ("identity_key", json!("*"), "invalid_base64", "identity_key"),
        ("identity_key", json!(long), "invalid_field", "identity_key"),
        ("identity_key", json!(zeros), "invalid_key", "identity_key"),
        ("identity_key", json!(somebody), "invalid_signature", "prekey_signature"),
        ("signed_prekey", json!("a==="), "invalid_base64", "signed_prekey"),
        ("signed_prekey", json!(long), "invalid_field", "signed_prekey"),
        ("signed_prekey", json!(zeros), "invalid_key", "signed_prekey"),
        ("signed_prekey", json!(other), "invalid_signature", "prekey_signature"),
        ("prekey_signature", json!("-"), "invalid_base64", "prekey_signature"),
        ("prekey_signature", json!(zeros), "invalid_field", "prekey_signature"),
        ("prekey_signature", json!(nonsense), "invalid_signature", "prekey_signature"),
        ("registration_id", json!(0), "invalid_field", "registration_id"),
        ("registration_id", json!(16_381), "invalid_field", "registration_id"),
        ("registration_id", json!(70_000), "invalid_field", "registration_id"),
        ("registration_id", json!("7"), "invalid_field", "registration_id"),
        ("one_time_prekeys", json!(fresh_prekeys(1..=101)), "invalid_field", "one_time_prekeys"),
        ("one_time_prekeys", json!(fresh_prekeys([2, 1])), "invalid_field", "one_time_prekeys[1].key_id"),
        ("one_time_prekeys", json!(fresh_prekeys([1, 1])), "invalid_field", "one_time_prekeys[1].key_id"),
        ("one_time_prekeys", prekey(0, &other), "invalid_field", "one_time_prekeys[0].key_id"),
        ("one_time_prekeys", prekey(1 << 31, &other), "invalid_field", "one_time_prekeys[0].key_id"),
        ("one_time_prekeys", prekey(1, &zeros), "invalid_key", "one_time_prekeys[0].public_key"),
        ("one_time_prekeys", prekey(1, "?"), "invalid_base64", "one_time_prekeys[0].public_key"),
        ("nonce", json!("?"), "invalid_base64", "nonce"),
        ("nonce", json!(base64([0; 31])), "invalid_field", "nonce"),
        ("nonce", json!(zeros), "invalid_signature", "registration_signature"),
        ("registration_signature", json!("?"), "invalid_base64", "registration_signature"),
        ("registration_signature", json!(nonsense), "invalid_signature", "registration_signature"),
    ]
}

#[tokio::test]
async fn every_part_of_a_registration_is_checked_and_named() {
    let appliance = Appliance::start().await;
    let anna = Person::stranger(appliance.place());
    let right = anna.application(1..=2).await;
    for (member, value, code, field) in wrong_parts() {
        let mut application = right.clone();
        application[member] = value;
        let answer = anna.place().post(REGISTER, &application).await;
        answer.refused_field(code, field);
        assert!(!answer.text().contains(anna.phone_hash()));
    }
    for member in [
        "phone_hash",
        "identity_key",
        "signed_prekey",
        "prekey_signature",
    ] {
        let mut application = right.clone();
        application.as_object_mut().unwrap().remove(member);
        let answer = anna.place().post(REGISTER, &application).await;
        answer.refused_field("invalid_field", member);
    }
    // None of that has used the nonce up.
    anna.place().post(REGISTER, &right).await.with(201);
}

/// A POST whose body needn't be what its head says.
async fn post_text(place: Place, path: &str, kind: &str, body: &str) -> Answer {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    place.say(request.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn a_body_is_strict_json_of_bounded_size() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::stranger(place);
    let right = anna.application(1..=2).await.to_string();
    let member = format!("\"phone_hash\":\"{}\"", anna.phone_hash());
    let twice = right.replace(&member, &format!("{member},{member}"));
    let deep = |levels: usize| {
        let nest = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        right.replacen('{', &format!("{{\"unknown\":{nest},"), 1)
    };
    let json = "application/json";
    for wrong in [
        "",
        "{",
        "nonsense",
        &twice,
        &deep(16),
        &format!("{right}{right}"),
    ] {
        let answer = post_text(place, REGISTER, json, wrong).await;
        answer.refused(400, "invalid_json");
    }
    let huge = format!("{right}{}", " ".repeat(1 << 20));
    let answer = post_text(place, REGISTER, json, &huge).await;
    answer.refused(413, "payload_too_large");
    let answer = post_text(place, TOKEN, json, &" ".repeat((256 << 10) + 1)).await;
    answer.refused(413, "payload_too_large");
    let answer = post_text(place, REGISTER, "text/plain", &right).await;
    answer.refused(415, "unsupported_media_type");
    let answer = place.get(REGISTER).await;
    answer.refused(405, "method_not_allowed");
    assert_eq!(answer.header("allow"), Some("POST, OPTIONS"));
    place.get("/api/v1/nothing").await.refused(404, "not_found");
    // What is unknown is ignored, as deep as anything may be.
    post_text(place, REGISTER, json, &deep(15)).await.with(201);
}

#[tokio::test]
async fn a_registration_proves_the_key_for_this_server_once() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::stranger(place);
    let mut application = anna.application(1..=2).await;
    for origin in ["https://evil.example", "", "http://127.0.0.1:1"] {
        application["registration_signature"] = anna.prove(&application, origin).into();
        let answer = place.post(REGISTER, &application).await;
        answer.refused_field("invalid_signature", "registration_signature");
    }
    // Its own names are all as good.
    let localhost = place.origin().replace("127.0.0.1", "localhost");
    let signed_for = |application: &mut Value, origin: &str| {
        application["registration_signature"] = anna.prove(application, origin).into();
    };
    let bert = Person::stranger(place);
    application["nonce"] = bert.challenge().await.into();
    signed_for(&mut application, &localhost);
    let answer = place.post(REGISTER, &application).await;
    answer.refused(401, "auth_failed");
    application["nonce"] = anna.challenge().await.into();
    signed_for(&mut application, &localhost);
    place.post(REGISTER, &application).await.with(201);
    let used = place.post(REGISTER, &application).await;
    used.refused(401, "auth_failed");
    for member in ["nonce", "registration_signature"] {
        let mut without = anna.application(1..=2).await;
        without.as_object_mut().unwrap().remove(member);
        let answer = place.post(REGISTER, &without).await;
        answer.refused_field("invalid_field", "registration_signature");
    }
}

#[tokio::test]
async fn the_operator_may_let_clients_in_without_a_proof() {
    let setup = Setup::lenient().set("registration.require_proof=false");
    let appliance = setup.start().await;
    let anna = Person::stranger(appliance.place());
    let mut application = anna.application(1..=2).await;
    let members = application.as_object_mut().unwrap();
    members.remove("nonce");
    members.remove("registration_signature");
    appliance
        .place()
        .post(REGISTER, &application)
        .await
        .with(201);
    // One that is given must be right all the same.
    let bert = Person::stranger(appliance.place());
    let mut wrong = bert.application(1..=2).await;
    wrong["registration_signature"] = base64([0; 64]).into();
    let answer = appliance.place().post(REGISTER, &wrong).await;
    answer.refused(400, "invalid_signature");
}

/// What an answer says, without what is different each time.
fn essence(answer: &Answer) -> Value {
    let mut json = answer.json();
    json.as_object_mut().unwrap().remove("request_id");
    json
}

#[tokio::test]
async fn a_token_is_given_for_a_fresh_signature_alone_and_refusals_tell_nothing() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let [anna, bert] = Person::crowd(place).await;
    let stranger = Person::stranger(place);
    let login = anna.fresh_login().await;
    let answer = place.post(TOKEN, &login).await;
    let token = answer.with(200);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 300);
    assert_eq!(token["user_id"], anna.user());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let foreign = anna.login(&anna.challenge().await, "https://evil.example");
    let not_hers = anna.login(&bert.challenge().await, &place.origin());
    let invented = anna.login(&base64(random::draw::<32>()), &place.origin());
    let wrong_key = anna.with_new_identity().fresh_login().await;
    let unknown = stranger.fresh_login().await;
    let refusals = [login, foreign, not_hers, invented, wrong_key, unknown];
    let mut said = Vec::new();
    for wrong in refusals {
        let answer = place.post(TOKEN, &wrong).await;
        answer.refused(401, "auth_failed");
        said.push(essence(&answer));
    }
    said.dedup();
    assert_eq!(said.len(), 1, "{said:?}");
    let alias = anna.fresh_login().await;
    place.post("/auth/token", &alias).await.with(200);
}

#[tokio::test]
async fn a_challenge_does_not_tell_who_is_registered() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let stranger = Person::stranger(appliance.place());
    for person in [&anna, &stranger] {
        let body = json!({"phone_hash": person.phone_hash()});
        let answer = appliance
            .place()
            .post("/api/v1/auth/challenge", &body)
            .await;
        let challenge = answer.with(200);
        assert_eq!(challenge["expires_in"], 60);
        assert_eq!(challenge["nonce"].as_str().unwrap().len(), 44);
        assert_eq!(challenge.as_object().unwrap().len(), 2);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

/// Asks until it is too much, and gives how often it went well.
async fn until_limited<F: Future<Output = Answer>>(mut ask: impl FnMut() -> F) -> usize {
    for went_well in 0..100 {
        let answer = ask().await;
        if answer.status == 429 {
            let problem = answer.refused(429, "rate_limited");
            let wait = problem["retry_after"].as_u64().unwrap();
            assert!(wait > 0);
            assert_eq!(
                answer.header("retry-after"),
                Some(wait.to_string().as_str())
            );
            return went_well;
        }
    }
    panic!("expected a limit within a hundred");
}

#[tokio::test]
async fn strangers_are_limited_by_address() {
    let appliance = Setup::strict().start().await;
    let place = appliance.place();
    let anna = Person::stranger(place);
    let challenge = json!({"phone_hash": anna.phone_hash()});
    let mut application = anna.application(1..=2).await;
    let nonce = application["nonce"].as_str().unwrap();
    let login = anna.login(nonce, &place.origin());
    application["nonce"] = base64([0; 32]).into();
    assert_eq!(until_limited(|| place.post(TOKEN, &login)).await, 10);
    let registrations = until_limited(|| place.post(REGISTER, &application)).await;
    assert_eq!(registrations, 10);
    let challenges = until_limited(|| place.post("/api/v1/auth/challenge", &challenge)).await;
    assert_eq!(challenges, 29);
    // Another address, as the proxy beside the daemon has it, is not concerned.
    let body = challenge.to_string();
    let request = format!(
        "POST /api/v1/auth/challenge HTTP/1.1\r\nHost: x\r\nCF-Connecting-IP: 198.51.100.7\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    place.say(request.as_bytes()).await.unwrap().with(200);
}

#[tokio::test]
async fn members_are_limited_each_for_themselves() {
    let appliance = Setup::strict().set("limits.register=100/1h").start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    let bundle = format!("/api/v1/keys/{}", carl.user());
    assert_eq!(until_limited(|| anna.get(&bundle)).await, 5);
    bert.get(&bundle).await.with(200);
    let upload = anna.signed_prekey();
    assert_eq!(
        until_limited(|| anna.put("/api/v1/keys", &upload)).await,
        20
    );
    let turn = "/api/v1/turn-credentials";
    assert_eq!(until_limited(|| anna.get(turn)).await, 30);
    bert.get(turn).await.with(200);
}

#[tokio::test]
async fn an_account_shows_everything_that_is_held_of_it() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::join_with(place, 5).await;
    let bert = Person::join(place).await;
    anna.allow(&bert).await;
    bert.post_message(&anna, "hello").await.with(202);
    let account = anna.get(ACCOUNT).await.with(200);
    assert_eq!(account["user_id"], anna.user());
    assert_eq!(account["identity_key"], anna.identity_key());
    assert_eq!(account["registration_id"], 77);
    assert_eq!(account["public_name"], Value::Null);
    assert_eq!(account["suspended"], false);
    assert_eq!(account["queued_messages"], 1);
    assert_eq!(account["queued_bytes"], base64("hello").len());
    assert_eq!(account["keys"]["count"], 5);
    assert_eq!(account["contacts"], 1);
    assert_eq!(account["member_since"], account["last_seen"]);
    assert!(!account.to_string().contains(anna.phone_hash()));
    let history = anna.get("/api/v1/calls").await;
    history.refused(404, "history_disabled");
}

#[tokio::test]
async fn a_public_name_is_set_left_and_taken_back() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let patch = async |name: Value| anna.ask("PATCH", ACCOUNT, Some(&name)).await;
    let name = "\u{c4}nna ".repeat(12) + "1234";
    assert_eq!(name.chars().count(), 64);
    let account = patch(json!({"public_name": name})).await.with(200);
    assert_eq!(account["public_name"], name);
    assert_eq!(patch(json!({})).await.with(200)["public_name"], name);
    for wrong in [
        json!(""),
        json!("  "),
        json!("a\nb"),
        json!(name + "x"),
        json!(7),
    ] {
        let answer = patch(json!({"public_name": wrong})).await;
        answer.refused_field("invalid_field", "public_name");
    }
    let account = patch(json!({"public_name": null})).await.with(200);
    assert_eq!(account["public_name"], Value::Null);
}

#[tokio::test]
async fn contacts_are_kept_listed_and_forgotten() {
    let appliance = Appliance::start().await;
    let [mut anna, bert, carl] = Person::crowd(appliance.place()).await;
    anna.allow(&bert).await;
    anna.allow(&carl).await;
    anna.block(&carl).await;
    let setup = appliance.stop().await;
    let appliance = setup.start().await;
    anna.move_to(appliance.place());
    let list = anna.get("/api/v1/contacts").await.with(200);
    assert_eq!(list["contacts"].as_array().unwrap().len(), 2);
    let of = |person: &Person| format!("/api/v1/contacts/{}", person.user());
    assert_eq!(anna.get(&of(&bert)).await.with(200)["state"], "allowed");
    assert_eq!(anna.get(&of(&carl)).await.with(200)["state"], "blocked");
    anna.ask("DELETE", &of(&carl), None).await.with(204);
    anna.ask("DELETE", &of(&carl), None).await.with(204);
    anna.get(&of(&carl)).await.refused(404, "not_found");
    let friend = json!({"state": "friend"});
    anna.put(&of(&bert), &friend)
        .await
        .refused(400, "invalid_field");
    // Whether somebody exists is not told here.
    let nobody = format!("/api/v1/contacts/{}", fresh_id());
    anna.put(&nobody, &json!({"state": "allowed"}))
        .await
        .with(200);
}

#[tokio::test]
async fn a_deleted_account_leaves_nothing_behind() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let [anna, bert] = Person::crowd(place).await;
    anna.post_message(&bert, "from her").await.with(202);
    bert.post_message(&anna, "to her").await.with(202);
    let delete = async |login: Value| anna.ask("DELETE", ACCOUNT, Some(&login)).await;
    let not_hers = bert.fresh_login().await;
    delete(not_hers).await.refused(401, "auth_failed");
    let unsigned = anna.login(&anna.challenge().await, "https://evil.example");
    delete(unsigned).await.refused(401, "auth_failed");
    let mut socket = anna.connect().await;
    let login = anna.fresh_login().await;
    delete(login).await.with(204);
    assert_eq!(socket.closed().await, 4403);
    anna.get(ACCOUNT).await.refused(401, "token_expired");
    assert_eq!(bert.waiting().await.len(), 0);
    bert.post_message(&anna, "?")
        .await
        .refused(404, "user_not_found");
    let bundle = format!("/api/v1/keys/{}", anna.user());
    bert.get(&bundle).await.refused(404, "user_not_found");
    let login = anna.fresh_login().await;
    place.post(TOKEN, &login).await.refused(401, "auth_failed");
    // The handle is free for whoever comes, who is somebody else.
    let next = anna.with_new_identity();
    let registered = next.register(1..=2).await.with(201);
    assert_ne!(registered["user_id"], anna.user());
}

#[tokio::test]
async fn a_closed_server_takes_nobody_new_and_keeps_its_members() {
    let appliance = Appliance::start().await;
    let mut anna = Person::join(appliance.place()).await;
    let setup = appliance.stop().await.set("registration.mode=closed");
    let appliance = setup.start().await;
    let place = appliance.place();
    assert_eq!(
        place.get("/api/v1/server").await.with(200)["registration"],
        "closed"
    );
    let stranger = Person::stranger(place);
    stranger
        .register(1..=2)
        .await
        .refused(403, "registration_closed");
    anna.move_to(place);
    anna.log_in().await;
    anna.register(1..=2).await.with(200);
}

/// Puts codes into the database of a daemon that isn't running.
async fn put_invites(setup: &Setup, invites: &[(&InviteCode, Invite)]) {
    let secrets = std::fs::read_to_string(setup.data().join("secrets.toml")).unwrap();
    let secrets = Secrets::decode(&secrets).unwrap();
    let options = StoreOptions {
        cache_bytes: 1 << 20,
        commit_delay: std::time::Duration::ZERO,
        disk_floor: 1,
    };
    let store = Store::open(setup.data(), &options).unwrap();
    for (code, invite) in invites {
        let hash = *code.hash(&secrets.invite_key).as_bytes();
        store.put_invite(hash, *invite).await.unwrap();
    }
    store.close().await;
}

fn invite(uses_left: u32) -> Invite {
    let created = Clock::System.now();
    Invite {
        created,
        expires: created.saturating_add(std::time::Duration::from_mins(10)),
        uses_left,
        revoked: None,
        recover: None,
        label: None,
    }
}

fn code() -> InviteCode {
    InviteCode::new(random::draw())
}

async fn register_with(person: &Person, code: impl ToString) -> Answer {
    let mut application = person.application(1..=2).await;
    application["invite_code"] = code.to_string().into();
    person.place().post(REGISTER, &application).await
}

#[tokio::test]
async fn an_invite_lets_in_as_many_as_it_says() {
    let setup = Appliance::start().await.stop().await;
    let (good, expired, revoked) = (code(), code(), code());
    let now = Clock::System.now();
    let past = Invite {
        expires: now,
        ..invite(9)
    };
    let taken_back = Invite {
        revoked: Some(now),
        ..invite(9)
    };
    let invites = [(&good, invite(2)), (&expired, past), (&revoked, taken_back)];
    put_invites(&setup, &invites).await;
    let appliance = setup.set("registration.mode=invite").start().await;
    let place = appliance.place();
    let [anna, bert, carl] = [(); 3].map(|()| Person::stranger(place));
    anna.register(1..=2).await.refused(403, "invite_required");
    for wrong in [&expired, &revoked, &code()] {
        register_with(&anna, wrong)
            .await
            .refused(403, "invite_invalid");
    }
    register_with(&anna, "no code")
        .await
        .refused(403, "invite_invalid");
    register_with(&anna, &good).await.with(201);
    // A retry uses nothing up, and people type as they like.
    register_with(&anna, &good).await.with(200);
    let typed = good.to_string().to_lowercase().replace('-', " ");
    register_with(&bert, typed).await.with(201);
    register_with(&carl, &good)
        .await
        .refused(403, "invite_invalid");
}

#[tokio::test]
async fn a_recovery_code_replaces_the_identity_and_all_that_hung_on_it() {
    let appliance = Appliance::start().await;
    let [mut anna, mut bert] = Person::crowd(appliance.place()).await;
    bert.allow(&anna).await;
    bert.post_message(&anna, "for the old key").await.with(202);
    let setup = appliance.stop().await;
    let recovery = code();
    let recover = Some(anna.user().parse().unwrap());
    put_invites(
        &setup,
        &[(
            &recovery,
            Invite {
                recover,
                ..invite(1)
            },
        )],
    )
    .await;
    let appliance = setup.start().await;
    anna.move_to(appliance.place());
    bert.move_to(appliance.place());
    let (mut old, mut contact) = (anna.connect().await, bert.connect().await);
    let mut renewed = anna.with_new_identity();
    // It is for this account alone.
    let stranger = Person::stranger(appliance.place());
    register_with(&stranger, &code()).await.with(201);
    let replaced = register_with(&renewed, &recovery).await.with(200);
    assert_eq!(replaced["status"], "identity_replaced");
    assert_eq!(replaced["user_id"], anna.user());
    assert_eq!(old.closed().await, 1008);
    assert_eq!(
        contact.expect("identity_changed").await["user_id"],
        anna.user()
    );
    anna.get(ACCOUNT).await.refused(401, "token_expired");
    let login = anna.fresh_login().await;
    appliance
        .place()
        .post(TOKEN, &login)
        .await
        .refused(401, "auth_failed");
    renewed.log_in().await;
    assert_eq!(renewed.user(), anna.user());
    let account = renewed.get(ACCOUNT).await.with(200);
    assert_eq!(account["identity_key"], renewed.identity_key());
    assert_eq!(account["queued_messages"], 0);
    assert_eq!(account["keys"]["count"], 2);
    // Once.
    let thief = anna.with_new_identity();
    let answer = register_with(&thief, &recovery).await;
    assert!(matches!(answer.status, 403 | 409), "{}", answer.text());
}
