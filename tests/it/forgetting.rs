//! What the daemon remembers of people for a while only is gone when its time is over, also where
//! nobody comes by.

use std::time::Duration;

use privcomm::base::Timestamp;
use privcomm::maintenance::{Job, Memory, Report};
use serde_json::json;

use crate::rig::{Appliance, Person, Setup, base64, fresh_id};

/// What is forgotten at `now`, in words.
async fn run(appliance: &Appliance, now: Timestamp) -> Option<String> {
    let messenger = appliance.messenger().clone();
    match (Memory { messenger }).run(now).await.unwrap() {
        Report::Nothing => None,
        Report::Did(words) => Some(words),
    }
}

#[tokio::test]
async fn limits_nonces_credentials_and_receipts_are_forgotten_in_time() {
    let appliance = Setup::strict().start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    anna.get("/api/v1/turn-credentials").await.with(200);
    anna.get(&format!("/api/v1/keys/{}", bert.user()))
        .await
        .with(200);
    let message = json!({
        "recipient_id": bert.user(),
        "id": fresh_id(),
        "payload": base64("hi"),
    });
    let send = async || anna.post("/api/v1/messages", &message).await.with(202);
    let accepted = send().await;
    bert.ack(&[&accepted["message_id"]]).await;
    assert_eq!(send().await["status"], "delivered");

    let start = appliance.messenger().now();
    let hours = |hours| start.saturating_add(Duration::from_hours(hours));
    let words = run(&appliance, hours(23)).await.unwrap();
    assert!(words.starts_with("forgot "), "{words}");
    assert_eq!(run(&appliance, hours(23)).await, None);
    // Its receipt is kept a day: until then a retry isn't delivered again.
    assert_eq!(send().await["status"], "delivered");
    assert!(run(&appliance, hours(25)).await.is_some());
    assert_eq!(run(&appliance, hours(25)).await, None);
    assert_eq!(send().await["status"], "queued");
}
