//! What can be done with keys that the server hands out.

use std::sync::{Arc, Mutex};

use privcomm::client::{End, Error, Event, Trust};
use privcomm::e2ee::Refusal;
use serde_json::json;

use super::mallory::{InTheMiddle, Mallory};
use super::scene::{Line, Once, Scene, is_message_to, lines_until, next_line};
use crate::rig::{Person, base64};

/// The one attempt that nothing but the comparison shows; and once the attacker gives up, both are
/// asked what to think of the other's key.
#[tokio::test]
async fn whoever_stands_between_from_the_start_shows_in_the_safety_number() {
    let mut scene = Scene::of_strangers().await;
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    let visitor = Person::join(scene.wire.place()).await;
    let bens = visitor.get(&format!("/api/v1/keys/{ben}")).await.with(200);
    let mallory = Mallory::new();
    let mut hers = bens.clone();
    mallory.swap_keys(&mut hers);
    let bens_user = ben.to_string();
    scene.wire.swap_bundles(move |bundle| {
        if bundle["user_id"] == bens_user {
            *bundle = hers.clone();
        }
    });
    let read: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
    let (reads, mut middle) = (read.clone(), InTheMiddle::new(mallory, anna, &bens));
    scene.tamper_with_bens(move |mut frame| {
        let (message, payload) = middle.read(frame["payload"].as_str().unwrap());
        reads.lock().unwrap().push(message);
        frame["payload"] = json!(payload);
        vec![frame]
    });
    // Neither sees anything amiss, and Mallory reads.
    let lines = scene.anna_writes("our secret").await;
    assert_eq!(lines, [Line::Text(anna, "our secret".to_owned())]);
    let message = read.lock().unwrap().remove(0);
    assert!(String::from_utf8(message).unwrap().contains("our secret"));
    // Comparing shows it.
    let annas = scene.anna.client.safety_number(ben).await.unwrap();
    let bens = scene.ben.client.safety_number(anna).await.unwrap();
    assert_ne!(annas.digits(), bens.digits());
    let scanned = scene.anna.client.verify_scanned(ben, &bens.qr_code()).await;
    let other = Refusal::OtherSafetyNumber;
    assert!(matches!(scanned, Err(Error::Encryption(refusal)) if refusal == other));
    // The attacker gives up: what was meant for her can't be read, and both are asked.
    scene.wire.give_up();
    scene.anna.client.send(ben, "to Mallory").await.unwrap();
    assert_eq!(next_line(&mut scene.bens).await, Line::Unreadable(anna));
    assert_eq!(
        next_line(&mut scene.bens).await,
        Line::IdentityChanged(anna)
    );
    scene.ben.client.accept_identity(anna).await.unwrap();
    scene.ben.client.send(anna, "who are you?").await.unwrap();
    let lines = lines_until(&mut scene.annas, "who are you?").await;
    assert_eq!(lines[0], Line::IdentityChanged(ben));
    assert_held(&scene.anna.client.send(ben, "held").await);
    let (annas, bens) = (
        scene.anna.client.safety_number(ben).await.unwrap(),
        scene.ben.client.safety_number(anna).await.unwrap(),
    );
    assert_eq!(annas.digits(), bens.digits());
    scene
        .anna
        .client
        .verify_scanned(ben, &bens.qr_code())
        .await
        .unwrap();
    scene.they_write_to_each_other().await;
}

/// Nothing is sent: the identity changed, and the user hasn't decided.
#[track_caller]
fn assert_held<T: std::fmt::Debug>(outcome: &Result<T, Error>) {
    let changed = Refusal::IdentityChanged;
    let is_held = matches!(outcome, Err(Error::Encryption(refusal)) if *refusal == changed);
    assert!(is_held, "{outcome:?}");
}

