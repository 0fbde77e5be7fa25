//! What one may send in a call and how often one may call: as much as the limit is granted, what is
//! beyond it is refused, and the call lives on (PROTOCOL.md §7.1).

use serde_json::Value;

use super::phone::Step;
use super::{DIALECTS, Dialect, PAIRINGS, Phone, pair};
use crate::rig::{Appliance, Person, Setup, fresh_id};

const KIB: usize = 1024;

fn both(dialect: Dialect) -> (Dialect, Dialect) {
    (dialect, dialect)
}

/// The limits of the protocol on calls, and none on anything else.
fn rated() -> Setup {
    Setup::lenient()
        .set("limits.call_starts=10/1m")
        .set("limits.call_starts_pair=3/5m")
}

/// The seconds that a refusal says to wait.
fn retry_after(said: &Value) -> u64 {
    let told = [&said["retry_after"], &said["params"]["retry_after"]];
    told.into_iter().find_map(Value::as_u64).unwrap()
}

#[tokio::test]
async fn an_sdp_has_128_kib_and_a_candidate_8() {
    let appliance = Appliance::start().await;
    for dialect in DIALECTS {
        let (mut anna, mut bert) = pair(appliance.place(), both(dialect)).await;
        let (annas, berts) = (anna.person.clone(), bert.person.clone());
        let call = anna.talk(&mut bert).await;
        let text = |bytes: usize| "x".repeat(bytes);
        let [most, more, much_more] = [128 * KIB, 128 * KIB + 1, 129 * KIB].map(text);
        for sdp in [&more, &much_more] {
            assert_eq!(
                anna.attempt(Step::Offer(sdp), &call, berts.user()).await,
                400
            );
        }
        assert_eq!(
            anna.attempt(Step::Offer(&most), &call, berts.user()).await,
            200
        );
        bert.expect_sdp(&call, "offer", &most).await;
        let [most, more] = [8 * KIB, 8 * KIB + 1].map(text);
        let beyond = bert.attempt(Step::Candidate(&more), &call, annas.user());
        assert_eq!(beyond.await, 400);
        let within = bert.attempt(Step::Candidate(&most), &call, annas.user());
        assert_eq!(within.await, 200);
        anna.expect_candidate(&call, &most.into()).await;
        anna.expect_alive(&mut bert, &call).await;
        anna.hang_up(&mut bert, &call).await;
    }
}

#[tokio::test]
async fn an_sdp_too_large_to_begin_with_rings_nobody() {
    let appliance = Appliance::start().await;
    let (mut anna, mut bert) = pair(appliance.place(), PAIRINGS[0]).await;
    let (sdp, bert_id) = ("x".repeat(129 * KIB), bert.person.user().to_owned());
    let refused = anna.attempt(Step::Dial(&sdp), &Value::Null, &bert_id);
    assert_eq!(refused.await, 400);
    assert_eq!(bert.overheard().await, [] as [Value; 0]);
    anna.ring(&mut bert).await;
}

#[tokio::test]
async fn each_side_has_20_sdps_in_a_call() {
    let appliance = Appliance::start().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let (annas, berts) = (anna.person.clone(), bert.person.clone());
        let call = anna.talk(&mut bert).await;
        // Each has sent one already.
        for (phone, peer) in [(&mut anna, &berts), (&mut bert, &annas)] {
            for _ in 0..19 {
                let again = phone.attempt(Step::Offer("again"), &call, peer.user());
                assert_eq!(again.await, 200);
            }
            for _ in 0..2 {
                let beyond = phone.attempt(Step::Offer("again"), &call, peer.user());
                assert_eq!(beyond.await, 429);
            }
        }
        anna.expect_alive(&mut bert, &call).await;
        anna.hang_up(&mut bert, &call).await;
    }
}

#[tokio::test]
async fn each_side_has_300_candidates_in_a_call() {
    let appliance = Appliance::start().await;
    for dialect in DIALECTS {
        let (mut anna, mut bert) = pair(appliance.place(), both(dialect)).await;
        let (annas, berts) = (anna.person.clone(), bert.person.clone());
        let call = anna.talk(&mut bert).await;
        for (phone, peer) in [(&mut anna, &berts), (&mut bert, &annas)] {
            for _ in 0..299 {
                phone.send_candidate(&call, peer, &"again".into()).await;
            }
            for number in [200, 429, 429] {
                let last = phone.attempt(Step::Candidate("last"), &call, peer.user());
                assert_eq!(last.await, number);
            }
        }
        for (phone, peer) in [(&mut anna, &berts), (&mut bert, &annas)] {
            for _ in 0..299 {
                phone.expect_candidate(&call, &"again".into()).await;
            }
            phone.expect_candidate(&call, &"last".into()).await;
            let sdp = phone.attempt(Step::Offer("alive"), &call, peer.user());
            assert_eq!(sdp.await, 200);
        }
        bert.expect_sdp(&call, "offer", "alive").await;
        anna.expect_sdp(&call, "offer", "alive").await;
        anna.hang_up(&mut bert, &call).await;
    }
}

