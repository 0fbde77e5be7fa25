//! Peers: which session takes a message, replays, identities that change.

use std::time::Duration;

use super::super::{
    Consequence, Identity, Mark, Meeting, Peer, Refusal, RegistrationId, SessionUse,
};
use super::rig::{NOW, Person, acquainted, alice_and_bob};
use crate::base::{Secret, UserId};

const DAY: Duration = Duration::from_hours(24);

#[test]
fn the_one_time_prekey_goes_when_the_first_message_opened() {
    let (mut alice, mut bob) = alice_and_bob();
    let (first, second) = (
        alice.seal(b"first").unwrap(),
        alice.seal(b"second").unwrap(),
    );
    let mut forged = first.clone();
    *forged.body.last_mut().unwrap() ^= 1;
    assert!(bob.open(&forged).is_err());
    assert_eq!(bob.prekeys.one_time(), 100);
    let opened = bob.open(&second).unwrap();
    assert_eq!(
        (opened.session, opened.identity),
        (SessionUse::Begun, Meeting::First)
    );
    assert_eq!(bob.prekeys.one_time(), 99);
    let opened = bob.open(&first).unwrap();
    assert_eq!(
        (opened.session, opened.identity),
        (SessionUse::Standing, Meeting::Same)
    );
    assert_eq!(bob.peer.archived().count(), 0);
}

#[test]
fn a_replayed_first_message_is_dropped_when_its_session_is_long_gone() {
    let (mut alice, mut bob) = alice_and_bob();
    alice.begin(&bob.bundle(None)).unwrap();
    let first = alice.seal(b"first").unwrap();
    bob.opens(&first);
    assert_eq!(bob.open(&first).err(), Some(Refusal::Duplicate));
    bob.peer = Peer::new(bob.peer.user());
    let refusal = bob.open(&first).unwrap_err();
    assert_eq!(refusal, Refusal::Replayed);
    assert_eq!(refusal.consequence(), Consequence::Drop);
}

#[test]
fn a_relabelled_sender_makes_a_first_message_unreadable() {
    let (mut alice, mut bob) = alice_and_bob();
    let first = alice.seal(b"first").unwrap();
    bob.peer = Peer::new(UserId::from_bytes([3; 16]));
    let refusal = bob.open(&first).unwrap_err();
    assert_eq!(
        (refusal, refusal.consequence()),
        (Refusal::Tag, Consequence::Placeholder)
    );
}

#[test]
fn a_bundle_of_somebody_else_is_refused() {
    let (mut alice, bob) = alice_and_bob();
    let carol = Person::new(3, 1);
    let mut bundle = super::super::BundleFields {
        user: bob.account.user,
        identity_key: bob.account.identity.public().as_bytes(),
        signed_prekey: *carol.prekeys.signed().public().as_bytes(),
        prekey_signature: carol.account.identity.sign_prekey(carol.prekeys.signed()),
        one_time_prekey: None,
    };
    let checked = super::super::Bundle::check(&bundle);
    assert_eq!(checked, Err(Refusal::Signature));
    bundle.identity_key = &[0; 32];
    assert!(super::super::Bundle::check(&bundle).is_err());
    let before = alice.peer.clone();
    let draws = &mut alice.draws;
    let own = &alice.account;
    let begun = alice
        .peer
        .begin(own, &carol.bundle(None), &mut || draws.next(), NOW);
    assert_eq!(begun, Err(Refusal::OtherIdentity));
    assert_eq!(alice.peer, before);
}

#[test]
fn two_sides_that_start_at_once_meet_in_one_session() {
    let (mut alice, mut bob) = alice_and_bob();
    bob.begin(&alice.bundle(Some(0))).unwrap();
    let (from_alice, from_bob) = (alice.seal(b"a").unwrap(), bob.seal(b"b").unwrap());
    assert_eq!(alice.opens(&from_bob), b"b");
    assert_eq!(bob.opens(&from_alice), b"a");
    for round in 0..3 {
        let from_alice = alice.seal(&[round]).unwrap();
        assert_eq!(bob.opens(&from_alice), [round]);
        let from_bob = bob.seal(&[round]).unwrap();
        assert_eq!(alice.opens(&from_bob), [round]);
    }
    let base_keys = [&alice, &bob].map(|side| *side.peer.active().unwrap().base_key());
    assert_eq!(base_keys[0], base_keys[1]);
    assert_eq!(
        [&alice, &bob].map(|side| side.peer.archived().count()),
        [1, 1]
    );
}

#[test]
fn four_archived_sessions_are_kept_and_still_open() {
    let (mut alice, mut bob) = acquainted();
    let mut late = vec![alice.seal(b"0").unwrap()];
    for _ in 0..5 {
        alice.begin(&bob.bundle(Some(0))).unwrap();
        bob.opens(&alice.seal(b"begin").unwrap());
        alice.opens(&bob.seal(b"answer").unwrap());
        late.push(alice.seal(b"late").unwrap());
    }
    assert_eq!(bob.peer.archived().count(), 4);
    assert_eq!(bob.open(&late[0]).err(), Some(Refusal::Tag));
    assert_eq!(bob.opens(&late[1]), b"late");
    assert_eq!(bob.peer.archived().count(), 4);
}

#[test]
fn an_unanswered_session_is_replaced_after_30_days() {
    let (mut alice, _) = alice_and_bob();
    let last = NOW.saturating_add(DAY * 30);
    assert!(!alice.peer.needs_bundle(last));
    let after = last.saturating_add(Duration::from_millis(1));
    assert!(alice.peer.needs_bundle(after));
    let sealed = alice.peer.seal(RegistrationId::drawn([0; 4]), b"", after);
    assert_eq!(sealed, Err(Refusal::NoSession));
    let (mut alice, _) = acquainted();
    assert!(!alice.peer.needs_bundle(after));
    assert!(alice.seal(b"").is_ok());
}

