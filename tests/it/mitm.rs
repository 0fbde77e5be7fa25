//! Between two people stands an attacker who holds the server: every attempt that end-to-end
//! encryption is for, and what both of them see of it. Once the attacker gives up, the
//! conversation goes on and nothing is lost.

mod calls;
mod keys;
mod mallory;
mod messages;
mod numbers;
mod scene;
mod wire;

use serde_json::json;
use wire::{Direction, Wire};

use crate::rig::{Person, Socket};

#[tokio::test]
async fn a_wire_that_nobody_tampers_with_changes_nothing() {
    let wire = Wire::start().await;
    assert_ne!(wire.place(), wire.daemon().place());
    let [anna, bert] = Person::crowd(wire.place()).await;
    let bundle = anna.get(&format!("/api/v1/keys/{}", bert.user())).await;
    assert_eq!(bundle.with(200)["identity_key"], bert.identity_key());
    let (mut at_anna, mut at_bert) = (anna.connect().await, bert.connect().await);
    at_anna.send(&bert, "hello").await;
    let (message, text) = at_bert.message().await;
    assert_eq!(
        (text.as_str(), &message["sender_id"]),
        ("hello", &json!(anna.user()))
    );
}

#[tokio::test]
async fn an_attacker_changes_drops_and_adds_what_passes() {
    let wire = Wire::start().await;
    let [anna, bert] = Person::crowd(wire.place()).await;
    let (mut at_anna, mut at_bert) = (anna.connect().await, bert.connect().await);
    let victim = bert.user().to_owned();
    wire.tamper(move |passing, mut frame| {
        let goes_down = passing.direction == Direction::Down && passing.user == victim;
        if goes_down && frame["type"] == "encrypted_message" {
            frame["sender_id"] = json!("somebody");
            return vec![frame.clone(), frame];
        }
        vec![frame]
    });
    wire.swap_bundles(|bundle| bundle["identity_key"] = json!("other"));
    at_anna.send(&bert, "hello").await;
    for _ in 0..2 {
        assert_eq!(at_bert.message().await.0["sender_id"], "somebody");
    }
    let bundle = anna.get(&format!("/api/v1/keys/{}", bert.user())).await;
    assert_eq!(bundle.with(200)["identity_key"], "other");
    wire.give_up();
    wire.hand(bert.user(), json!({"type": "forged"}));
    at_bert.expect("forged").await;
    wire.cut();
    let broken = at_bert.hear().await;
    assert!(matches!(broken, crate::rig::Heard::Broken), "{broken:?}");
    let mut at_bert: Socket = bert.connect().await;
    assert_eq!(at_bert.message().await.1, "hello");
}
