//! One-time prekeys are handed out once, counted, and never come back (PROTOCOL.md §2, §4).

use std::collections::HashSet;

use privcomm::base::random;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::{Appliance, Person, Setup, base64, fresh_prekeys, soon, unbase64};

const KEYS: &str = "/api/v1/keys";
const COUNT: &str = "/api/v1/keys/count";

async fn bundle(asker: &Person, target: &Person) -> Value {
    let path = format!("{KEYS}/{}", target.user());
    asker.get(&path).await.with(200)
}

fn key_id(bundle: &Value) -> Option<u64> {
    bundle["one_time_prekey"]["key_id"].as_u64()
}

async fn upload(person: &Person, ids: impl IntoIterator<Item = u32>) -> crate::rig::Answer {
    let body = json!({"one_time_prekeys": fresh_prekeys(ids)});
    person.put(KEYS, &body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_parallel_askers_get_two_hundred_different_keys() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let target = Person::join_with(place, 100).await;
    upload(&target, 101..=200).await.with(200);
    let mut askers = Vec::new();
    for _ in 0..201 {
        askers.push(Person::join(place).await);
    }
    let last = askers.pop().unwrap();
    let asking: Vec<_> = askers
        .into_iter()
        .map(|asker| {
            let target = target.clone();
            tokio::spawn(async move { key_id(&bundle(&asker, &target).await) })
        })
        .collect();
    let mut given = HashSet::new();
    for answer in asking {
        let key = soon("a bundle", answer).await.unwrap();
        assert!(given.insert(key.unwrap()), "{key:?} was given twice");
    }
    assert_eq!(given, (1..=200).collect());
    // There is none left, and one can write to them all the same.
    let bare = bundle(&last, &target).await;
    assert_eq!(bare["one_time_prekey"], Value::Null);
    assert_eq!(bare["user_id"], target.user());
}

#[tokio::test]
async fn asking_for_the_head_takes_no_prekey() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let request = format!(
        "HEAD /api/v1/keys/{} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        bert.user(),
        anna.token()
    );
    let mut stream = appliance.place().dial().await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    soon("the end", stream.read_to_string(&mut answer))
        .await
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert!(answer.contains("allow: GET, OPTIONS"), "{answer}");
}

#[tokio::test]
async fn a_bundle_is_what_was_registered_in_ascending_order() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let mut target = Person::stranger(place);
    let application = target.application([3, 7, 20]).await;
    place.post("/api/v1/register", &application).await.with(201);
    target.log_in().await;
    let askers = Person::crowd::<4>(place).await;
    for (at, asker) in askers[..3].iter().enumerate() {
        let bundle = bundle(asker, &target).await;
        for member in ["identity_key", "signed_prekey", "prekey_signature"] {
            assert_eq!(bundle[member], application[member], "{member}");
        }
        assert_eq!(bundle["registration_id"], 77);
        assert_eq!(bundle["device_id"], 1);
        let digest = Sha256::digest(unbase64(&application["signed_prekey"]));
        let id = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) & 0x7fff_ffff;
        assert_eq!(bundle["signed_prekey_id"], id);
        assert_eq!(
            bundle["one_time_prekey"],
            application["one_time_prekeys"][at]
        );
    }
    // By handle as well; somebody who doesn't exist, either way, does not.
    let by_handle = format!("{KEYS}/{}", target.phone_hash());
    let found = askers[3].get(&by_handle).await.with(200);
    assert_eq!(found["user_id"], target.user());
    let stranger = Person::stranger(place);
    for nobody in [stranger.phone_hash(), &crate::rig::fresh_id(), "x"] {
        let answer = askers[3].get(&format!("{KEYS}/{nobody}")).await;
        answer.refused(404, "user_not_found");
    }
}