#[test]
fn sessions_begin_anew_at_most_once_an_hour() {
    let (mut alice, bob) = acquainted();
    assert!(alice.peer.may_reset(NOW));
    let (bundle, draws) = (bob.bundle(None), &mut alice.draws);
    alice
        .peer
        .reset(&alice.account, &bundle, &mut || draws.next(), NOW)
        .unwrap();
    let hour = Duration::from_hours(1);
    assert!(
        !alice
            .peer
            .may_reset(NOW.saturating_add(hour.saturating_sub(Duration::from_millis(1))))
    );
    assert!(alice.peer.may_reset(NOW.saturating_add(hour)));
    assert_eq!(alice.peer.archived().count(), 1);
}

/// Alice, who was acquainted with Bob, and Bob after he lost his phone.
fn reinstalled() -> (Person, Person, Person) {
    let (alice, old_bob) = acquainted();
    let mut bob = Person::new(2, 1);
    bob.account.identity = Identity::from_seed(&Secret::new([0xbb; 32]));
    (alice, old_bob, bob)
}

#[test]
fn a_bundle_of_another_identity_holds_sending_back() {
    let (mut alice, mut old_bob, bob) = reinstalled();
    let bundle = bob.bundle(None);
    assert_eq!(alice.begin(&bundle), Err(Refusal::IdentityChanged));
    assert!(alice.peer.pin().unwrap().is_changed());
    assert_eq!(alice.seal(b"held").err(), Some(Refusal::IdentityChanged));
    let from_old = old_bob.seal(b"old").unwrap();
    assert_eq!(alice.open(&from_old).err(), Some(Refusal::NoSession));
    alice.peer.confirm().unwrap();
    assert!(alice.peer.needs_bundle(NOW));
    assert_eq!(
        alice.seal(b"no session yet").err(),
        Some(Refusal::NoSession)
    );
    alice.begin(&bundle).unwrap();
    assert!(alice.seal(b"goes").is_ok());
}

#[test]
fn a_message_of_another_identity_opens_under_a_warning() {
    let (mut alice, _, mut bob) = reinstalled();
    bob.begin(&alice.bundle(Some(0))).unwrap();
    let opened = alice.open(&bob.seal(b"new phone").unwrap()).unwrap();
    assert_eq!(
        (&opened.message[..], opened.identity),
        (&b"new phone"[..], Meeting::Changed)
    );
    assert_eq!(alice.seal(b"held").err(), Some(Refusal::IdentityChanged));
    let more = alice.open(&bob.seal(b"more").unwrap()).unwrap();
    assert_eq!(more.identity, Meeting::Same);
    assert!(alice.peer.pin().unwrap().is_changed());
    alice.peer.confirm().unwrap();
    let answer = alice.seal(b"hello again").unwrap();
    assert_eq!(bob.opens(&answer), b"hello again");
}

#[test]
fn a_verified_peer_must_be_verified_again() {
    let (mut alice, old_bob, mut bob) = reinstalled();
    alice
        .peer
        .verify(old_bob.account.identity.public())
        .unwrap();
    assert_eq!(alice.peer.pin().unwrap().mark(), Mark::Verified);
    bob.begin(&alice.bundle(Some(0))).unwrap();
    alice.opens(&bob.seal(b"new phone").unwrap());
    assert_eq!(alice.peer.confirm(), Err(Refusal::IdentityChanged));
    let old = alice.peer.verify(old_bob.account.identity.public());
    assert_eq!(old, Err(Refusal::OtherIdentity));
    alice.peer.verify(bob.account.identity.public()).unwrap();
    assert!(alice.seal(b"goes").is_ok());
}

#[test]
fn keeping_to_the_old_identity_brings_its_sessions_back() {
    let (mut alice, mut old_bob, mut impostor) = reinstalled();
    impostor.begin(&alice.bundle(Some(0))).unwrap();
    alice.opens(&impostor.seal(b"new phone").unwrap());
    alice.peer.keep_old();
    let from_impostor = impostor.seal(b"believe me").unwrap();
    assert_eq!(alice.open(&from_impostor).err(), Some(Refusal::NoSession));
    let sealed = alice.seal(b"still you").unwrap();
    assert_eq!(old_bob.opens(&sealed), b"still you");
}

#[test]
fn a_peer_comes_back_from_its_record() {
    let (mut alice, old_bob, mut bob) = reinstalled();
    alice
        .peer
        .verify(old_bob.account.identity.public())
        .unwrap();
    bob.begin(&alice.bundle(Some(0))).unwrap();
    alice.opens(&bob.seal(b"new phone").unwrap());
    let record = alice.peer.to_record();
    assert_eq!(Peer::from_record(&record), Ok(alice.peer.clone()));
    let text = std::str::from_utf8(&record).unwrap();
    let changed = text.replacen(r#""v":1"#, r#""v":2"#, 1);
    assert!(Peer::from_record(changed.as_bytes()).is_err());
    assert_eq!(
        alice.peer.record_name(),
        format!("session/{}/1", alice.peer.user())
    );
}

#[test]
fn nothing_secret_prints() {
    let (alice, bob) = acquainted();
    let printed = format!("{:?} {:?} {:?}", alice.peer, bob.prekeys, bob.account);
    for key in alice
        .peer
        .to_record()
        .split(|byte| *byte == b'"')
        .filter(|key| key.len() >= 43)
    {
        assert!(!printed.contains(std::str::from_utf8(key).unwrap()));
    }
    assert!(printed.contains("Secret(32 bytes)") && printed.contains("Identity(…)"));
    assert!(!printed.contains(&format!("{:?}", bob.prekeys.signed().public().as_bytes())));
}
