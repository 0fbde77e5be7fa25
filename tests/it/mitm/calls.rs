//! What can be done to the signaling of calls: nobody is rung by it, and no description or candidate
//! of another's is taken.

use privcomm::base::CallId;
use privcomm::client::{CallEvent, Event};
use serde_json::{Value, json};

use super::scene::{Once, Scene};
use super::wire::Direction;
use crate::client::rig::Listener;

const ANNAS: &str = "v=0\r\na=fingerprint:sha-256 AA:AA\r\n";
const BENS: &str = "v=0\r\na=fingerprint:sha-256 BB:BB\r\n";
const MALLORYS: &str = "v=0\r\na=fingerprint:sha-256 CC:CC\r\n";

/// Anna and Ben, who lets her call.
async fn scene() -> Scene {
    let scene = Scene::of_friends().await;
    let anna = scene.anna.user();
    scene.ben.client.allow(anna).await.unwrap();
    scene
}

/// The steps of calls that matter, up to one that is the last.
async fn steps_until(
    listener: &mut Listener,
    is_last: impl Fn(&CallEvent) -> bool,
) -> Vec<(CallId, CallEvent)> {
    let mut steps = Vec::new();
    loop {
        let step = |event: &Event| match event {
            Event::Call { call, step, .. } => Some((*call, step.clone())),
            _ => None,
        };
        let (call, step) = listener.expect("a step of a call", step).await;
        let ends = is_last(&step);
        if !matches!(step, CallEvent::Ringing | CallEvent::Connected) {
            steps.push((call, step));
        }
        if ends {
            return steps;
        }
    }
}

fn offered(description: &str) -> CallEvent {
    let description = description.to_owned().into();
    CallEvent::Offered { description }
}

fn is_candidate(text: &str) -> impl Fn(&CallEvent) -> bool {
    move |step| matches!(step, CallEvent::Candidate { candidate } if **candidate == *text)
}

#[tokio::test]
async fn offers_in_the_clear_and_old_ones_ring_nobody() {
    let mut scene = scene().await;
    let (anna, ben) = (scene.anna.user(), scene.ben.user());
    // Before each genuine offer come one in the clear and the one before under another call.
    let mut before: Option<Value> = None;
    scene.wire.tamper(move |passing, frame| {
        if passing.direction == Direction::Up || frame["type"] != "call_offer" {
            return vec![frame];
        }
        let mut clear = frame.clone();
        clear["call_id"] = json!(CallId::random().to_string());
        clear["sdp"] = json!(MALLORYS);
        let again = before.replace(frame.clone()).map(|mut again| {
            again["call_id"] = json!(CallId::random().to_string());
            again
        });
        [Some(clear), again, Some(frame)]
            .into_iter()
            .flatten()
            .collect()
    });
    for _ in 0..2 {
        let call = scene.anna.client.call(ben, ANNAS).await.unwrap();
        let is_offer = |step: &CallEvent| matches!(step, CallEvent::Offered { .. });
        let rung = steps_until(&mut scene.bens, is_offer).await;
        assert_eq!(rung, [(call, offered(ANNAS))]);
        scene.ben.client.hang_up(call).await.unwrap();
        let is_end = |step: &CallEvent| matches!(step, CallEvent::Ended { .. });
        steps_until(&mut scene.annas, is_end).await;
        steps_until(&mut scene.bens, is_end).await;
    }
    scene.wire.give_up();
    assert_ne!(anna, ben);
    scene.they_write_to_each_other().await;
}

#[tokio::test]
async fn answers_and_candidates_are_taken_once_from_whom_they_are_and_as_what_they_are() {
    let mut scene = scene().await;
    let ben = scene.ben.user();
    let first = Once::default();
    scene.wire.tamper(move |passing, frame| {
        if passing.direction == Direction::Up {
            return vec![frame];
        }
        match frame["type"].as_str() {
            Some("call_answer") => {
                let mut clear = frame.clone();
                clear["sdp"] = json!(MALLORYS);
                let mut changed = frame.clone();
                let sealed = changed["sdp"].as_str().unwrap();
                changed["sdp"] = json!(format!("AAAA{}", &sealed[4..]));
                vec![clear, changed, frame.clone(), frame]
            }
            Some("ice_candidate") => {
                // The first passes as an answer too; each comes twice.
                let mut answer = frame.clone();
                answer["type"] = json!("call_answer");
                answer["sdp"] = answer["candidate"].take();
                let answer = first.is_now().then_some(answer);
                answer.into_iter().chain([frame.clone(), frame]).collect()
            }
            _ => vec![frame],
        }
    });
    let call = scene.anna.client.call(ben, ANNAS).await.unwrap();
    let is_offer = |step: &CallEvent| matches!(step, CallEvent::Offered { .. });
    steps_until(&mut scene.bens, is_offer).await;
    scene.ben.client.answer(call, BENS).await.unwrap();
    for candidate in ["one", "two"] {
        scene.ben.client.candidate(call, candidate).await.unwrap();
    }
    let heard = steps_until(&mut scene.annas, is_candidate("two")).await;
    let candidate = |text: &str| CallEvent::Candidate {
        candidate: text.to_owned().into(),
    };
    let description = BENS.to_owned().into();
    let expected = [
        CallEvent::Answered { description },
        candidate("one"),
        candidate("two"),
    ];
    assert_eq!(heard, expected.map(|step| (call, step)));
    scene.wire.give_up();
    scene.ben.client.candidate(call, "three").await.unwrap();
    let heard = steps_until(&mut scene.annas, is_candidate("three")).await;
    assert_eq!(heard, [(call, candidate("three"))]);
    scene.they_write_to_each_other().await;
}
