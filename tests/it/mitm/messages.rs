//! What can be done to messages on their way: each is shown once, or as one placeholder.

use std::sync::{Arc, Mutex};

use privcomm::e2ee::Kind;
use serde_json::{Value, json};

use super::scene::{
    Line, Once, Scene, envelope_of, is_message_to, lines_until, next_line, with_envelope,
};
use super::wire::Direction;
use crate::client::rig::Member;
use crate::rig::{fresh_id, soon};

/// Bytes before the ratchet message in a body of type 1 (E2EE.md §7.2).
const PREFIX: usize = 74;

/// Texts of somebody's.
fn texts<const N: usize>(from: &Member, texts: [&str; N]) -> Vec<Line> {
    let text = |text: &str| Line::Text(from.user(), text.to_owned());
    texts.into_iter().map(text).collect()
}

#[tokio::test]
async fn replays_under_any_id_are_shown_once() {
    let mut scene = Scene::of_friends().await;
    let recorded = Arc::new(Mutex::new(Vec::new()));
    let record = recorded.clone();
    scene.tamper_with_bens(move |frame| {
        record.lock().unwrap().push(frame.clone());
        let mut renamed = frame.clone();
        renamed["message_id"] = json!(fresh_id());
        vec![frame.clone(), frame, renamed]
    });
    let lines = [
        scene.anna_writes("one").await,
        scene.anna_writes("two").await,
    ]
    .concat();
    assert_eq!(lines, texts(&scene.anna, ["one", "two"]));
    scene.wire.give_up();
    // To a process that starts anew as well.
    scene.bens.inbox.close().await;
    scene.ben = scene.ben.restart().await;
    scene.bens = scene.ben.connect();
    scene.bens.connected().await;
    let ben = scene.ben.user().to_string();
    for mut frame in recorded.lock().unwrap().drain(..) {
        scene.wire.hand(&ben, frame.clone());
        frame["message_id"] = json!(fresh_id());
        scene.wire.hand(&ben, frame);
    }
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn messages_in_another_order_are_all_shown() {
    let mut scene = Scene::of_friends().await;
    let mut held = Vec::new();
    scene.tamper_with_bens(move |frame| {
        held.push(frame);
        if held.len() < 4 {
            return Vec::new();
        }
        held.reverse();
        std::mem::take(&mut held)
    });
    let ben = scene.ben.user();
    for text in ["one", "two", "three"] {
        scene.anna.client.send(ben, text).await.unwrap();
    }
    // The last that is sent is the first that arrives.
    assert_eq!(
        scene.anna_writes("four").await,
        texts(&scene.anna, ["four"])
    );
    let rest = lines_until(&mut scene.bens, "one").await;
    assert_eq!(rest, texts(&scene.anna, ["three", "two", "one"]));
    scene.wire.give_up();
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn messages_that_were_dropped_come_when_the_attacker_is_gone() {
    let mut scene = Scene::of_friends().await;
    scene.tamper_with_bens(|_| Vec::new());
    let ben = scene.ben.user();
    for text in ["one", "two"] {
        scene.anna.client.send(ben, text).await.unwrap();
    }
    soon("an empty outbox", scene.anna.client.settled()).await;
    scene.wire.give_up();
    scene.wire.cut();
    let lines = lines_until(&mut scene.bens, "two").await;
    assert_eq!(lines, texts(&scene.anna, ["one", "two"]));
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn messages_that_the_server_never_got_are_sent_again_as_they_were() {
    let mut scene = Scene::of_friends().await;
    let (anna, ben) = (scene.anna.user().to_string(), scene.ben.user());
    let (drops_message, drops_answer) = (Once::default(), Once::default());
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = sent.clone();
    // Of the first try the message doesn't get through, of the second its answer.
    scene.wire.tamper(move |passing, frame| {
        let is_annas = passing.user == anna;
        let is_sent = is_annas && frame["type"] == "encrypted_message";
        if is_sent && passing.direction == Direction::Up {
            let what = (frame["id"].clone(), frame["payload"].clone());
            log.lock().unwrap().push(what);
            if drops_message.is_now() {
                return Vec::new();
            }
        }
        let is_answer = is_annas && frame["type"] == "message_accepted";
        if is_answer && drops_answer.is_now() {
            return Vec::new();
        }
        vec![frame]
    });
    let mut watcher = scene.wire.watch();
    scene.anna.client.send(ben, "one").await.unwrap();
    for kind in ["encrypted_message", "message_accepted"] {
        watcher.until(kind, |_, frame| frame["type"] == kind).await;
        scene.wire.cut();
    }
    soon("an empty outbox", scene.anna.client.settled()).await;
    let lines = lines_until(&mut scene.bens, "one").await;
    assert_eq!(lines, texts(&scene.anna, ["one"]));
    // The same bytes under the same id: nothing was sealed twice.
    let sent = sent.lock().unwrap().clone();
    assert_eq!(sent.len(), 3);
    assert!(sent.iter().all(|again| again == &sent[0]));
    scene.wire.give_up();
    scene.they_write_to_each_other().await;
}

/// Carol, whom Ben answers or doesn't, writes him a message that the attacker calls Anna's.
async fn relabelled(answered: bool) -> (Scene, Vec<Line>) {
    let mut scene = Scene::of_friends().await;
    let carol = Member::join(scene.wire.place()).await;
    let mut carols = carol.connect();
    carols.connected().await;
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    carol.client.send(ben, "I am Carol").await.unwrap();
    let lines = lines_until(&mut scene.bens, "I am Carol").await;
    assert_eq!(lines, texts(&carol, ["I am Carol"]));
    if answered {
        scene
            .ben
            .client
            .send(carol.user(), "hello Carol")
            .await
            .unwrap();
        lines_until(&mut carols, "hello Carol").await;
    }
    let relabel = Once::default();
    scene.tamper_with_bens(move |mut frame| {
        if relabel.is_now() {
            frame["sender_id"] = json!(anna.to_string());
        }
        vec![frame]
    });
    carol.client.send(ben, "I am Anna").await.unwrap();
    soon("an empty outbox", carol.client.settled()).await;
    carol.client.send(ben, "I am Carol still").await.unwrap();
    let mut lines = lines_until(&mut scene.bens, "I am Carol still").await;
    assert_eq!(lines.pop(), texts(&carol, ["I am Carol still"]).pop());
    scene.wire.give_up();
    (scene, lines)
}

#[tokio::test]
async fn a_relabelled_sender_is_a_placeholder_and_never_a_text() {
    let (mut scene, lines) = relabelled(true).await;
    assert_eq!(lines, [Line::Unreadable(scene.anna.user())]);
    scene.they_write_to_each_other().await;
}

/// E2EE.md §8.3: it is taken for the replay of a first message, which leaves nothing.
#[tokio::test]
async fn a_relabelled_sender_whom_nobody_answered_is_dropped() {
    let (mut scene, lines) = relabelled(false).await;
    assert_eq!(lines, Vec::new());
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn a_first_message_without_its_prefix_is_a_placeholder_and_they_begin_anew() {
    let mut scene = Scene::of_strangers().await;
    let strip = Once::default();
    scene.tamper_with_bens(move |frame| {
        if !strip.is_now() {
            return vec![frame];
        }
        let mut envelope = envelope_of(&frame);
        assert_eq!(envelope.kind, Kind::First);
        envelope.kind = Kind::Ratchet;
        envelope.body.drain(..PREFIX);
        vec![with_envelope(frame, &envelope)]
    });
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    scene.anna.client.send(ben, "first").await.unwrap();
    assert_eq!(next_line(&mut scene.bens).await, Line::Unreadable(anna));
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn a_flipped_bit_is_a_placeholder_and_the_session_lives() {
    let mut scene = Scene::of_friends().await;
    let flip = Once::default();
    scene.tamper_with_bens(move |frame| {
        if !flip.is_now() {
            return vec![frame];
        }
        let mut envelope = envelope_of(&frame);
        *envelope.body.last_mut().unwrap() ^= 1;
        vec![with_envelope(frame, &envelope)]
    });
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    scene.anna.client.send(ben, "flipped").await.unwrap();
    let lines = scene.anna_writes("whole").await;
    assert_eq!(lines[0], Line::Unreadable(anna));
    assert_eq!(lines[1..], texts(&scene.anna, ["whole"]));
    scene.wire.give_up();
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn what_says_nothing_leaves_nothing() {
    let mut scene = Scene::of_friends().await;
    let (anna, ben) = (scene.anna.user().to_string(), scene.ben.user().to_string());
    for payload in ["", "AAAA", "not base64", "e30="] {
        let frame = json!({
            "type": "encrypted_message",
            "message_id": fresh_id(),
            "sender_id": anna,
            "payload": payload,
            "timestamp": 1_795_219_200_000_u64,
        });
        scene.wire.hand(&ben, frame);
    }
    scene.wire.hand(&ben, json!({"type": "unheard_of"}));
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn a_message_that_comes_back_to_its_sender_is_a_placeholder() {
    let mut scene = Scene::of_friends().await;
    let caught: Arc<Mutex<Option<Value>>> = Arc::default();
    let (catch, bens) = (caught.clone(), scene.ben.user().to_string());
    scene.wire.tamper(move |passing, frame| {
        if is_message_to(passing, &frame, &bens) {
            catch.lock().unwrap().get_or_insert(frame.clone());
        }
        vec![frame]
    });
    assert_eq!(
        scene.anna_writes("mine").await,
        texts(&scene.anna, ["mine"])
    );
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    let mut frame = caught.lock().unwrap().take().unwrap();
    frame["sender_id"] = json!(ben.to_string());
    scene.wire.hand(&anna.to_string(), frame);
    let lines = scene.ben_writes("Ben's").await;
    assert_eq!(lines[0], Line::Unreadable(ben));
    assert_eq!(lines[1..], texts(&scene.ben, ["Ben's"]));
    scene.wire.give_up();
    scene.they_write_to_each_other().await;
}
