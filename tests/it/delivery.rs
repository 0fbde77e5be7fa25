//! At least once, in order, and nothing accepted is ever lost (PROTOCOL.md §6).

use crate::rig::{Appliance, Person};

#[tokio::test]
async fn a_message_to_somebody_online_arrives_and_its_ack_is_the_receipt() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut to = bert.connect().await;
    let mut from = anna.connect().await;
    let id = from.send(&bert, "hello").await;
    let (message, text) = to.message().await;
    assert_eq!(text, "hello");
    assert_eq!(message["message_id"], id);
    assert_eq!(message["sender_id"], anna.user());
    to.ack([&message["message_id"]]).await;
    let receipt = from.expect("message_accepted").await;
    assert_eq!(receipt["id"], id);
    assert_eq!(receipt["message_id"], id);
    assert_eq!(receipt["timestamp"], message["timestamp"]);
}
