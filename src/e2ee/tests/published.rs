//! The published vectors that are of more than one file.

use std::collections::HashMap;

use super::super::message::Message;
use super::super::session::Session;
use super::super::vectors::{FirstContact, Step, hex, hex_array, secret, vectors};
use super::super::{
    AgreementKey, Envelope, Handle, Identity, IdentityKey, KeyPair, Kind, Origin, Refusal,
    RegistrationId, base64_bytes, x3dh,
};
use crate::base::{Secret, Timestamp};

#[test]
fn an_identity_converts_to_x25519_as_published() {
    let accounts = vectors().convert;
    assert_eq!(accounts.len(), 3);
    for account in accounts {
        let identity = Identity::from_seed(&secret(&account.seed));
        assert_eq!(identity.seed(), secret(&account.seed));
        assert_eq!(&identity.public().as_bytes()[..], hex(&account.ed_public));
        assert_eq!(identity.agreement().secret(), &secret(&account.x_private));
        let public = AgreementKey::from_bytes(hex_array(&account.x_public));
        assert_eq!(identity.agreement().public(), &public);
        assert_eq!(identity.public().agreement(), public);
    }
}

#[test]
fn the_sixteen_bad_identity_keys_are_refused() {
    let refused = vectors().identity_refused;
    assert_eq!(refused.len(), 16);
    for vector in refused {
        assert!(
            IdentityKey::parse(&hex(&vector.key)).is_err(),
            "{}",
            vector.why
        );
    }
}

#[test]
fn the_seven_bad_x25519_keys_are_refused() {
    let refused = vectors().x25519_refused;
    assert_eq!(refused.len(), 7);
    let pair = KeyPair::new(Secret::new([7; 32]));
    for vector in refused {
        let key = AgreementKey::from_bytes(hex_array(&vector.public));
        assert_eq!(pair.agree(&key), Err(Refusal::SmallOrder));
    }
}

#[test]
fn the_login_is_signed_as_published() {
    let vector = vectors().auth;
    let alice = Identity::from_seed(&secret(&vectors().x3dh[0].alice_seed));
    let origin = Origin::parse(&vector.origin).unwrap();
    let handle = Handle::parse(&vector.phone_hash).unwrap();
    let signature = alice.sign_login(&origin, &handle, &hex_array(&vector.nonce));
    assert_eq!(&signature[..], hex(&vector.signature));
    assert_eq!(
        alice.public().verify(&hex(&vector.message), &signature),
        Ok(())
    );
}

#[test]
fn a_prekey_is_signed_as_published() {
    for contact in vectors().x3dh {
        let (bob, prekey) = (contact.bob(), contact.signed_prekey());
        let signature = bob.identity.sign_prekey(&prekey);
        assert_eq!(&signature[..], hex(&contact.spk_signature));
        assert_eq!(prekey.id().number(), contact.spk_id);
    }
}

#[test]
fn a_session_begins_as_published() {
    for contact in vectors().x3dh {
        let keys = vectors().conversation.ratchet_keys.alice;
        let session = begin(&contact, &keys[0]);
        let ratchet = &session.ratchet;
        assert_eq!(ratchet.root.secret(), &secret(&contact.rk));
        assert_eq!(ratchet.sending.secret(), &secret(&contact.cks));
    }
}

fn begin(contact: &FirstContact, first_key: &str) -> Session {
    let mut keys = [secret(&contact.ek_private), secret(first_key)].into_iter();
    let mut draw = || keys.next().unwrap();
    Session::initiate(
        &contact.alice(),
        &contact.bundle(),
        &mut draw,
        Timestamp::default(),
    )
    .unwrap()
}

/// One side of the published conversation.
struct Side {
    session: Option<Session>,
    keys: std::vec::IntoIter<Secret<32>>,
    registration: RegistrationId,
}

impl Side {
    fn new(keys: &[String], registration: u32) -> Self {
        let keys: Vec<_> = keys.iter().map(|text| secret(text)).collect();
        Self {
            session: None,
            keys: keys.into_iter(),
            registration: RegistrationId::new(registration).unwrap(),
        }
    }

