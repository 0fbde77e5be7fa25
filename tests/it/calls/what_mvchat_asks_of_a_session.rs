//! What `mvchat.v1` asks of a session: how it is chosen, what its codes are, what else it carries.

use serde_json::{Value, json};

use super::{Dialect, Phone, pair};
use crate::rig::{Appliance, Heard, Person, Place, Setup, Socket, fresh_id};

const BOTH: (Dialect, Dialect) = (Dialect::Mvchat, Dialect::Mvchat);

/// Calls nobody, and hears in the envelope that there is no such callee to be told of.
async fn expect_envelope(socket: &mut Socket) {
    let call = json!({"id": "9", "call": {"action": "end", "call_id": fresh_id()}});
    socket.say(&call).await;
    let is_ctrl = |frame: &Value| frame["ctrl"]["id"] == "9";
    let answer = socket.expect_that("ctrl", is_ctrl).await;
    assert_eq!(answer["ctrl"]["code"], 404, "{answer}");
}

/// A socket that asked for the subprotocol and authenticated by header.
async fn by_subprotocol(place: Place, person: &Person) -> Socket {
    let bearer = format!("Bearer {}", person.token());
    let headers = [
        ("sec-websocket-protocol", "mvchat.v1"),
        ("authorization", bearer.as_str()),
    ];
    Socket::try_open(place, "/ws", &headers).await.unwrap()
}

#[tokio::test]
async fn the_dialect_is_chosen_by_subprotocol_by_hi_or_by_the_first_call() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    anna.allow(&bert).await;
    let mut other = Phone::connect(bert, Dialect::Privcomm).await;
    let mut asked = by_subprotocol(appliance.place(), &anna).await;
    // Told in the dialect before it has said a word.
    asked.expect("ready").await;
    other.dial(&anna, "an offer").await;
    let is_info = |frame: &Value| frame["info"]["what"] == "incoming_call";
    asked.expect_that("incoming_call", is_info).await;
    expect_envelope(&mut asked).await;
    let mut by_call = anna.connect().await;
    expect_envelope(&mut by_call).await;
    let mut by_hi = Phone::connect(anna.clone(), Dialect::Mvchat).await;
    expect_envelope(&mut by_hi.socket).await;
    // Once another frame came first, it stays what it was.
    let mut plain = anna.connect().await;
    plain.sync().await;
    plain
        .say(&json!({"id": "9", "call": {"action": "end"}}))
        .await;
    plain.refused("invalid_field").await;
}

#[tokio::test]
async fn hi_may_come_again_and_needs_no_token_then() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = by_subprotocol(appliance.place(), &anna).await;
    socket.say(&json!({"id": "0", "hi": {}})).await;
    let is_ctrl = |frame: &Value| frame.get("ctrl").is_some();
    let answer = socket.expect_that("ctrl", is_ctrl).await;
    assert_eq!(answer["ctrl"]["params"]["user"], anna.user());
}

#[tokio::test]
async fn a_bad_token_is_401_and_the_end_of_the_socket() {
    let appliance = Appliance::start().await;
    let mut socket = Socket::open(appliance.place(), "/ws").await;
    socket.say(&json!({"id": "0", "hi": {"token": "x"}})).await;
    let answer = socket.next().await;
    assert_eq!(answer["ctrl"]["code"], 401, "{answer}");
    assert_eq!(answer["ctrl"]["id"], "0");
    assert_eq!(socket.closed().await, 1008);
    let mut socket = Socket::open(appliance.place(), "/ws").await;
    socket
        .say(&json!({"id": "1", "call": {"action": "end"}}))
        .await;
    assert!(matches!(socket.hear().await, Heard::Closed(1008)));
}

#[tokio::test]
async fn messages_and_acks_travel_in_it_as_they_are() {
    let appliance = Appliance::start().await;
    let (mut anna, mut bert) = pair(appliance.place(), BOTH).await;
    let id = anna.socket.send(&bert.person, "hello").await;
    let (message, text) = bert.socket.message().await;
    assert_eq!(
        (text.as_str(), &message["message_id"]),
        ("hello", &json!(id))
    );
    bert.socket.ack([&message["message_id"]]).await;
    let accepted = anna.socket.expect("message_accepted").await;
    assert_eq!(accepted["id"], json!(id));
    bert.socket.sync().await;
    assert!(bert.person.waiting().await.is_empty());
}

#[tokio::test]
async fn what_is_malformed_is_400_and_the_call_lives() {
    let appliance = Appliance::start().await;
    let (mut anna, mut bert) = pair(appliance.place(), BOTH).await;
    let call = anna.dial(&bert.person, "an offer").await;
    let large = "x".repeat(129 * 1024);
    for action in [
        json!({"action": "dance"}),
        json!({"action": "initiate"}),
        json!({"action": "end", "call_id": 7}),
        json!({"action": "sdp", "call_id": call, "sdp": "v=0"}),
        json!({"action": "sdp", "call_id": call, "sdp": {"type": "offer", "sdp": large}}),
        json!({"action": "ice", "call_id": call, "candidate": "x".repeat(8 * 1024 + 1)}),
    ] {
        assert_eq!(anna.refused(action).await, 400);
    }
    anna.socket.say(&json!({"id": "x"})).await;
    let is_ctrl = |frame: &Value| frame["ctrl"]["id"] == "x";
    let answer = anna.socket.expect_that("ctrl", is_ctrl).await;
    assert_eq!(answer["ctrl"]["code"], 400);
    bert.expect_ring(&anna.person, "an offer").await;
    bert.answer(&call, &anna.person, "an answer").await;
    anna.expect_connected(&call).await;
}

#[tokio::test]
async fn every_code_is_told_when_it_should_be() {
    let appliance = Setup::lenient().start().await;
    let (mut anna, mut bert) = pair(appliance.place(), BOTH).await;
    let [clara, dora] = Person::crowd(appliance.place()).await;
    let nobody = fresh_id();
    for stranger in [clara.user(), &nobody] {
        assert_eq!(anna.dial_in_vain(stranger).await, 403);
    }
    clara.allow(&anna.person).await;
    assert_eq!(anna.dial_in_vain(clara.user()).await, 404);
    let call = anna.dial(&bert.person, "an offer").await;
    let wrong = json!({"action": "answer", "call_id": call});
    assert_eq!(anna.refused(wrong).await, 409);
    anna.person.allow(&bert.person).await;
    let initiate = json!({"action": "initiate", "user": anna.person.user()});
    let glare = bert.ask(initiate).await;
    assert_eq!(
        (&glare["code"], &glare["params"]["call_id"]),
        (&json!(409), &call)
    );
    bert.expect_ring(&anna.person, "an offer").await;
    bert.answer(&call, &anna.person, "an answer").await;
    bert.person.allow(&dora).await;
    let mut third = Phone::connect(dora, Dialect::Mvchat).await;
    assert_eq!(third.dial_in_vain(bert.person.user()).await, 486);
    let meddle = json!({"action": "end", "call_id": call});
    assert_eq!(third.refused(meddle.clone()).await, 404);
    anna.act(meddle.clone()).await;
    assert_eq!(bert.refused(meddle).await, 410);
}
