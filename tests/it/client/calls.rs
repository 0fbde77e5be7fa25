//! Calls: signaling that the daemon passes on and can't read.

use privcomm::base::CallId;
use privcomm::client::{CallEvent, Error, Event};

use super::rig::{Listener, Member};
use crate::rig::Appliance;

const OFFER: &str = "v=0\r\na=fingerprint:sha-256 AA:BB\r\ns=offer\r\n";
const ANSWER: &str = "v=0\r\na=fingerprint:sha-256 CC:DD\r\ns=answer\r\n";

/// The next step of a call that `pick` knows, and which call it is.
async fn step<T>(
    listener: &mut Listener,
    what: &str,
    pick: impl Fn(&CallEvent) -> Option<T>,
) -> (CallId, T) {
    let picked = |event: &Event| match event {
        Event::Call { call, step, .. } => pick(step).map(|picked| (*call, picked)),
        _ => None,
    };
    listener.expect(what, picked).await
}

async fn pair(appliance: &Appliance) -> (Member, Member) {
    let anna = Member::join(appliance.place()).await;
    let ben = Member::join(appliance.place()).await;
    ben.client.allow(anna.user()).await.unwrap();
    (anna, ben)
}

#[tokio::test]
async fn a_call_is_offered_answered_renegotiated_and_ended() {
    let appliance = Appliance::start().await;
    let (anna, ben) = pair(&appliance).await;
    let (mut annas, mut bens) = (anna.connect(), ben.connect());
    annas.connected().await;
    bens.connected().await;
    let call = anna.client.call(ben.user(), OFFER).await.unwrap();
    anna.client
        .candidate(call, "{\"candidate\":\"a\"}")
        .await
        .unwrap();
    let offered = |step: &CallEvent| match step {
        CallEvent::Offered { description } => Some(description.0.clone()),
        _ => None,
    };
    let (same, description) = step(&mut bens, "an offer", offered).await;
    assert_eq!((same, description.as_str()), (call, OFFER));
    ben.client.answer(call, ANSWER).await.unwrap();
    let answered = |step: &CallEvent| match step {
        CallEvent::Answered { description } => Some(description.0.clone()),
        _ => None,
    };
    let (_, description) = step(&mut annas, "an answer", answered).await;
    assert_eq!(description, ANSWER);
    ben.client
        .candidate(call, "{\"candidate\":\"b\"}")
        .await
        .unwrap();
    let candidate = |step: &CallEvent| match step {
        CallEvent::Candidate { candidate } => Some(candidate.0.clone()),
        _ => None,
    };
    let (_, candidate) = step(&mut annas, "a candidate", candidate).await;
    assert_eq!(candidate, "{\"candidate\":\"b\"}");
    anna.client.renegotiate(call, OFFER).await.unwrap();
    let renegotiated =
        |step: &CallEvent| matches!(step, CallEvent::Renegotiated { .. }).then_some(());
    step(&mut bens, "a renegotiation", renegotiated).await;
    ben.client.hang_up(call).await.unwrap();
    let ended = |step: &CallEvent| match step {
        CallEvent::Ended { reason } => Some(reason.clone()),
        _ => None,
    };
    assert_eq!(step(&mut annas, "the end", ended).await.1, "hangup");
    let over = anna.client.candidate(call, "{}").await;
    assert!(matches!(over, Err(Error::NoCall(_))));
}

#[tokio::test]
async fn a_call_can_be_declined_and_is_refused_by_who_does_not_allow_it() {
    let appliance = Appliance::start().await;
    let (anna, ben) = pair(&appliance).await;
    let (mut annas, mut bens) = (anna.connect(), ben.connect());
    annas.connected().await;
    bens.connected().await;
    anna.client.call(ben.user(), OFFER).await.unwrap();
    let offered = |step: &CallEvent| matches!(step, CallEvent::Offered { .. }).then_some(());
    let (call, ()) = step(&mut bens, "an offer", offered).await;
    ben.client.hang_up(call).await.unwrap();
    let ended = |step: &CallEvent| match step {
        CallEvent::Ended { reason } => Some(reason.clone()),
        _ => None,
    };
    assert_eq!(step(&mut annas, "the end", ended).await.1, "rejected");
    ben.client.call(anna.user(), OFFER).await.unwrap();
    let refused = |step: &CallEvent| match step {
        CallEvent::Refused { code } => Some(code.as_str()),
        _ => None,
    };
    assert_eq!(step(&mut bens, "a refusal", refused).await.1, "not_allowed");
    let weak = anna.client.call(ben.user(), "v=0\r\n").await;
    assert!(matches!(weak, Err(Error::Encryption(_))));
}
