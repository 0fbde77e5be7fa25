//! What a server can try that holds the wire: each attempt at the door that a client uses, and what
//! E2EE.md says becomes of it. Afterwards the conversation goes on.

use proptest::prelude::*;

use super::super::statement::{Handle, Origin};
use super::super::{
    AgreementKey, Bundle, BundleFields, Consequence, Envelope, Identity, IdentityKey, KeyPair,
    Kind, Meeting, Peer, Refusal, SafetyNumber, SignedPrekey,
};
use super::rig::{Person, acquainted, alice_and_bob, user};
use crate::base::Secret;

const PREFIX: usize = 74;

/// A refusal that leaves a placeholder, and the receiver as it was.
#[track_caller]
fn assert_unreadable(receiver: &mut Person, envelope: &Envelope, expected: Refusal) {
    let before = receiver.stored();
    assert_eq!(receiver.open(envelope).err(), Some(expected));
    assert_eq!(expected.consequence(), Consequence::Placeholder);
    assert_eq!(receiver.stored(), before);
}

#[track_caller]
fn assert_they_go_on(alice: &mut Person, bob: &mut Person) {
    assert_eq!(
        bob.opens(&alice.seal(b"still here").unwrap()),
        b"still here"
    );
    assert_eq!(alice.opens(&bob.seal(b"so am I").unwrap()), b"so am I");
}

#[test]
fn a_first_message_without_its_prefix_does_not_open() {
    let (mut alice, mut bob) = alice_and_bob();
    let first = alice.seal(b"first").unwrap();
    bob.opens(&first);
    let second = alice.seal(b"second").unwrap();
    let stripped = Envelope {
        kind: Kind::Ratchet,
        body: second.body[PREFIX..].to_vec(),
        ..second.clone()
    };
    assert_unreadable(&mut bob, &stripped, Refusal::Tag);
    assert_eq!(bob.opens(&second), b"second");
    assert_they_go_on(&mut alice, &mut bob);
}

#[test]
fn a_prefix_before_a_message_that_had_none_does_not_open() {
    let (mut alice, mut bob) = alice_and_bob();
    let first = alice.seal(b"first").unwrap();
    bob.opens(&first);
    alice.opens(&bob.seal(b"answer").unwrap());
    let second = alice.seal(b"second").unwrap();
    assert_eq!(second.kind, Kind::Ratchet);
    let prefixed = Envelope {
        kind: Kind::First,
        body: [&first.body[..PREFIX], &second.body].concat(),
        ..second.clone()
    };
    assert_unreadable(&mut bob, &prefixed, Refusal::Tag);
    assert_eq!(bob.opens(&second), b"second");
}

#[test]
fn a_relabelled_sender_makes_every_message_unreadable() {
    let (mut alice, mut bob) = acquainted();
    let mut carol = Person::new(3, 2);
    carol.begin(&bob.bundle(Some(1))).unwrap();
    let mut carol_at_bob = Person {
        peer: Peer::new(user(3)),
        ..bob.clone()
    };
    carol_at_bob.opens(&carol.seal(b"hello from Carol").unwrap());
    let from_alice = alice.seal(b"from Alice").unwrap();
    assert_unreadable(&mut carol_at_bob, &from_alice, Refusal::Tag);
    let from_carol = carol.seal(b"from Carol").unwrap();
    // Her prefix names a prekey that is spent: as somebody else's, it begins nothing.
    bob.prekeys = carol_at_bob.prekeys.clone();
    assert_eq!(bob.open(&from_carol).err(), Some(Refusal::Replayed));
    assert_eq!(bob.opens(&from_alice), b"from Alice");
    assert_eq!(carol_at_bob.opens(&from_carol), b"from Carol");
    assert_they_go_on(&mut alice, &mut bob);
}

