//! One connected call per user, one that they make, and up to three that ring them (PROTOCOL.md §7.1).

use serde_json::{Value, json};

use super::phone::Step;
use super::{DIALECTS, PAIRINGS, Phone, pair};
use crate::rig::{Appliance, Person, Setup};

#[tokio::test]
async fn whoever_is_in_a_call_is_busy() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let dora = Person::join(appliance.place()).await;
        bert.person.allow(&dora).await;
        dora.allow(&anna.person).await;
        let mut dora = Phone::connect(dora, pairing.1).await;
        let call = anna.talk(&mut bert).await;
        assert_eq!(dora.dial_in_vain(bert.person.user()).await, 486);
        assert_eq!(anna.dial_in_vain(dora.person.user()).await, 486);
        anna.expect_alive(&mut bert, &call).await;
        anna.hang_up(&mut bert, &call).await;
        dora.ring(&mut bert).await;
    }
}

#[tokio::test]
async fn whoever_calls_somebody_calls_nobody_else() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let dora = Person::join(appliance.place()).await;
        dora.allow(&anna.person).await;
        let mut dora = Phone::connect(dora, pairing.1).await;
        let call = anna.ring(&mut bert).await;
        assert_eq!(anna.dial_in_vain(dora.person.user()).await, 486);
        anna.hang_up(&mut bert, &call).await;
        anna.ring(&mut dora).await;
    }
}

#[tokio::test]
async fn three_may_ring_somebody_at_once_in_whatever_dialect() {
    let appliance = Appliance::start().await;
    for dialect in DIALECTS {
        let [bert, callers @ ..] = Person::crowd::<5>(appliance.place()).await;
        for caller in &callers {
            bert.allow(caller).await;
        }
        let mut bert = Phone::connect(bert, dialect).await;
        let mut phones = Vec::new();
        for (number, caller) in callers.into_iter().enumerate() {
            phones.push(Phone::connect(caller, DIALECTS[number % 2]).await);
        }
        let mut calls = Vec::new();
        for phone in &mut phones[..3] {
            calls.push(phone.ring(&mut bert).await);
        }
        assert_eq!(phones[3].dial_in_vain(bert.person.user()).await, 486);
        phones[0].hang_up(&mut bert, &calls[0]).await;
        phones[3].ring(&mut bert).await;
        // The others weren't touched: one can be taken.
        let caller = phones[1].person.clone();
        bert.answer(&calls[1], &caller, "an answer").await;
        phones[1].expect_connected(&calls[1]).await;
    }
}

#[tokio::test]
async fn how_many_may_ring_is_for_the_operator_to_say() {
    let appliance = Setup::lenient().set("calls.ringing=1").start().await;
    let (mut anna, mut bert) = pair(appliance.place(), PAIRINGS[1]).await;
    let dora = Person::join(appliance.place()).await;
    bert.person.allow(&dora).await;
    let mut dora = Phone::connect(dora, DIALECTS[0]).await;
    anna.ring(&mut bert).await;
    assert_eq!(dora.dial_in_vain(bert.person.user()).await, 486);
}

#[tokio::test]
async fn when_both_call_the_second_is_told_the_call_to_answer() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        anna.person.allow(&bert.person).await;
        let annas = anna.person.clone();
        let call = anna.ring(&mut bert).await;
        let said = bert
            .refusal(Step::Dial("mine"), &Value::Null, annas.user())
            .await;
        let number = said["code"].clone();
        assert!([json!(409), json!("glare")].contains(&number), "{said}");
        let told = [&said["call_id"], &said["params"]["call_id"]];
        assert!(told.contains(&&call), "{said}");
        bert.answer(&call, &annas, "an answer").await;
        anna.expect_connected(&call).await;
        anna.expect_sdp(&call, "answer", "an answer").await;
        anna.expect_alive(&mut bert, &call).await;
    }
}
