//! Who sees that somebody is there: those who allow each other, where the operator and both of them
//! want it, and nobody else; and nobody learns why somebody isn't (PROTOCOL.md §5, `presence`).

use serde_json::{Value, json};

use super::{DIALECTS, PAIRINGS, Phone};
use crate::rig::{Appliance, Person, Setup, soon};

/// Coming shows soon, going only when it is meant.
async fn with_presence() -> Appliance {
    setup().set("presence.leaving=10m").start().await
}

fn setup() -> Setup {
    Setup::lenient()
        .set("presence.enabled=true")
        .set("presence.arriving=100ms")
}

async fn take_part(person: &Person, takes: bool) {
    let patch = json!({"presence": takes});
    let account = person.ask("PATCH", "/api/v1/account", Some(&patch)).await;
    assert_eq!(account.with(200)["presence"], takes);
}

/// Some who all allow each other and take part.
async fn friends<const N: usize>(appliance: &Appliance) -> [Person; N] {
    let people = Person::crowd::<N>(appliance.place()).await;
    for person in &people {
        take_part(person, true).await;
        for other in people.iter().filter(|other| other.user() != person.user()) {
            person.allow(other).await;
        }
    }
    people
}

fn presence(of: &Person, online: bool) -> Value {
    json!({"type": "presence", "user_id": of.user(), "online": online})
}

/// The next word about who is there.
async fn expect(phone: &mut Phone, of: &Person, online: bool) {
    assert_eq!(phone.socket.expect("presence").await, presence(of, online));
}

/// Everything that was said of who is there, until now.
async fn told(phone: &mut Phone) -> Vec<Value> {
    let frames = phone.socket.drain().await;
    let is_meant = |frame: &Value| frame["type"] == "presence";
    frames.into_iter().filter(is_meant).collect()
}

/// Two who see each other, and have heard so.
async fn in_sight(
    people: &[Person; 2],
    (first, second): (super::Dialect, super::Dialect),
) -> (Phone, Phone) {
    let [anna, bert] = people;
    let mut annas = Phone::connect(anna.clone(), first).await;
    let mut berts = Phone::connect(bert.clone(), second).await;
    expect(&mut annas, bert, true).await;
    expect(&mut berts, anna, true).await;
    (annas, berts)
}

#[tokio::test]
async fn friends_who_take_part_see_each_other_come_and_go() {
    let appliance = setup().set("presence.leaving=100ms").start().await;
    for pairing in PAIRINGS {
        let people = friends(&appliance).await;
        let (mut annas, berts) = in_sight(&people, pairing).await;
        berts.leave().await;
        expect(&mut annas, &people[1], false).await;
        let _back = Phone::connect(people[1].clone(), pairing.1).await;
        expect(&mut annas, &people[1], true).await;
    }
}

#[tokio::test]
async fn a_reconnect_shows_nothing_and_tells_the_new_session_who_is_there() {
    let appliance = with_presence().await;
    for pairing in PAIRINGS {
        let people = friends(&appliance).await;
        let (mut annas, berts) = in_sight(&people, pairing).await;
        berts.leave().await;
        let mut berts = Phone::by_subprotocol(people[1].clone(), pairing.1).await;
        expect(&mut berts, &people[0], true).await;
        // So does a session that takes over from one that stands.
        let mut newer = Phone::connect(people[1].clone(), pairing.1).await;
        expect(&mut newer, &people[0], true).await;
        assert_eq!(berts.socket.closed().await, 4409);
        assert_eq!(told(&mut annas).await, [] as [Value; 0]);
    }
}

/// Whoever comes after everything that is looked at, and is seen to.
async fn expect_witness(watcher: &mut Phone, witness: &Person) {
    let _socket = Phone::connect(witness.clone(), DIALECTS[0]).await;
    expect(watcher, witness, true).await;
}

