//! Prekeys that come and go: each bound on both sides.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::super::prekeys::{MAX_ACCEPTED, MAX_ONE_TIME, MAX_RETIRED};
use super::super::{PrekeyId, Prekeys, Refusal};
use super::rig::{Draws, NOW, Person, alice_and_bob};
use crate::base::Timestamp;

const DAY: Duration = Duration::from_hours(24);
const MILLISECOND: Duration = Duration::from_millis(1);

fn prekeys() -> (Prekeys, Draws) {
    let mut draws = Draws::of(9);
    (Prekeys::new(&mut || draws.next(), NOW), draws)
}

#[test]
fn a_signed_prekey_is_replaced_after_a_week() {
    let (mut prekeys, mut draws) = prekeys();
    let first = prekeys.signed().id();
    let week = NOW.saturating_add(DAY * 7);
    assert!(
        prekeys
            .rotate(&mut || draws.next(), week.saturating_sub(MILLISECOND))
            .is_none()
    );
    let second = prekeys.rotate(&mut || draws.next(), week).unwrap().id();
    assert_ne!(first, second);
    assert_eq!(prekeys.signed().id(), second);
    assert!(prekeys.find_signed(first).is_ok());
}

#[test]
fn a_replaced_signed_prekey_is_kept_for_45_days() {
    let (mut prekeys, mut draws) = prekeys();
    let first = prekeys.signed().id();
    // A year off: the first is replaced only then.
    let replaced = NOW.saturating_add(DAY * 365);
    prekeys.rotate(&mut || draws.next(), replaced).unwrap();
    prekeys.expire(replaced.saturating_add(DAY * 45));
    assert!(prekeys.find_signed(first).is_ok());
    prekeys.expire(replaced.saturating_add(DAY * 45 + MILLISECOND));
    assert_eq!(prekeys.find_signed(first), Err(Refusal::UnknownPrekey));
    assert_eq!(prekeys.signed.len(), 1);
}

#[test]
fn eight_replaced_signed_prekeys_are_kept() {
    let (mut prekeys, mut draws) = prekeys();
    let mut now = NOW;
    for _ in 0..=MAX_RETIRED {
        now = now.saturating_add(DAY * 7);
        prekeys.rotate(&mut || draws.next(), now).unwrap();
    }
    assert_eq!(prekeys.signed.len(), MAX_RETIRED + 2);
    prekeys.expire(NOW);
    assert_eq!(prekeys.signed.len(), MAX_RETIRED + 1);
}

#[test]
fn fewer_than_twenty_are_refilled_by_a_hundred() {
    let (mut prekeys, mut draws) = prekeys();
    assert_eq!(
        prekeys.refill(20, &mut || draws.next(), NOW),
        Ok(Vec::new())
    );
    let made = prekeys.refill(19, &mut || draws.next(), NOW).unwrap();
    let numbers: Vec<u32> = made.iter().map(|prekey| prekey.id().number()).collect();
    assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
    let more = prekeys.refill(0, &mut || draws.next(), NOW).unwrap();
    assert_eq!((more[0].id().number(), prekeys.one_time()), (101, 200));
    for _ in 0..5 {
        prekeys.more(&mut || draws.next(), NOW).unwrap();
    }
    assert_eq!(prekeys.one_time(), MAX_ONE_TIME);
}

#[test]
fn numbers_come_to_an_end() {
    assert!(PrekeyId::new(0).is_err() && PrekeyId::new(1 << 31).is_err());
    let last = PrekeyId::new((1 << 31) - 1).unwrap();
    assert_eq!(last.next(), Err(Refusal::PrekeysExhausted));
    let (mut prekeys, mut draws) = prekeys();
    prekeys.next = PrekeyId::new((1 << 31) - 100).unwrap();
    let before = prekeys.clone();
    let refused = prekeys.more(&mut || draws.next(), NOW);
    assert_eq!(refused, Err(Refusal::PrekeysExhausted));
    assert_eq!(prekeys, before);
    prekeys.next = PrekeyId::new((1 << 31) - 101).unwrap();
    assert!(prekeys.more(&mut || draws.next(), NOW).is_ok());
}