#[tokio::test]
async fn the_same_asker_gets_the_same_key_again() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let target = Person::join_with(place, 5).await;
    let [anna, bert] = Person::crowd(place).await;
    let first = bundle(&anna, &target).await;
    assert_eq!(bundle(&anna, &target).await, first);
    assert_eq!(key_id(&bundle(&bert, &target).await), Some(2));
    assert_eq!(bundle(&anna, &target).await, first);
    assert_eq!(target.get(COUNT).await.with(200)["count"], 3);
}

#[tokio::test]
async fn a_pair_asks_six_times_and_no_more() {
    let setup = Setup::lenient().set("limits.bundle_pair=6/1h");
    let appliance = setup.start().await;
    let target = Person::join_with(appliance.place(), 5).await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    for _ in 0..6 {
        assert_eq!(key_id(&bundle(&anna, &target).await), Some(1));
    }
    let path = format!("{KEYS}/{}", target.user());
    let answer = anna.get(&path).await;
    let wait = answer.refused(429, "rate_limited")["retry_after"]
        .as_u64()
        .unwrap();
    assert!(
        (1..=600).contains(&wait),
        "one comes back every ten minutes, not {wait} s"
    );
    assert_eq!(key_id(&bundle(&bert, &target).await), Some(2));
    assert_eq!(key_id(&bundle(&anna, &bert).await), None);
}

#[tokio::test]
async fn the_owner_is_told_when_fewer_than_twenty_are_left() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let target = Person::join_with(place, 21).await;
    let (mut socket, ready) = target.arrive().await;
    assert_eq!(ready["one_time_prekeys_remaining"], 21);
    let askers = Person::crowd::<3>(place).await;
    bundle(&askers[0], &target).await;
    let before = socket.drain().await;
    assert!(before.iter().all(|frame| frame["type"] != "prekeys_low"));
    for (asker, remaining) in askers[1..].iter().zip([19, 18]) {
        bundle(asker, &target).await;
        assert_eq!(socket.expect("prekeys_low").await["remaining"], remaining);
    }
}

#[tokio::test]
async fn a_key_that_was_handed_out_never_comes_back() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let target = Person::join_with(place, 3).await;
    let [anna, mut bert] = Person::crowd(place).await;
    assert_eq!(key_id(&bundle(&anna, &target).await), Some(1));
    upload(&target, [1])
        .await
        .refused_field("invalid_field", "one_time_prekeys");
    let more = upload(&target, 4..=6).await.with(200);
    assert_eq!(more["count"], 5);
    // Not after a restart either.
    let appliance = appliance.stop().await.start().await;
    let mut target = target;
    target.move_to(appliance.place());
    bert.move_to(appliance.place());
    upload(&target, [1]).await.refused(400, "invalid_field");
    assert_eq!(key_id(&bundle(&bert, &target).await), Some(2));
}

#[tokio::test]
async fn an_upload_may_replace_what_is_held_also_for_who_asked_before() {
    let appliance = Appliance::start().await;
    let target = Person::join_with(appliance.place(), 5).await;
    let asker = Person::join(appliance.place()).await;
    for _ in 0..2 {
        assert_eq!(key_id(&bundle(&asker, &target).await), Some(1));
    }
    let mut anew = target.signed_prekey();
    anew["one_time_prekeys"] = fresh_prekeys([50, 51]).into();
    anew["replace"] = true.into();
    // Twice, for the answer may get lost.
    for _ in 0..2 {
        let status = target.put(KEYS, &anew).await.with(200);
        assert_eq!(status["count"], 2);
    }
    assert_eq!(key_id(&bundle(&asker, &target).await), Some(50));
    upload(&target, [5])
        .await
        .refused_field("invalid_field", "one_time_prekeys");
}

