//! This crate's sessions, through the door that a client uses.

use privcomm::base::{Secret, Timestamp, UserId};
use privcomm::e2ee::{
    Account, Bundle, BundleFields, Envelope, Identity, OneTimePrekey, Peer, Prekeys, Refusal,
    RegistrationId,
};

use crate::{BATCH, Outcome, Rates, SESSIONS, per_second, timed};

const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);

struct Person {
    account: Account,
    prekeys: Prekeys,
    one_time: Vec<OneTimePrekey>,
}

impl Person {
    fn new() -> Result<Self, Refusal> {
        let account = Account {
            user: UserId::random(),
            identity: Identity::from_seed(&Secret::random()),
        };
        let mut prekeys = Prekeys::new(&mut Secret::random, NOW);
        let one_time = prekeys.refill(0, &mut Secret::random, NOW)?;
        Ok(Self {
            account,
            prekeys,
            one_time,
        })
    }

    fn bundle(&self, one_time: &OneTimePrekey) -> Result<Bundle, Refusal> {
        let identity = &self.account.identity;
        Bundle::check(&BundleFields {
            user: self.account.user,
            identity_key: identity.public().as_bytes(),
            signed_prekey: *self.prekeys.signed().public().as_bytes(),
            prekey_signature: identity.sign_prekey(self.prekeys.signed()),
            one_time_prekey: Some((one_time.id().number(), *one_time.public().as_bytes())),
        })
    }

    fn begin(&self, bundle: &Bundle) -> Result<Peer, Refusal> {
        let mut peer = Peer::new(bundle.user());
        peer.meet(bundle.identity());
        peer.begin(&self.account, bundle, &mut Secret::random, NOW)?;
        Ok(peer)
    }

    fn open(&mut self, peer: &mut Peer, envelope: &Envelope) -> Result<usize, Refusal> {
        let draw = &mut Secret::random;
        let opened = peer.open(&self.account, &mut self.prekeys, envelope, draw, NOW)?;
        Ok(opened.message.len())
    }
}

fn seal(peer: &mut Peer, text: &[u8]) -> Result<Envelope, Refusal> {
    peer.seal(RegistrationId::new(1)?, text, NOW)
}

/// Alice and Bob, each with the other as a peer, after a message each way.
fn acquainted() -> Result<(Person, Peer, Person, Peer), Refusal> {
    let (mut alice, mut bob) = (Person::new()?, Person::new()?);
    let mut of_alice = alice.begin(&bob.bundle(&bob.one_time[0])?)?;
    let mut of_bob = Peer::new(alice.account.user);
    bob.open(&mut of_bob, &seal(&mut of_alice, b"hello")?)?;
    alice.open(&mut of_alice, &seal(&mut of_bob, b"hello yourself")?)?;
    Ok((alice, of_alice, bob, of_bob))
}

/// Message to envelope, and envelope to message.
pub(crate) fn messages(text: &[u8]) -> Outcome<Rates> {
    let (_, mut of_alice, mut bob, mut of_bob) = acquainted()?;
    let (envelopes, sealing) = timed(|| {
        let seal = |_| seal(&mut of_alice, text);
        Ok((0..BATCH).map(seal).collect::<Result<Vec<_>, _>>()?)
    })?;
    let ((), opening) = timed(|| {
        for envelope in &envelopes {
            assert_eq!(bob.open(&mut of_bob, envelope)?, text.len());
        }
        Ok(())
    })?;
    Ok(Rates {
        sealed: per_second(BATCH, sealing),
        opened: per_second(BATCH, opening),
    })
}

/// Bundles to sessions that both sides have: one message each.
pub(crate) fn set_ups() -> Outcome<f64> {
    let (alice, mut bob) = (Person::new()?, Person::new()?);
    let one_time = bob.one_time.clone();
    let bundles = one_time
        .iter()
        .take(SESSIONS)
        .map(|one_time| bob.bundle(one_time));
    let bundles = bundles.collect::<Result<Vec<_>, _>>()?;
    let ((), took) = timed(|| {
        for bundle in &bundles {
            let mut of_alice = alice.begin(bundle)?;
            let mut of_bob = Peer::new(alice.account.user);
            bob.open(&mut of_bob, &seal(&mut of_alice, b"hello")?)?;
        }
        Ok(())
    })?;
    Ok(per_second(SESSIONS, took))
}

/// Bytes of a session's record: as it mostly is, and with every key that it may keep.
pub(crate) fn state() -> Outcome<(f64, f64)> {
    let (_, mut of_alice, mut bob, mut of_bob) = acquainted()?;
    bob.open(&mut of_bob, &seal(&mut of_alice, b"hello")?)?;
    let record = |peer: &Peer| peer.active().map_or(0, |session| session.to_record().len());
    let usual = record(&of_bob);
    for _ in 0..2 {
        let last = (0..=1000).map(|_| seal(&mut of_alice, b"lost")).last();
        bob.open(&mut of_bob, &last.ok_or("nothing was sealed")??)?;
    }
    Ok((usual as f64, record(&of_bob) as f64))
}