#[test]
fn restored_prekeys_are_new_and_numbered_above_all_before() {
    let (before, mut draws) = prekeys();
    let mut restored = Prekeys::restored(&mut || draws.next(), NOW).unwrap();
    assert_ne!(restored.signed().id(), before.signed().id());
    assert_eq!(restored.one_time(), 0);
    let made = restored.refill(0, &mut || draws.next(), NOW).unwrap();
    assert_eq!(made[0].id().number(), 91_152_000);
    let later = NOW.saturating_add(Duration::from_secs(100));
    let again = Prekeys::restored(&mut || draws.next(), later).unwrap();
    assert!(again.next > made[99].id());
    let end = Duration::from_secs((1 << 31) - 91_152_000);
    let (last, end) = (end.saturating_sub(Duration::from_secs(1)), end);
    let at = |after| NOW.saturating_add(after);
    assert!(Prekeys::restored(&mut || draws.next(), at(last)).is_ok());
    assert!(Prekeys::restored(&mut || draws.next(), at(end)).is_err());
    let early = Prekeys::restored(&mut || draws.next(), Timestamp::default()).unwrap();
    assert_eq!(early.next, PrekeyId::FIRST);
}

#[test]
fn an_unused_one_time_prekey_goes_after_90_days() {
    let (mut prekeys, mut draws) = prekeys();
    prekeys.refill(0, &mut || draws.next(), NOW).unwrap();
    let last = NOW.saturating_add(DAY * 90);
    assert!(prekeys.unused(last).is_empty());
    let unused = prekeys.unused(last.saturating_add(MILLISECOND));
    assert_eq!(unused.len(), 100);
    prekeys.forget(&unused);
    assert_eq!(prekeys.one_time(), 0);
}

#[test]
fn the_digest_is_of_what_the_server_should_hold() {
    let bob = Person::new(2, 1);
    let identity = bob.account.identity.public();
    let mut expected = Sha256::new();
    expected.update(identity.as_bytes());
    expected.update(bob.prekeys.signed().public().as_bytes());
    for id in 98u32..=100 {
        expected.update(id.to_be_bytes());
    }
    assert_eq!(
        bob.prekeys.digest(identity, 3),
        <[u8; 32]>::from(expected.finalize())
    );
    assert_ne!(
        bob.prekeys.digest(identity, 3),
        bob.prekeys.digest(identity, 4)
    );
}

#[test]
fn a_full_replay_set_refuses_first_messages_without_a_one_time_prekey() {
    let (mut alice, mut bob) = alice_and_bob();
    let with = alice.seal(b"with").unwrap();
    alice.begin(&bob.bundle(None)).unwrap();
    let without = alice.seal(b"without").unwrap();
    let accepted = &mut bob.prekeys.signed[0].accepted;
    for number in 0..MAX_ACCEPTED {
        accepted.insert(Sha256::digest(number.to_be_bytes()).into());
    }
    assert_eq!(bob.open(&without).err(), Some(Refusal::UnknownPrekey));
    assert_eq!(bob.opens(&with), b"with");
    let accepted = &mut bob.prekeys.signed[0].accepted;
    assert_eq!(accepted.len(), MAX_ACCEPTED);
    accepted.pop_first();
    assert_eq!(bob.opens(&without), b"without");
}

#[test]
fn prekeys_come_back_from_their_record() {
    let (mut alice, mut bob) = alice_and_bob();
    bob.opens(&alice.seal(b"hello").unwrap());
    let record = bob.prekeys.to_record();
    assert_eq!(Prekeys::from_record(&record), Ok(bob.prekeys));
    let text = std::str::from_utf8(&record).unwrap();
    for (from, to) in [(r#""v":1"#, r#""v":2"#), (r#""next":1"#, r#""next":-1"#)] {
        assert!(Prekeys::from_record(text.replacen(from, to, 1).as_bytes()).is_err());
    }
}
