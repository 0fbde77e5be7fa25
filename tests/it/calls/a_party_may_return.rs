//! Sockets that drop and come back, and parties that don't (PROTOCOL.md §7.1).

use futures_util::future::join_all;
use serde_json::json;

use super::{DIALECTS, Dialect, PAIRINGS, Phone, pair};
use crate::rig::{Appliance, Place, Setup};

#[tokio::test]
async fn a_party_that_returns_finds_its_call_and_what_it_missed() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let call = anna.talk(&mut bert).await;
        let away = bert.leave().await;
        anna.send_candidate(&call, &away, &json!("missed")).await;
        anna.socket.sync().await;
        // From the first word on, so that everything is told in its own dialect.
        let mut bert = Phone::by_subprotocol(away, pairing.1).await;
        bert.expect_connected(&call).await;
        bert.expect_candidate(&call, &json!("missed")).await;
        anna.expect_alive(&mut bert, &call).await;
        anna.hang_up(&mut bert, &call).await;
    }
}

#[tokio::test]
async fn a_new_session_takes_the_call_over_from_the_old_one() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let call = anna.talk(&mut bert).await;
        let mut newer = Phone::by_subprotocol(anna.person.clone(), pairing.0).await;
        assert_eq!(anna.socket.closed().await, 4409);
        newer.expect_connected(&call).await;
        newer.expect_alive(&mut bert, &call).await;
        newer.hang_up(&mut bert, &call).await;
    }
}

#[tokio::test]
async fn a_callee_that_returns_is_rung_again() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let call = anna.ring(&mut bert).await;
        let away = bert.leave().await;
        let mut bert = Phone::by_subprotocol(away, pairing.1).await;
        assert_eq!(bert.expect_ring(&anna.person, "an offer").await, call);
        bert.answer(&call, &anna.person, "an answer").await;
        anna.expect_connected(&call).await;
    }
}

#[tokio::test]
async fn a_call_whose_party_stays_away_ends_for_both() {
    let appliance = Setup::lenient()
        .set("calls.ringing_grace=1s")
        .set("calls.connected_grace=1s")
        .start()
        .await;
    let at = appliance.place();
    // All at once: each takes as long as the grace is.
    let ends = PAIRINGS.map(|pairing| async move {
        let ends = [false, true].map(|connected| end_by_absence(at, pairing, connected));
        join_all(ends).await;
    });
    join_all(ends).await;
}

/// A call that rings, or is connected, whose caller stays away too long.
async fn end_by_absence(at: Place, pairing: (Dialect, Dialect), connected: bool) {
    let (mut anna, mut bert) = pair(at, pairing).await;
    let call = if connected {
        anna.talk(&mut bert).await
    } else {
        anna.ring(&mut bert).await
    };
    let away = anna.leave().await;
    bert.expect_end(&call, "error").await;
    // Whoever returns is told.
    let mut anna = Phone::by_subprotocol(away, pairing.0).await;
    anna.expect_end(&call, "error").await;
    assert_eq!(anna.step_in_vain("end", &call, &bert.person).await, 410);
}

#[tokio::test]
async fn an_account_that_goes_takes_its_calls_along() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let call = anna.talk(&mut bert).await;
        let login = bert.person.fresh_login().await;
        let deleting = bert.person.ask("DELETE", "/api/v1/account", Some(&login));
        deleting.await.with(204);
        assert_eq!(bert.socket.closed().await, 4403);
        anna.expect_end(&call, "error").await;
    }
}

#[tokio::test]
async fn a_suspended_member_is_out_of_its_calls_at_once() {
    let appliance = Appliance::start().await;
    for dialect in DIALECTS {
        let (mut anna, mut bert) = pair(appliance.place(), (dialect, dialect)).await;
        let call = anna.talk(&mut bert).await;
        appliance.suspend(&anna.person).await;
        assert_eq!(anna.socket.closed().await, 4403);
        bert.expect_end(&call, "error").await;
    }
}
