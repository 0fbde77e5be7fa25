//! Call history: off unless the operator wants it, and then each party's own view (PROTOCOL.md §7.1).

use std::path::Path;

use serde_json::Value;

use super::{Dialect, PAIRINGS, Phone, pair};
use crate::rig::{Appliance, Person, Setup, soon};

async fn with_history() -> Appliance {
    Setup::lenient().set("calls.history=true").start().await
}

/// Rings and is declined, or is answered and hangs up.
async fn one_call(anna: &mut Phone, bert: &mut Phone, reason: &str) -> Value {
    let call = anna.dial(&bert.person, "an offer").await;
    bert.expect_ring(&anna.person, "an offer").await;
    if reason == "hangup" {
        bert.answer(&call, &anna.person, "an answer").await;
        anna.step("end", &call, &bert.person).await;
    } else {
        bert.step("reject", &call, &anna.person).await;
    }
    anna.expect_end(&call, reason).await;
    bert.expect_end(&call, reason).await;
    call
}

/// The history once it holds so many calls: it is written behind the call's end.
async fn history(person: &Person, count: usize) -> Vec<Value> {
    soon("the history", async {
        loop {
            let page = person.get("/api/v1/calls").await.with(200);
            let calls = page["calls"].as_array().unwrap();
            if calls.len() == count {
                return calls.clone();
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn each_party_sees_its_side_of_a_call_and_nobody_else_anything() {
    let appliance = with_history().await;
    for pairing in PAIRINGS {
        let (mut anna, mut bert) = pair(appliance.place(), pairing).await;
        let declined = one_call(&mut anna, &mut bert, "rejected").await;
        history(&bert.person, 1).await;
        let talked = one_call(&mut anna, &mut bert, "hangup").await;
        for (person, peer, direction) in [
            (&anna.person, &bert.person, "outgoing"),
            (&bert.person, &anna.person, "incoming"),
        ] {
            let calls = history(person, 2).await;
            for (line, call, reason) in [
                (&calls[0], &talked, "hangup"),
                (&calls[1], &declined, "rejected"),
            ] {
                assert_eq!(line["call_id"], *call);
                assert_eq!(line["peer_id"], peer.user());
                assert_eq!(line["direction"], direction);
                assert_eq!(line["reason"], reason);
                assert_eq!(line["answered_at"].is_string(), reason == "hangup");
                assert!(line["started_at"].is_string() && line["ended_at"].is_string());
                assert!(line["duration"].is_u64());
            }
        }
        let clara = Person::join(appliance.place()).await;
        assert!(history(&clara, 0).await.is_empty());
    }
}

#[tokio::test]
async fn a_history_is_read_page_by_page() {
    let appliance = with_history().await;
    let both = (Dialect::Privcomm, Dialect::Mvchat);
    let (mut anna, mut bert) = pair(appliance.place(), both).await;
    let mut calls = Vec::new();
    for count in 1..=3 {
        calls.insert(0, one_call(&mut anna, &mut bert, "hangup").await);
        history(&anna.person, count).await;
    }
    let page = anna.person.get("/api/v1/calls?limit=2").await.with(200);
    assert_eq!(page["calls"][1]["call_id"], calls[1]);
    assert_eq!(page["more"], true);
    let before = format!(
        "/api/v1/calls?limit=2&before={}",
        calls[1].as_str().unwrap()
    );
    let page = anna.person.get(&before).await.with(200);
    assert_eq!(page["calls"].as_array().unwrap().len(), 1);
    assert_eq!(page["calls"][0]["call_id"], calls[2]);
    assert_eq!(page["more"], false);
    for limit in ["0", "101", "x"] {
        let path = format!("/api/v1/calls?limit={limit}");
        anna.person.get(&path).await.refused(400, "invalid_field");
    }
}

#[tokio::test]
async fn without_the_operators_wish_there_is_none() {
    let appliance = Appliance::start().await;
    let both = (Dialect::Privcomm, Dialect::Privcomm);
    let (mut anna, mut bert) = pair(appliance.place(), both).await;
    one_call(&mut anna, &mut bert, "hangup").await;
    let answer = anna.person.get("/api/v1/calls").await;
    answer.refused(404, "history_disabled");
}

#[tokio::test]
async fn an_account_takes_its_history_along_and_the_other_keeps_its_own() {
    let appliance = with_history().await;
    let both = (Dialect::Mvchat, Dialect::Privcomm);
    let (mut anna, mut bert) = pair(appliance.place(), both).await;
    let call = one_call(&mut anna, &mut bert, "hangup").await;
    history(&anna.person, 1).await;
    let login = anna.person.fresh_login().await;
    anna.person
        .ask("DELETE", "/api/v1/account", Some(&login))
        .await
        .with(204);
    let kept = history(&bert.person, 1).await;
    assert_eq!(kept[0]["call_id"], call);
}

#[tokio::test]
async fn the_database_does_not_say_who_called_whom() {
    let appliance = with_history().await;
    let both = (Dialect::Mvchat, Dialect::Mvchat);
    let (mut anna, mut bert) = pair(appliance.place(), both).await;
    let call = one_call(&mut anna, &mut bert, "hangup").await;
    history(&bert.person, 1).await;
    let call: privcomm::base::CallId = call.as_str().unwrap().parse().unwrap();
    let setup = appliance.stop().await;
    let found = occurrences(setup.data(), call.as_bytes());
    assert_eq!(found, 0, "the id of a call stands in the clear");
}

/// How often `bytes` stand in the files of a directory.
fn occurrences(directory: &Path, bytes: &[u8]) -> usize {
    let files = std::fs::read_dir(directory).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.is_file())
        .map(|path| std::fs::read(path).unwrap())
        .map(|text| text.windows(bytes.len()).filter(|at| *at == bytes).count())
        .sum()
}
