//! One session: bounds of what it keeps, what it stores, and any bit that is flipped.

use proptest::prelude::*;

use super::super::{Envelope, Kind, Refusal, Session};
use super::rig::{NOW, acquainted, alice_and_bob};
use crate::base::Secret;

fn sealed(session: &mut Session, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| session.seal(b"message").unwrap().1)
        .collect()
}

fn both() -> (Session, Session) {
    let (alice, bob) = acquainted();
    (alice.peer.active.unwrap(), bob.peer.active.unwrap())
}

fn open(session: &mut Session, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let opened = session.open_body(Kind::Ratchet, body, &mut Secret::random, NOW)?;
    Ok(opened.to_vec())
}

#[test]
fn a_thousand_messages_may_be_missing_and_no_more() {
    let (mut alice, mut bob) = both();
    let messages = sealed(&mut alice, 1002);
    let before = bob.clone();
    let limit = 1000;
    assert_eq!(
        open(&mut bob, &messages[1001]),
        Err(Refusal::TooFarAhead { limit })
    );
    assert_eq!(bob, before);
    assert!(open(&mut bob, &messages[1000]).is_ok());
    assert_eq!(bob.skipped(), 1000);
    for late in &messages[..1000] {
        assert!(open(&mut bob, late).is_ok());
    }
    assert_eq!(bob.skipped(), 0);
    assert_eq!(open(&mut bob, &messages[5]), Err(Refusal::Duplicate));
}

#[test]
fn two_thousand_keys_are_kept_and_the_oldest_go() {
    let (mut alice, mut bob) = both();
    let messages = sealed(&mut alice, 2002);
    assert!(open(&mut bob, &messages[1000]).is_ok());
    assert!(open(&mut bob, &messages[2001]).is_ok());
    assert_eq!(bob.skipped(), 2000);
    assert!(open(&mut bob, &messages[0]).is_ok());
    let more = sealed(&mut alice, 3);
    assert!(open(&mut bob, &more[2]).is_ok());
    assert_eq!(bob.skipped(), 2000);
    assert_eq!(open(&mut bob, &messages[1]), Err(Refusal::Duplicate));
    assert!(open(&mut bob, &messages[2]).is_ok());
    let stored = Session::from_record(&bob.to_record()).unwrap();
    assert_eq!(stored, bob);
}

#[test]
fn a_chain_with_more_losses_is_given_up_and_the_session_lives() {
    let (mut alice, mut bob) = both();
    let messages = sealed(&mut alice, 1002);
    assert!(open(&mut bob, &messages[0]).is_ok());
    assert!(open(&mut alice, &sealed(&mut bob, 1)[0]).is_ok());
    assert!(open(&mut bob, &sealed(&mut alice, 1)[0]).is_ok());
    assert_eq!(bob.skipped(), 0);
    assert_eq!(open(&mut bob, &messages[1]), Err(Refusal::Tag));
    // One fewer, and all of them are waited for.
    let messages = sealed(&mut alice, 1000);
    assert!(open(&mut alice, &sealed(&mut bob, 1)[0]).is_ok());
    assert!(open(&mut bob, &sealed(&mut alice, 1)[0]).is_ok());
    assert_eq!(bob.skipped(), 1000);
    assert!(open(&mut bob, &messages[0]).is_ok());
}

#[test]
fn a_chain_ends_at_2_to_the_31() {
    let (mut alice, _) = acquainted();
    alice.peer.active.as_mut().unwrap().ratchet.sent = (1 << 31) - 1;
    assert!(!alice.peer.needs_bundle(NOW));
    alice.seal(b"the last").unwrap();
    assert!(alice.peer.needs_bundle(NOW));
    assert_eq!(alice.seal(b"one more"), Err(Refusal::NoSession));
    let session = alice.peer.active.as_mut().unwrap();
    assert_eq!(session.seal(b"one more"), Err(Refusal::ChainExhausted));
}

#[test]
fn nothing_can_come_on_the_signed_prekey() {
    let (mut alice, bob) = alice_and_bob();
    let before = alice.peer.clone();
    let mut body = vec![1];
    body.extend_from_slice(bob.prekeys.signed().public().as_bytes());
    body.extend_from_slice(&[0; 8 + 256 + 16]);
    let session = alice.peer.active.as_mut().unwrap();
    assert_eq!(open(session, &body), Err(Refusal::NoChain));
    assert_eq!(alice.peer, before);
}