#[tokio::test]
async fn a_user_starts_ten_calls_a_minute_whatever_comes_of_them() {
    let appliance = rated().start().await;
    for dialect in DIALECTS {
        let (mut anna, mut bert) = pair(appliance.place(), both(dialect)).await;
        for _ in 0..9 {
            assert_eq!(anna.dial_in_vain(&fresh_id()).await, 403);
        }
        let call = anna.ring(&mut bert).await;
        anna.hang_up(&mut bert, &call).await;
        let nobody = fresh_id();
        let said = anna.refusal(Step::Dial("x"), &Value::Null, &nobody).await;
        assert!((1..=60).contains(&retry_after(&said)), "{said}");
        assert_eq!(anna.dial_in_vain(bert.person.user()).await, 429);
        // Being called doesn't count.
        anna.person.allow(&bert.person).await;
        bert.ring(&mut anna).await;
    }
}

#[tokio::test]
async fn a_user_calls_another_three_times_in_five_minutes_and_shuts_nobody_out() {
    let appliance = rated().start().await;
    for dialect in DIALECTS {
        let (mut anna, mut bert) = pair(appliance.place(), both(dialect)).await;
        for _ in 0..3 {
            let call = anna.ring(&mut bert).await;
            anna.hang_up(&mut bert, &call).await;
        }
        let berts = bert.person.clone();
        let said = anna.refusal(Step::Dial("x"), &Value::Null, berts.user());
        let said = said.await;
        assert!((61..=300).contains(&retry_after(&said)), "{said}");
        // The other way round, and from somebody else, it rings.
        anna.person.allow(&bert.person).await;
        let call = bert.ring(&mut anna).await;
        bert.hang_up(&mut anna, &call).await;
        let dora = Person::join(appliance.place()).await;
        bert.person.allow(&dora).await;
        Phone::connect(dora, dialect).await.ring(&mut bert).await;
    }
}

#[tokio::test]
async fn clients_are_told_the_limits_in_force() {
    let appliance = Setup::strict().start().await;
    let server = appliance.place().get("/api/v1/server").await.with(200);
    let told = &server["limits"]["calls"];
    for (member, value) in [
        ("starts", 10),
        ("starts_period", 60),
        ("starts_per_peer", 3),
        ("starts_per_peer_period", 300),
        ("ringing", 3),
        ("ring_timeout", 30),
        ("ringing_grace", 5),
        ("connected_grace", 30),
        ("sdps", 20),
        ("sdp", 131_072),
        ("candidates", 300),
        ("candidate", 8192),
    ] {
        assert_eq!(told[member], value, "{member}");
    }
}

#[tokio::test]
async fn the_operator_says_how_much_and_how_often() {
    let appliance = Setup::lenient()
        .set("limits.call_starts_pair=1/1h")
        .set("calls.sdps=2")
        .set("calls.sdp_bytes=1 KiB")
        .set("calls.candidates=1")
        .start()
        .await;
    let server = appliance.place().get("/api/v1/server").await.with(200);
    assert_eq!(server["limits"]["calls"]["starts_per_peer"], 1);
    assert_eq!(server["limits"]["calls"]["sdp"], 1024);
    for dialect in DIALECTS {
        let (mut anna, mut bert) = pair(appliance.place(), both(dialect)).await;
        let berts = bert.person.clone();
        let call = anna.talk(&mut bert).await;
        let large = "x".repeat(1025);
        for (step, number) in [
            (Step::Offer(&large), 400),
            (Step::Offer("second"), 200),
            (Step::Offer("third"), 429),
            (Step::Candidate("first"), 200),
            (Step::Candidate("second"), 429),
        ] {
            let outcome = anna.attempt(step, &call, berts.user()).await;
            assert_eq!(outcome, number, "{step:?}");
        }
        anna.hang_up(&mut bert, &call).await;
        assert_eq!(anna.dial_in_vain(berts.user()).await, 429);
    }
}
