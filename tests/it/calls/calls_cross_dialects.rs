//! Whoever speaks what: any client calls any other, and each hears its own dialect.

use serde_json::{Value, json};

use super::{PAIRINGS, pair};
use crate::rig::Appliance;

#[tokio::test]
async fn a_call_rings_connects_and_ends_in_every_pairing() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let call = anna.talk(&mut bert).await;
        for candidate in [json!("sealed"), json!({"sdpMid": "0", "opaque": [1, 2]})] {
            anna.send_candidate(&call, &bert.person, &candidate).await;
            bert.expect_candidate(&call, &candidate).await;
            bert.send_candidate(&call, &anna.person, &candidate).await;
            anna.expect_candidate(&call, &candidate).await;
        }
        bert.step("end", &call, &anna.person).await;
        anna.expect_end(&call, "hangup").await;
        bert.expect_end(&call, "hangup").await;
        // A repeat gets the same answer as long as the call is remembered.
        assert_eq!(anna.step_in_vain("end", &call, &bert.person).await, 410);
        assert_eq!(bert.step_in_vain("end", &call, &anna.person).await, 410);
    }
}

#[tokio::test]
async fn either_side_restarts_ice_in_every_pairing() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let call = anna.talk(&mut bert).await;
        for turn in 0..2 {
            let (from, to) = match turn {
                0 => (&mut anna, &mut bert),
                _ => (&mut bert, &mut anna),
            };
            from.send_offer(&call, &to.person, "restart").await;
            to.expect_sdp(&call, "offer", "restart").await;
            to.send_answer(&call, &from.person, "restarted").await;
            from.expect_sdp(&call, "answer", "restarted").await;
        }
    }
}

#[tokio::test]
async fn what_the_callee_sends_waits_until_it_has_answered_in_every_pairing() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let call = anna.dial(&bert.person, "an offer").await;
        bert.expect_ring(&anna.person, "an offer").await;
        bert.send_candidate(&call, &anna.person, &json!("early"))
            .await;
        bert.socket.sync().await;
        assert_eq!(anna.overheard().await, Vec::<Value>::new());
        bert.answer(&call, &anna.person, "an answer").await;
        anna.expect_connected(&call).await;
        anna.expect_candidate(&call, &json!("early")).await;
        anna.expect_sdp(&call, "answer", "an answer").await;
    }
}

#[tokio::test]
async fn a_call_is_declined_in_every_pairing() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let call = anna.dial(&bert.person, "an offer").await;
        bert.expect_ring(&anna.person, "an offer").await;
        assert_eq!(anna.step_in_vain("reject", &call, &bert.person).await, 409);
        bert.step("reject", &call, &anna.person).await;
        anna.expect_end(&call, "rejected").await;
        bert.expect_end(&call, "rejected").await;
    }
}

#[tokio::test]
async fn a_call_that_nobody_answers_ends_for_both_in_every_pairing() {
    let appliance = crate::rig::Setup::lenient()
        .set("calls.ring_timeout=1s")
        .start()
        .await;
    let at = appliance.place();
    let calls = PAIRINGS.map(|pairing| async move {
        let (mut anna, mut bert) = pair(at, pairing).await;
        let call = anna.dial(&bert.person, "an offer").await;
        anna.expect_end(&call, "timeout").await;
        bert.expect_end(&call, "timeout").await;
    });
    futures_util::future::join_all(calls).await;
}