#[tokio::test]
async fn two_hundred_are_kept_and_a_hundred_come_at_once() {
    let appliance = Appliance::start().await;
    let target = Person::join_with(appliance.place(), 100).await;
    upload(&target, 101..=201)
        .await
        .refused_field("invalid_field", "one_time_prekeys");
    upload(&target, 101..=199).await.with(200);
    upload(&target, 200..=201)
        .await
        .refused_field("invalid_field", "one_time_prekeys");
    assert_eq!(target.get(COUNT).await.with(200)["count"], 199);
    assert_eq!(upload(&target, [200]).await.with(200)["count"], 200);
    for wrong in [vec![0], vec![300, 299], vec![1 << 31]] {
        let answer = upload(&target, wrong).await;
        answer.refused(400, "invalid_field");
    }
}

#[tokio::test]
async fn the_digest_covers_what_is_held() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let mut target = Person::stranger(place);
    let application = target.application([3, 7]).await;
    place.post("/api/v1/register", &application).await.with(201);
    target.log_in().await;
    let digest = |signed_prekey: &Value, ids: &[u32]| {
        let mut digest = Sha256::new();
        digest.update(unbase64(&application["identity_key"]));
        digest.update(unbase64(signed_prekey));
        for id in ids {
            digest.update(id.to_be_bytes());
        }
        base64(digest.finalize())
    };
    let status = target.get(COUNT).await.with(200);
    assert_eq!(status["count"], 2);
    assert_eq!(
        status["digest"],
        digest(&application["signed_prekey"], &[3, 7])
    );
    let signed = target.signed_prekey();
    let mut renewal = signed.clone();
    renewal["one_time_prekeys"] = fresh_prekeys([9]).into();
    let status = target.put(KEYS, &renewal).await.with(200);
    assert_eq!(status["count"], 3);
    assert_eq!(
        status["digest"],
        digest(&signed["signed_prekey"], &[3, 7, 9])
    );
    assert!(status["signed_prekey_age_s"].as_u64().unwrap() < 60);
    assert_eq!(target.get(COUNT).await.with(200), status);
    let asker = Person::join(place).await;
    assert_eq!(
        bundle(&asker, &target).await["signed_prekey"],
        signed["signed_prekey"]
    );
    let status = target.get(COUNT).await.with(200);
    assert_eq!(status["digest"], digest(&signed["signed_prekey"], &[7, 9]));
}

#[tokio::test]
async fn an_upload_that_clients_would_refuse_is_not_stored() {
    let appliance = Appliance::start().await;
    let target = Person::join_with(appliance.place(), 2).await;
    let before = target.get(COUNT).await.with(200);
    let good = target.signed_prekey();
    let mut unsigned = good.clone();
    unsigned["prekey_signature"] = base64([0; 64]).into();
    let mut swapped = good.clone();
    swapped["signed_prekey"] = base64(random::draw::<32>()).into();
    let mut empty = good.clone();
    empty["signed_prekey"] = base64([0; 32]).into();
    let mut alone = good.clone();
    alone.as_object_mut().unwrap().remove("prekey_signature");
    for (wrong, code) in [
        (unsigned, "invalid_signature"),
        (swapped, "invalid_signature"),
        (empty, "invalid_key"),
        (alone, "invalid_field"),
        (json!({}), "invalid_field"),
        (
            json!({"one_time_prekeys": [{"key_id": 9, "public_key": "x"}]}),
            "invalid_base64",
        ),
    ] {
        target.put(KEYS, &wrong).await.refused(400, code);
    }
    let after = target.get(COUNT).await.with(200);
    assert_eq!(after["digest"], before["digest"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_asker_in_a_hurry_uses_up_one_key() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let target = Person::join_with(place, 30).await;
    let asker = Person::join(place).await;
    let asking: Vec<_> = (0..20)
        .map(|_| {
            let (asker, target) = (asker.clone(), target.clone());
            tokio::spawn(async move { key_id(&bundle(&asker, &target).await) })
        })
        .collect();
    for answer in asking {
        assert_eq!(soon("a bundle", answer).await.unwrap(), Some(1));
    }
    assert_eq!(target.get(COUNT).await.with(200)["count"], 29);
}