#[test]
fn a_message_that_comes_back_to_its_sender_does_not_open() {
    let (mut alice, mut bob) = alice_and_bob();
    let first = alice.seal(b"first").unwrap();
    assert_unreadable(&mut alice, &first, Refusal::UnknownPrekey);
    bob.opens(&first);
    let answer = bob.seal(b"answer").unwrap();
    assert_unreadable(&mut bob, &answer, Refusal::Tag);
    alice.opens(&answer);
    let second = alice.seal(b"second").unwrap();
    assert_unreadable(&mut alice, &second, Refusal::Tag);
    assert_eq!(bob.opens(&second), b"second");
    assert_they_go_on(&mut alice, &mut bob);
}

#[test]
fn another_signed_prekey_under_the_same_identity_is_refused() {
    let (_, bob) = alice_and_bob();
    let (identity, mallory) = (&bob.account.identity, Person::new(9, 1));
    let theirs = *mallory.prekeys.signed().public().as_bytes();
    for prekey_signature in [
        identity.sign_prekey(bob.prekeys.signed()),
        mallory
            .account
            .identity
            .sign_prekey(mallory.prekeys.signed()),
    ] {
        let checked = Bundle::check(&BundleFields {
            user: bob.account.user,
            identity_key: identity.public().as_bytes(),
            signed_prekey: theirs,
            prekey_signature,
            one_time_prekey: None,
        });
        assert_eq!(checked, Err(Refusal::Signature));
    }
}

#[test]
fn another_one_time_prekey_lets_nobody_read_and_spends_none() {
    let (mut alice, mut bob) = alice_and_bob();
    let mallory = KeyPair::new(Secret::new([9; 32]));
    let (own, kept) = (&bob.account.identity, bob.bundle(Some(1)));
    let (number, _) = kept.one_time().unwrap();
    let swapped = Bundle::check(&BundleFields {
        user: bob.account.user,
        identity_key: own.public().as_bytes(),
        signed_prekey: *bob.prekeys.signed().public().as_bytes(),
        prekey_signature: own.sign_prekey(bob.prekeys.signed()),
        one_time_prekey: Some((number.number(), *mallory.public().as_bytes())),
    });
    alice.begin(&swapped.unwrap()).unwrap();
    let sealed = alice.seal(b"to whom?").unwrap();
    assert_unreadable(&mut bob, &sealed, Refusal::Tag);
    assert_eq!(bob.prekeys.one_time(), 100);
    // §8.5: Bob begins anew, and they meet there.
    bob.begin(&alice.bundle(Some(0))).unwrap();
    alice.opens(&bob.seal(b"reset").unwrap());
    assert_they_go_on(&mut alice, &mut bob);
}

#[test]
fn a_one_time_prekey_that_is_handed_out_twice_serves_once() {
    let (mut alice, mut bob) = alice_and_bob();
    let mut carol = Person::new(3, 2);
    carol.begin(&bob.bundle(Some(0))).unwrap();
    bob.opens(&alice.seal(b"first").unwrap());
    let mut carol_at_bob = Person {
        peer: Peer::new(user(3)),
        ..bob.clone()
    };
    let late = carol.seal(b"late").unwrap();
    assert_unreadable(&mut carol_at_bob, &late, Refusal::UnknownPrekey);
    assert_they_go_on(&mut alice, &mut bob);
}

/// It hands the same one out to who asks again soon, as PROTOCOL.md §4 has it; so a session that is
/// begun anew then does without, and the peer, who deleted it, can open it.
#[test]
fn a_one_time_prekey_that_comes_again_is_left_out() {
    let (mut alice, mut bob) = (Person::new(1, 2), Person::new(2, 1));
    let (same, other) = (bob.bundle(Some(0)), bob.bundle(Some(1)));
    alice.begin(&same).unwrap();
    bob.opens(&alice.seal(b"first").unwrap());
    alice.peer = Peer::from_record(&alice.peer.to_record()).unwrap();
    alice.begin(&same).unwrap();
    assert_eq!(bob.opens(&alice.seal(b"anew").unwrap()), b"anew");
    assert_eq!(bob.prekeys.one_time(), 99);
    alice.begin(&other).unwrap();
    assert_eq!(bob.opens(&alice.seal(b"another").unwrap()), b"another");
    assert_eq!(bob.prekeys.one_time(), 98);
}

