//! Whose word lets a call ring, and what those learn who may not (PROTOCOL.md §7.1).

use serde_json::Value;

use super::phone::Step;
use super::{DIALECTS, PAIRINGS, Phone, pair};
use crate::rig::{Appliance, Person, Setup, fresh_id};

/// What a refusal says, but for what only names the request.
async fn refusal(phone: &mut Phone, callee: &str) -> Value {
    let mut said = phone.refusal(Step::Dial("x"), &Value::Null, callee).await;
    let members = said.as_object_mut().unwrap();
    members.remove("id");
    said
}

#[tokio::test]
async fn whoever_is_not_allowed_hears_the_same_of_everybody() {
    let appliance = Appliance::start().await;
    for dialect in DIALECTS {
        let [anna, online, offline, blocking] = Person::crowd(appliance.place()).await;
        let mut bystander = Phone::connect(online, dialect).await;
        let mut blocker = Phone::connect(blocking, dialect).await;
        blocker.person.block(&anna).await;
        let mut anna = Phone::connect(anna, dialect).await;
        let nobody = fresh_id();
        let mut refusals = Vec::new();
        for callee in [
            bystander.person.user(),
            offline.user(),
            blocker.person.user(),
            &nobody,
        ] {
            refusals.push(refusal(&mut anna, callee).await);
        }
        refusals.dedup();
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        assert_eq!(anna.dial_in_vain(&nobody).await, 403);
        for phone in [&mut bystander, &mut blocker] {
            assert_eq!(phone.overheard().await, [] as [Value; 0]);
        }
        // To somebody who may call, it is told that nobody is there.
        offline.allow(&anna.person).await;
        assert_eq!(anna.dial_in_vain(offline.user()).await, 404);
    }
}

#[tokio::test]
async fn whoever_is_blocked_no_longer_rings() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let call = anna.ring(&mut bert).await;
        anna.hang_up(&mut bert, &call).await;
        bert.person.block(&anna.person).await;
        assert_eq!(anna.dial_in_vain(bert.person.user()).await, 403);
        assert_eq!(bert.overheard().await, [] as [Value; 0]);
    }
}

#[tokio::test]
async fn the_operator_may_ask_for_the_word_of_both() {
    let appliance = Setup::lenient().set("calls.policy=mutual").start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        assert_eq!(anna.dial_in_vain(bert.person.user()).await, 403);
        anna.person.allow(&bert.person).await;
        let call = anna.talk(&mut bert).await;
        anna.hang_up(&mut bert, &call).await;
    }
}

#[tokio::test]
async fn the_operator_may_ask_for_nobodys_word() {
    let appliance = Setup::lenient().set("calls.policy=off").start().await;
    for (first, second) in PAIRINGS {
        let [anna, bert] = Person::crowd(appliance.place()).await;
        let mut anna = Phone::connect(anna, first).await;
        let mut bert = Phone::connect(bert, second).await;
        let call = anna.ring(&mut bert).await;
        anna.hang_up(&mut bert, &call).await;
        // But for those who were blocked.
        bert.person.block(&anna.person).await;
        assert_eq!(anna.dial_in_vain(bert.person.user()).await, 403);
    }
}
