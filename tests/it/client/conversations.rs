//! Two people write to each other.

use super::rig::Member;
use crate::rig::{Appliance, soon};

#[tokio::test]
async fn two_members_write_to_each_other() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let (mut annas, mut bens) = (anna.connect(), ben.connect());
    for round in 0..3 {
        let there = format!("there {round}");
        anna.client.send(ben.user(), &there).await.unwrap();
        assert_eq!(bens.text().await, (anna.user(), there));
        let back = format!("back {round}");
        ben.client.send(anna.user(), &back).await.unwrap();
        assert_eq!(annas.text().await, (ben.user(), back));
    }
    soon("an empty outbox", anna.client.settled()).await;
    annas.inbox.close().await;
    bens.inbox.close().await;
}

#[tokio::test]
async fn what_was_written_to_somebody_away_is_there_when_they_come() {
    let appliance = Appliance::start().await;
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    let annas = anna.connect();
    for number in 0..20 {
        let text = number.to_string();
        anna.client.send(ben.user(), &text).await.unwrap();
    }
    soon("an empty outbox", anna.client.settled()).await;
    annas.inbox.close().await;
    let mut bens = ben.connect();
    for number in 0..20 {
        assert_eq!(bens.text().await, (anna.user(), number.to_string()));
    }
}