#[tokio::test]
async fn another_identity_later_holds_back_sending_until_the_user_decides() {
    let mut scene = Scene::of_friends().await;
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    let number = scene.anna.client.safety_number(ben).await.unwrap();
    scene.anna.client.verify(ben, &number).await.unwrap();
    let mallory = Mallory::new();
    scene
        .wire
        .swap_bundles(move |bundle| mallory.swap_keys(bundle));
    let told = json!({"type": "identity_changed", "user_id": ben.to_string()});
    scene.wire.hand(&anna.to_string(), told);
    assert_eq!(
        next_line(&mut scene.annas).await,
        Line::IdentityChanged(ben)
    );
    assert_held(&scene.anna.client.send(ben, "held").await);
    // Who was verified must be verified again.
    assert_held(&scene.anna.client.accept_identity(ben).await);
    let contacts = scene.anna.client.contacts().await.unwrap();
    assert_eq!(contacts[0].trust, Trust::Changed);
    scene.wire.give_up();
    scene.anna.client.keep_identity(ben).await.unwrap();
    let contacts = scene.anna.client.contacts().await.unwrap();
    assert_eq!(contacts[0].trust, Trust::Verified);
    let lines = scene.anna_writes("held").await;
    assert_eq!(lines, [Line::Text(anna, "held".to_owned())]);
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn a_signed_prekey_that_the_identity_did_not_sign_begins_nothing() {
    let mut scene = Scene::of_strangers().await;
    let mallory = Mallory::new();
    scene
        .wire
        .swap_bundles(move |bundle| mallory.swap_signed_prekey(bundle));
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    let sent = scene.anna.client.send(ben, "first").await;
    let unsigned = |error| matches!(error, Error::Encryption(Refusal::Signature));
    assert_eq!(sent.map_err(unsigned), Err(true));
    assert_eq!(scene.anna.client.waiting_to_be_sent(), 0);
    scene.wire.give_up();
    let lines = scene.anna_writes("first").await;
    assert_eq!(lines, [Line::Text(anna, "first".to_owned())]);
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn another_one_time_prekey_lets_nobody_read_and_they_begin_anew() {
    let mut scene = Scene::of_strangers().await;
    let swap = Once::default();
    scene.wire.swap_bundles(move |bundle| {
        if swap.is_now() {
            bundle["one_time_prekey"]["public_key"] = json!(base64([9; 32]));
        }
    });
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    let mut watcher = scene.wire.watch();
    scene.anna.client.send(ben, "to whom?").await.unwrap();
    assert_eq!(next_line(&mut scene.bens).await, Line::Unreadable(anna));
    // Ben's reset reaches her; what she wrote before it would be unreadable too.
    watcher.until_acked_by(anna).await;
    scene.wire.give_up();
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn a_bundle_of_somebody_else_is_refused() {
    let scene = Scene::of_strangers().await;
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    scene
        .wire
        .swap_bundles(move |bundle| bundle["user_id"] = json!(anna.to_string()));
    let sent = scene.anna.client.send(ben, "hello").await;
    assert!(matches!(sent, Err(Error::Foreign(_))), "{sent:?}");
}

#[tokio::test]
async fn a_client_whose_own_identity_changed_at_the_server_stops_and_says_so() {
    let mut scene = Scene::of_friends().await;
    let key = base64([7; 32]);
    scene.wire.swap(move |path, body| {
        if path == "/api/v1/account" {
            body["identity_key"] = json!(key);
        }
    });
    scene.wire.cut();
    let ended = |event: &Event| match event {
        Event::Ended { why } => Some(*why),
        _ => None,
    };
    let why = scene.annas.expect("the end", ended).await;
    assert_eq!(why, End::OwnIdentity);
    scene.wire.give_up();
    scene.annas.inbox.close().await;
    scene.annas = scene.anna.connect();
    scene.bens.inbox.close().await;
    scene.bens = scene.ben.connect();
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn a_session_can_not_be_taken_over_with_a_first_message_of_another_identity() {
    let mut scene = Scene::of_friends().await;
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    let visitor = Person::join(scene.wire.place()).await;
    let bens = visitor.get(&format!("/api/v1/keys/{ben}")).await.with(200);
    let forged = InTheMiddle::new(Mallory::new(), anna, &bens).write("it is me, Anna");
    let (forge, bens_user) = (Once::default(), ben.to_string());
    scene.wire.tamper(move |passing, mut frame| {
        if is_message_to(passing, &frame, &bens_user) && forge.is_now() {
            let genuine = frame.clone();
            frame["message_id"] = json!(crate::rig::fresh_id());
            frame["payload"] = json!(forged.clone());
            return vec![frame, genuine];
        }
        vec![frame]
    });
    scene.anna.client.send(ben, "genuine").await.unwrap();
    // It opens, under the warning that stands before it.
    assert_eq!(
        next_line(&mut scene.bens).await,
        Line::IdentityChanged(anna)
    );
    let said = Line::Text(anna, "it is me, Anna".to_owned());
    assert_eq!(next_line(&mut scene.bens).await, said);
    // Anna's own is of an identity that isn't the present one: a placeholder until Ben decides.
    assert_eq!(next_line(&mut scene.bens).await, Line::Unreadable(anna));
    assert_held(&scene.ben.client.send(anna, "held").await);
    scene.wire.give_up();
    scene.ben.client.keep_identity(anna).await.unwrap();
    scene.they_write_to_each_other().await;
}
