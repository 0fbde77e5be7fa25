//! Members who are barred by the operator, and let in again.

use privcomm::base::UserId;
use privcomm::messenger::Error;
use privcomm::wire::people::Standing;
use serde_json::{Value, json};

use crate::rig::{Appliance, Person, TurnClient, soon, told};

async fn credentials(person: &Person) -> Value {
    person.get("/api/v1/turn-credentials").await.with(200)
}

/// Logs in again. Tokens say in whole seconds when they were made, and one of the second of a
/// suspension isn't believed.
async fn log_in_anew(person: &mut Person) {
    soon("a token that is believed", async {
        loop {
            person.log_in().await;
            if person.get("/api/v1/account").await.status == 200 {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_suspended_member_is_out_of_everything_at_once() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    bert.allow(&anna).await;
    let credentials = credentials(&anna).await;
    let mut client = TurnClient::new(told(&credentials)[0], &credentials).await;
    client.allocate().await.unwrap();
    let (mut annas, mut berts) = (anna.connect().await, bert.connect().await);
    annas
        .say(&json!({"type": "call_offer", "recipient_id": bert.user(), "sdp": "offer"}))
        .await;
    let call = berts.expect("call_offer").await["call_id"].clone();

    appliance.suspend(&anna).await;
    assert_eq!(annas.closed().await, 4403);
    loop {
        let state = berts.expect("call_state").await;
        assert_eq!(state["call_id"], call);
        if state["state"] == "ended" {
            break;
        }
    }
    assert_eq!(client.refresh(600).await, Err(401));
    assert_eq!(client.allocate().await, Err(401));
    let refused = anna.get("/api/v1/account").await;
    refused.refused(401, "token_expired");
}

#[tokio::test]
async fn a_suspended_member_may_read_and_neither_send_nor_call() {
    let appliance = Appliance::start().await;
    let [mut anna, bert] = Person::crowd(appliance.place()).await;
    bert.allow(&anna).await;
    anna.allow(&bert).await;
    bert.post_message(&anna, "before").await.with(202);
    appliance.suspend(&anna).await;
    bert.post_message(&anna, "after").await.with(202);

    log_in_anew(&mut anna).await;
    let account = anna.get("/api/v1/account").await.with(200);
    assert_eq!(account["suspended"], true);
    assert_eq!(anna.waiting().await.len(), 2);
    anna.post_message(&bert, "x")
        .await
        .refused(403, "suspended");
    let refused = anna.get("/api/v1/turn-credentials").await;
    refused.refused(403, "suspended");
    let mut socket = anna.connect().await;
    socket
        .say(&json!({"type": "call_offer", "recipient_id": bert.user(), "sdp": "offer"}))
        .await;
    socket.refused("suspended").await;
}

#[tokio::test]
async fn a_member_who_is_let_in_again_is_as_before() {
    let appliance = Appliance::start().await;
    let [mut anna, bert] = Person::crowd(appliance.place()).await;
    appliance.suspend(&anna).await;
    appliance.resume(&anna).await;
    log_in_anew(&mut anna).await;
    anna.post_message(&bert, "back").await.with(202);
    let credentials = credentials(&anna).await;
    let mut client = TurnClient::new(told(&credentials)[0], &credentials).await;
    client.allocate().await.unwrap();
    assert_eq!(bert.waiting().await.len(), 1);
}

#[tokio::test]
async fn a_suspension_outlasts_a_restart() {
    let appliance = Appliance::start().await;
    let [mut anna, bert] = Person::crowd(appliance.place()).await;
    appliance.suspend(&anna).await;
    let appliance = appliance
        .stop()
        .await
        .set("server.listen=127.0.0.1:0")
        .start()
        .await;
    anna.move_to(appliance.place());
    let refused = anna.get("/api/v1/account").await;
    refused.refused(401, "token_expired");
    log_in_anew(&mut anna).await;
    anna.post_message(&bert, "x")
        .await
        .refused(403, "suspended");
}

#[tokio::test]
async fn nobody_is_suspended_who_is_not_there() {
    let appliance = Appliance::start().await;
    let messenger = appliance.messenger();
    let refused = messenger.suspend(UserId::random()).await;
    assert_eq!(refused, Err(Error::UserNotFound));
    let refused = messenger.resume(UserId::random()).await;
    assert_eq!(refused, Err(Error::UserNotFound));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_is_suspended_and_let_in_at_once_is_in_the_end_the_one_or_the_other() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let messenger = appliance.messenger();
    let user: UserId = anna.user().parse().unwrap();
    // What is in memory of her stays there as long as this is held.
    let member = messenger.authenticate(anna.token()).await.unwrap();
    for _ in 0..100 {
        let (one, other) = (messenger.clone(), messenger.clone());
        let suspending = tokio::spawn(async move { one.suspend(user).await });
        let resuming = tokio::spawn(async move { other.resume(user).await });
        suspending.await.unwrap().unwrap();
        resuming.await.unwrap().unwrap();
        let in_memory = member.account().await.unwrap().suspended;
        let report = messenger.operator().user(anna.user()).await.unwrap();
        let stored = report.user.standing == Standing::Suspended;
        assert_eq!(in_memory, stored);
    }
}
