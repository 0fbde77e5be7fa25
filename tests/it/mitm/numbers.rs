//! Numbers that no server means, in what a client hears.

use serde_json::json;
use tokio::sync::mpsc;

use super::scene::Scene;
use crate::rig::soon;

#[tokio::test]
async fn a_wait_that_never_ends_ends_no_session() {
    let mut scene = Scene::of_friends().await;
    let anna = scene.anna.user().to_string();
    let wait =
        json!({"type": "error", "code": "rate_limited", "detail": "", "retry_after": u64::MAX});
    scene.wire.hand(&anna, wait);
    scene.ben_writes("still there?").await;
}

#[tokio::test]
async fn a_message_that_is_to_wait_for_ever_leaves_the_others() {
    let mut scene = Scene::of_friends().await;
    let (refusals, mut refused) = mpsc::unbounded_channel();
    let from = scene.anna.user().to_string();
    scene.wire.tamper(move |passing, mut frame| {
        if passing.user == from && frame["type"] == "message_accepted" {
            let id = frame["message_id"].take();
            frame = json!({"type": "error", "code": "queue_full", "detail": "", "id": id, "retry_after": u64::MAX});
            refusals.send(()).unwrap();
        }
        vec![frame]
    });
    let ben = scene.ben.user();
    scene.anna.client.send(ben, "to wait").await.unwrap();
    soon("a refusal", refused.recv()).await.unwrap();
    scene.ben_writes("still there?").await;
}