#[tokio::test]
async fn nobody_is_seen_unless_both_want_it_and_allow_each_other() {
    let appliance = with_presence().await;
    for pairing in PAIRINGS {
        let [anna, bert, clara] = friends::<3>(&appliance).await;
        let [stranger, shy] = Person::crowd(appliance.place()).await;
        // Each of these lacks one thing.
        bert.ask("DELETE", &format!("/api/v1/contacts/{}", anna.user()), None)
            .await
            .with(204);
        take_part(&stranger, true).await;
        stranger.allow(&anna).await;
        shy.allow(&anna).await;
        anna.allow(&shy).await;
        let mut annas = Phone::connect(anna.clone(), pairing.0).await;
        let mut others = Vec::new();
        for person in [bert, stranger, shy] {
            others.push(Phone::connect(person, pairing.1).await);
        }
        expect_witness(&mut annas, &clara).await;
        assert_eq!(told(&mut annas).await, [] as [Value; 0]);
        for phone in &mut others {
            let told = told(phone).await;
            assert!(told.iter().all(|frame| frame["user_id"] != anna.user()));
        }
    }
}

#[tokio::test]
async fn whoever_does_not_take_part_sees_nobody() {
    let appliance = with_presence().await;
    let [anna, bert, clara] = friends::<3>(&appliance).await;
    take_part(&anna, false).await;
    let mut annas = Phone::connect(anna.clone(), DIALECTS[0]).await;
    let mut berts = Phone::connect(bert.clone(), DIALECTS[1]).await;
    expect_witness(&mut berts, &clara).await;
    assert_eq!(told(&mut annas).await, [] as [Value; 0]);
    // From the moment on that it does, it sees and is seen.
    take_part(&anna, true).await;
    let mut seen = [
        annas.socket.expect("presence").await,
        annas.socket.expect("presence").await,
    ];
    seen.sort_by_key(|frame| frame["user_id"] != bert.user());
    assert_eq!(seen, [presence(&bert, true), presence(&clara, true)]);
    expect(&mut berts, &anna, true).await;
}

/// What one can do, or have done to one, so as to be there no more.
#[derive(Debug, Clone, Copy)]
enum Way {
    SwitchOff,
    Block,
    Remove,
    Delete,
    Suspend,
    DeletedByOperator,
    Reset,
}

const WAYS: [Way; 7] = [
    Way::SwitchOff,
    Way::Block,
    Way::Remove,
    Way::Delete,
    Way::Suspend,
    Way::DeletedByOperator,
    Way::Reset,
];