/// The server stands between from the first contact on: nothing but the safety number tells.
#[test]
fn whoever_stands_between_shows_in_the_safety_number_and_when_they_leave() {
    let (mut alice, mut bob) = (Person::new(1, 2), Person::new(2, 1));
    let mut as_bob = Person::new(9, 1);
    as_bob.account.user = bob.account.user;
    alice.begin(&as_bob.bundle(None)).unwrap();
    as_bob.peer = Peer::new(alice.account.user);
    assert_eq!(as_bob.opens(&alice.seal(b"hello").unwrap()), b"hello");
    let number = |own: &Person, their: &IdentityKey, of: &Person| {
        let own = (own.account.identity.public(), own.account.user);
        SafetyNumber::between(own, (their, of.account.user))
    };
    let alices = number(&alice, alice.peer.pin().unwrap().present(), &bob);
    let bobs = number(&bob, alice.account.identity.public(), &alice);
    assert_ne!(alices.digits(), bobs.digits());
    let scanned = alices.check_qr_code(&bobs.qr_code());
    assert_eq!(scanned, Err(Refusal::OtherSafetyNumber));
    // The attacker leaves: Bob's own key is a change, which Alice is asked about.
    let bundle = bob.bundle(Some(0));
    assert_eq!(alice.peer.meet(bundle.identity()), Meeting::Changed);
    assert_eq!(alice.seal(b"held").err(), Some(Refusal::IdentityChanged));
    alice.peer.verify(bob.account.identity.public()).unwrap();
    alice.begin(&bundle).unwrap();
    assert_they_go_on(&mut alice, &mut bob);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// §3.4: whatever nonce the server chooses, what comes back is no signature over a key of its own.
    #[test]
    fn no_nonce_makes_a_login_or_a_registration_sign_a_prekey(nonce: [u8; 32], seed: [u8; 32]) {
        let identity = Identity::from_seed(&Secret::new(seed));
        let (origin, handle) = (
            Origin::parse("https://chat.example").unwrap(),
            Handle::parse(&"ab".repeat(32)).unwrap(),
        );
        let prekey = SignedPrekey::new(Secret::new(nonce));
        for chosen in [nonce, *prekey.public().as_bytes()] {
            let key = AgreementKey::from_bytes(chosen);
            let login = identity.sign_login(&origin, &handle, &chosen);
            let own = SignedPrekey::new(Secret::new(seed));
            let registration = identity.sign_registration(&origin, &handle, &chosen, &own, []);
            for signature in [login, registration] {
                let verified = identity.public().verify_prekey(&key, &signature);
                prop_assert_eq!(verified, Err(Refusal::Signature));
            }
            prop_assert_ne!(login, registration);
        }
    }

    /// Delivered in any order, any number of times, under any ids: each opens once.
    #[test]
    fn messages_in_any_order_and_number_open_once(
        order in proptest::collection::vec(0usize..12, 0..60),
    ) {
        let (mut alice, mut bob) = acquainted();
        let sealed: Vec<Envelope> = (0..12u8).map(|text| alice.seal(&[text]).unwrap()).collect();
        let mut came = std::collections::BTreeSet::new();
        for place in order {
            match bob.open(&sealed[place]) {
                Ok(opened) => {
                    prop_assert_eq!(&opened.message[..], &[u8::try_from(place).unwrap()]);
                    prop_assert!(came.insert(place));
                }
                Err(refusal) => {
                    prop_assert!(came.contains(&place));
                    prop_assert_eq!(refusal, Refusal::Duplicate);
                }
            }
        }
    }
}
