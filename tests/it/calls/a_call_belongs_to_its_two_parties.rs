//! To anybody but its two parties a call doesn't exist, and each of them moves it in its own role and
//! under its own name (PROTOCOL.md §7.1).

use serde_json::{Value, json};

use super::phone::{STEPS, Step};
use super::{DIALECTS, PAIRINGS, Phone, pair};
use crate::rig::{Appliance, Person, fresh_id};

#[tokio::test]
async fn a_third_party_finds_no_call_and_changes_nothing() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        for dialect in DIALECTS {
            let dora = Person::join(appliance.place()).await;
            let mut dora = Phone::connect(dora, dialect).await;
            let call = anna.ring(&mut bert).await;
            for connected in [false, true] {
                if connected {
                    bert.answer(&call, &anna.person, "an answer").await;
                    anna.expect_connected(&call).await;
                    anna.expect_sdp(&call, "answer", "an answer").await;
                }
                for step in STEPS {
                    for party in [anna.person.user(), bert.person.user()] {
                        assert_eq!(dora.attempt(step, &call, party).await, 404, "{step:?}");
                    }
                }
                for phone in [&mut anna, &mut bert] {
                    assert_eq!(phone.overheard().await, [] as [Value; 0]);
                }
            }
            anna.expect_alive(&mut bert, &call).await;
            anna.hang_up(&mut bert, &call).await;
        }
    }
}

#[tokio::test]
async fn a_name_that_is_forged_is_worth_nothing() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let dora = Person::join(appliance.place()).await;
        let mut dora = Phone::connect(dora, pairing.0).await;
        // Who isn't allowed stays so under another's name.
        let (annas, berts) = (anna.person.clone(), bert.person.clone());
        let dial = Step::Dial("x");
        let refused = dora.attempt_as(&annas, dial, &Value::Null, berts.user());
        assert_eq!(refused.await, 403);
        let call = anna.ring(&mut bert).await;
        for step in STEPS {
            for (victim, peer) in [(&annas, &berts), (&berts, &annas)] {
                let number = dora.attempt_as(victim, step, &call, peer.user()).await;
                assert_eq!(number, 404, "{step:?}");
            }
        }
        // A caller isn't taken for its callee.
        for step in [Step::Answer("x"), Step::Reject] {
            let number = anna.attempt_as(&berts, step, &call, berts.user()).await;
            assert_eq!(number, 409, "{step:?}");
        }
        for phone in [&mut anna, &mut bert] {
            assert_eq!(phone.overheard().await, [] as [Value; 0]);
        }
        bert.answer(&call, &annas, "an answer").await;
        anna.expect_connected(&call).await;
        anna.hang_up(&mut bert, &call).await;
    }
}

#[tokio::test]
async fn what_a_party_forges_reaches_the_other_under_its_own_name() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let (annas, berts) = (anna.person.clone(), bert.person.clone());
        let dora = Person::join(appliance.place()).await;
        let dial = Step::Dial("forged");
        let number = anna.attempt_as(&dora, dial, &Value::Null, berts.user());
        assert_eq!(number.await, 200);
        // It rings in the name of its real caller.
        let call = bert.expect_caller(&annas).await;
        bert.answer(&call, &annas, "an answer").await;
        for step in [Step::Offer("forged"), Step::Candidate("forged"), Step::End] {
            let number = anna.attempt_as(&dora, step, &call, berts.user()).await;
            assert_eq!(number, 200, "{step:?}");
        }
        let heard = bert.overheard().await;
        assert!(!heard.is_empty());
        let text = json!(heard).to_string();
        assert!(!text.contains(dora.user()), "{text}");
    }
}

#[tokio::test]
async fn each_moves_a_call_only_in_its_role() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let (annas, berts) = (anna.person.clone(), bert.person.clone());
        let call = anna.ring(&mut bert).await;
        for step in [Step::Answer("x"), Step::Reject] {
            assert_eq!(anna.attempt(step, &call, berts.user()).await, 409);
        }
        bert.answer(&call, &annas, "an answer").await;
        anna.expect_connected(&call).await;
        anna.expect_sdp(&call, "answer", "an answer").await;
        assert_eq!(bert.attempt(Step::Reject, &call, annas.user()).await, 409);
        anna.expect_alive(&mut bert, &call).await;
        // Nor does a party reach another call by a wrong id.
        let unknown = json!(fresh_id());
        for step in STEPS {
            if !matches!(step, Step::Offer(_)) {
                assert_eq!(anna.attempt(step, &unknown, berts.user()).await, 404);
            }
        }
        anna.hang_up(&mut bert, &call).await;
    }
}