async fn go(appliance: &Appliance, way: Way, bert: &Person, anna: &Person) {
    let operator = appliance.messenger().operator();
    let path = format!("/api/v1/contacts/{}", anna.user());
    match way {
        Way::SwitchOff => take_part(bert, false).await,
        Way::Block => bert.block(anna).await,
        Way::Remove => {
            bert.ask("DELETE", &path, None).await.with(204);
        }
        Way::Delete => {
            let login = bert.fresh_login().await;
            let deleting = bert.ask("DELETE", "/api/v1/account", Some(&login)).await;
            deleting.with(204);
        }
        Way::Suspend => appliance.suspend(bert).await,
        Way::DeletedByOperator => operator.delete_user(bert.user()).await.unwrap(),
        Way::Reset => {
            operator.reset_user(bert.user()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn every_way_to_be_there_no_more_looks_the_same_and_shows_at_once() {
    let appliance = with_presence().await;
    for (number, way) in WAYS.into_iter().enumerate() {
        let people = friends(&appliance).await;
        let [anna, bert] = &people;
        let pairing = PAIRINGS[number % PAIRINGS.len()];
        let (mut annas, mut berts) = in_sight(&people, pairing).await;
        go(&appliance, way, bert, anna).await;
        expect(&mut annas, bert, false).await;
        let rest: Vec<_> = annas.socket.drain().await;
        let is_greeting = |frame: &Value| frame["type"] == "queue_drained";
        assert!(rest.iter().all(is_greeting), "{way:?}: {rest:?}");
        if matches!(way, Way::SwitchOff | Way::Block | Way::Remove) {
            expect(&mut berts, anna, false).await;
        }
        // What the other side does or doesn't do then brings nothing more to light.
        anna.allow(bert).await;
        let mut again = Phone::connect(anna.clone(), pairing.0).await;
        assert_eq!(told(&mut again).await, [] as [Value; 0], "{way:?}");
    }
}

#[tokio::test]
async fn somebody_away_is_there_no_more_at_once_either() {
    let appliance = with_presence().await;
    for way in WAYS {
        let people = friends(&appliance).await;
        let [anna, bert] = &people;
        let (mut annas, berts) = in_sight(&people, PAIRINGS[0]).await;
        berts.leave().await;
        go(&appliance, way, bert, anna).await;
        expect(&mut annas, bert, false).await;
    }
}

#[tokio::test]
async fn to_be_allowed_again_is_to_be_seen_again() {
    let appliance = with_presence().await;
    let people = friends(&appliance).await;
    let [anna, bert] = &people;
    let (mut annas, mut berts) = in_sight(&people, PAIRINGS[1]).await;
    for _ in 0..3 {
        bert.block(anna).await;
        expect(&mut annas, bert, false).await;
        expect(&mut berts, anna, false).await;
        bert.allow(anna).await;
        expect(&mut annas, bert, true).await;
        expect(&mut berts, anna, true).await;
    }
}

#[tokio::test]
async fn a_suspended_member_is_neither_seen_nor_sees_until_let_in_again() {
    let appliance = with_presence().await;
    let [anna, mut bert, clara] = friends::<3>(&appliance).await;
    let mut annas = Phone::connect(anna.clone(), DIALECTS[0]).await;
    appliance.suspend(&bert).await;
    // Tokens of the second of the suspension aren't believed.
    soon("a token that is believed", async {
        loop {
            bert.log_in().await;
            if bert.get("/api/v1/account").await.status == 200 {
                return;
            }
        }
    })
    .await;
    let mut berts = Phone::connect(bert.clone(), DIALECTS[1]).await;
    expect_witness(&mut annas, &clara).await;
    assert_eq!(told(&mut berts).await, [] as [Value; 0]);
    appliance.resume(&bert).await;
    expect(&mut annas, &bert, true).await;
    let told = [
        berts.socket.expect("presence").await,
        berts.socket.expect("presence").await,
    ];
    assert!(told.contains(&presence(&anna, true)), "{told:?}");
}

#[tokio::test]
async fn it_is_off_until_it_is_switched_on_and_stays_as_it_was_left() {
    let appliance = with_presence().await;
    let mut anna = Person::join(appliance.place()).await;
    let account = anna.get("/api/v1/account").await.with(200);
    assert_eq!(account["presence"], false);
    take_part(&anna, true).await;
    let name = json!({"public_name": "Anna"});
    let account = anna.ask("PATCH", "/api/v1/account", Some(&name)).await;
    assert_eq!(account.with(200)["presence"], true);
    for wrong in [json!({"presence": 1}), json!({"presence": "on"})] {
        let refused = anna.ask("PATCH", "/api/v1/account", Some(&wrong)).await;
        refused.refused(400, "invalid_field");
    }
    let setup = appliance.stop().await.set("server.listen=127.0.0.1:0");
    let appliance = setup.start().await;
    anna.move_to(appliance.place());
    anna.log_in().await;
    let account = anna.get("/api/v1/account").await.with(200);
    assert_eq!(account["presence"], true);
}

#[tokio::test]
async fn without_the_operators_wish_nobody_is_seen() {
    let appliance = Setup::lenient()
        .set("presence.arriving=100ms")
        .set("calls.ring_timeout=1s")
        .start()
        .await;
    let features = |server: &Value| server["features"].clone();
    let server = appliance.place().get("/api/v1/server").await.with(200);
    assert_eq!(features(&server), json!(["turn"]));
    let [anna, bert] = friends(&appliance).await;
    let mut annas = Phone::connect(anna.clone(), DIALECTS[0]).await;
    let mut berts = Phone::connect(bert.clone(), DIALECTS[0]).await;
    // A call that nobody answers takes ten times as long as it would take to be seen.
    let call = annas.ring(&mut berts).await;
    annas.expect_end(&call, "timeout").await;
    for phone in [&mut annas, &mut berts] {
        assert_eq!(told(phone).await, [] as [Value; 0]);
    }
    let server = with_presence().await.place().get("/api/v1/server").await;
    assert_eq!(features(&server.with(200)), json!(["turn", "presence"]));
}