#[test]
fn a_message_that_is_too_long_leaves_the_session_as_it_was() {
    let (mut alice, _) = both();
    let before = alice.clone();
    assert!(alice.seal(&vec![0; 65_536]).is_err());
    assert_eq!(alice, before);
    assert!(alice.seal(&vec![0; 65_535]).is_ok());
}

#[test]
fn a_record_is_as_the_document_says() {
    let (alice, bob) = alice_and_bob();
    let session = alice.peer.active.unwrap();
    let record = session.to_record();
    let text = std::str::from_utf8(&record).unwrap();
    let json: serde_json::Value = serde_json::from_str(text).unwrap();
    let mut places = Vec::new();
    for field in [
        "v",
        "role",
        "ad",
        "base_key",
        "prefix",
        "rk",
        "dhs",
        "dhr",
        "cks",
        "ckr",
        "ns",
        "nr",
        "pn",
        "skipped",
        "created",
        "last_received",
    ] {
        assert!(json.get(field).is_some(), "{field}");
        places.push(text.find(&format!("\"{field}\":")).unwrap());
    }
    assert!(places.is_sorted());
    assert_eq!(
        (&json["role"], &json["ckr"]),
        (&"a".into(), &serde_json::Value::Null)
    );
    let signed = super::super::base64_bytes::encode(bob.prekeys.signed().public().as_bytes());
    assert_eq!(json["dhr"], signed);
}

#[test]
fn a_record_that_no_session_writes_is_refused() {
    let (alice, _) = alice_and_bob();
    let record = alice.peer.active.unwrap().to_record();
    let text = std::str::from_utf8(&record).unwrap();
    assert!(Session::from_record(text.as_bytes()).is_ok());
    for (from, to) in [
        (r#""v":1"#, r#""v":2"#),
        (r#""role":"a""#, r#""role":"b""#),
        (r#""role":"a""#, r#""role":"c""#),
        (r#""ad":"A"#, r#""ad":"B"#),
        (r#""base_key":""#, r#""base_key":"A"#),
        (r#""ns":0"#, r#""ns":-1"#),
        (r#""dhr":""#, r#""dhr":null,"x":""#),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert!(Session::from_record(changed.as_bytes()).is_err(), "{to}");
    }
}

#[test]
fn every_flipped_bit_of_a_first_message_is_refused() {
    let (mut alice, bob) = alice_and_bob();
    let envelope = alice.seal(b"hello").unwrap();
    assert_no_flip_opens(bob, &envelope, 1);
}

#[test]
fn every_flipped_bit_of_a_ratchet_message_is_refused() {
    let (mut alice, bob) = acquainted();
    let envelope = alice.seal(b"hello").unwrap();
    assert_no_flip_opens(bob, &envelope, 1);
}

fn assert_no_flip_opens(mut bob: super::rig::Person, envelope: &Envelope, step: usize) {
    let before = (bob.peer.clone(), bob.prekeys.clone());
    for bit in (0..envelope.body.len() * 8).step_by(step) {
        let mut flipped = envelope.clone();
        flipped.body[bit / 8] ^= 1 << (bit % 8);
        assert!(bob.open(&flipped).is_err(), "bit {bit}");
        assert!(bob.peer == before.0 && bob.prekeys == before.1, "bit {bit}");
    }
    assert_eq!(bob.opens(envelope), b"hello");
}

proptest! {
    #[test]
    fn any_body_is_refused_by_who_does_not_know_it(
        first: bool,
        body in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let (_, mut bob) = acquainted();
        let before = bob.stored();
        let kind = if first { Kind::First } else { Kind::Ratchet };
        let registration = super::super::RegistrationId::drawn([0; 4]);
        let opened = bob.open(&Envelope { kind, registration, device: 1, body });
        prop_assert!(opened.is_err());
        prop_assert_eq!(bob.stored(), before);
    }

    #[test]
    fn any_bytes_are_a_record_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Session::from_record(&bytes).is_err());
    }
}