    fn receive(
        &mut self,
        contact: &FirstContact,
        kind: Kind,
        body: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let now = Timestamp::default();
        // Until a session stands, each attempt begins with the first key again.
        let before = self.keys.clone();
        let keys = &mut self.keys;
        let mut draw = || keys.next().unwrap();
        if let Some(session) = &mut self.session {
            return Ok(session.open_body(kind, body, &mut draw, now)?.to_vec());
        }
        let message = Message::parse(kind, body)?;
        let fields = message.prefix.as_ref().unwrap().fields()?;
        let signed = contact.signed_prekey();
        let agreed = x3dh::respond(
            &contact.bob(),
            (&fields.identity, contact.alice().user),
            &fields.ephemeral,
            &signed,
            contact.one_time_prekey().as_ref(),
        )?;
        let (base_key, pair) = (fields.ephemeral, signed.pair());
        let accepted = Session::accept(agreed, base_key, pair, &message, &mut draw, now);
        if accepted.is_err() {
            self.keys = before;
        }
        let (session, text) = accepted?;
        self.session = Some(session);
        Ok(text.to_vec())
    }
}

/// A message with one of the published changes made to it.
fn changed(kind: Kind, body: &[u8], change: Option<&str>) -> (Kind, Vec<u8>) {
    let mut body = body.to_vec();
    let header = if kind == Kind::First { 74 } else { 0 };
    match change {
        None => {}
        Some("flip last bit") => *body.last_mut().unwrap() ^= 1,
        Some("flip counter") => body[header + 40] ^= 1,
        Some("as type 2") => return (Kind::Ratchet, body[74..].to_vec()),
        Some(other) => panic!("a change that isn't known: {other}"),
    }
    (kind, body)
}

#[test]
fn the_conversation_goes_as_published() {
    let vectors = vectors();
    let (contact, conversation) = (&vectors.x3dh[0], vectors.conversation);
    let keys = &conversation.ratchet_keys;
    let mut alice = Side::new(&keys.alice, conversation.alice_registration_id);
    alice.keys.next();
    alice.session = Some(begin(contact, &keys.alice[0]));
    let bob = Side::new(&keys.bob, conversation.bob_registration_id);
    let mut sides = HashMap::from([("alice".to_owned(), alice), ("bob".to_owned(), bob)]);
    let mut messages: Vec<(Kind, Vec<u8>)> = Vec::new();
    for (place, step) in conversation.steps.into_iter().enumerate() {
        match step {
            Step::Send {
                by,
                message,
                text,
                kind,
                body_b64,
                payload_b64,
                after_lost,
            } => {
                let side = sides.get_mut(&by).unwrap();
                let session = side.session.as_mut().unwrap();
                for _ in 0..after_lost {
                    session.seal(b"lost").unwrap();
                }
                let (sealed, body) = session.seal(text.as_bytes()).unwrap();
                assert_eq!(
                    (sealed.number(), message),
                    (kind, messages.len()),
                    "step {place}"
                );
                assert_eq!(base64_bytes::encode(&body), body_b64, "step {place}");
                let device = conversation.device_id;
                let registration = side.registration;
                let envelope = Envelope {
                    kind: sealed,
                    registration,
                    device,
                    body,
                };
                assert_eq!(envelope.to_payload(), payload_b64, "step {place}");
                let envelope = Envelope::from_payload(&payload_b64).unwrap();
                messages.push((envelope.kind, envelope.body));
            }
            Step::Receive {
                by,
                message,
                ok,
                change,
                text,
                one_time_used,
            } => {
                let side = sides.get_mut(&by).unwrap();
                let before = side.session.clone();
                let (kind, body) = &messages[message];
                let (kind, body) = changed(*kind, body, change.as_deref());
                let received = side.receive(contact, kind, &body);
                assert_eq!(received.is_ok(), ok, "step {place}: {received:?}");
                match received {
                    Ok(received) => assert_eq!(received, text.unwrap().as_bytes()),
                    Err(_) => assert_eq!(side.session, before, "step {place}"),
                }
                assert!(one_time_used.is_none_or(|id| id == contact.otpk_id));
            }
        }
    }
    assert_eq!(messages.len(), 13);
}
