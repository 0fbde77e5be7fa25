//! Two accounts and what is between them.

use super::super::{
    Account, Bundle, BundleFields, Draw, Envelope, Identity, Opened, Peer, Prekeys, Refusal,
    RegistrationId,
};
use crate::base::{Secret, Timestamp, UserId};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);

/// A list of secrets, each another one.
#[derive(Debug, Clone)]
pub(super) struct Draws {
    whose: u8,
    count: u64,
}

impl Draws {
    pub(super) fn of(whose: u8) -> Self {
        Self { whose, count: 0 }
    }

    pub(super) fn next(&mut self) -> Secret<32> {
        self.count += 1;
        let mut bytes = [self.whose; 32];
        bytes[..8].copy_from_slice(&self.count.to_be_bytes());
        Secret::new(bytes)
    }
}

/// The account of a number.
pub(super) fn user(number: u8) -> UserId {
    let mut bytes = [number; 16];
    (bytes[6], bytes[8]) = (0x40, 0x80);
    UserId::from_bytes(bytes)
}

/// An account with everything that it keeps.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) account: Account,
    pub(super) prekeys: Prekeys,
    pub(super) peer: Peer,
    pub(super) draws: Draws,
}

impl Person {
    /// A person who writes with the one of number `with`.
    pub(super) fn new(whose: u8, with: u8) -> Self {
        let mut draws = Draws::of(whose);
        let identity = Identity::from_seed(&draws.next());
        let mut prekeys = Prekeys::new(&mut || draws.next(), NOW);
        prekeys.refill(0, &mut || draws.next(), NOW).unwrap();
        Self {
            account: Account {
                user: user(whose),
                identity,
            },
            prekeys,
            peer: Peer::new(user(with)),
            draws,
        }
    }

    /// What the server hands out for this person, with the one-time prekey of this place.
    pub(super) fn bundle(&self, one_time: Option<usize>) -> Bundle {
        let kept = one_time.and_then(|place| self.prekeys.one_time.values().nth(place));
        let key = kept.map(|kept| (kept.prekey.id().number(), *kept.prekey.public().as_bytes()));
        Bundle::check(&BundleFields {
            user: self.account.user,
            identity_key: self.account.identity.public().as_bytes(),
            signed_prekey: *self.prekeys.signed().public().as_bytes(),
            prekey_signature: self.account.identity.sign_prekey(self.prekeys.signed()),
            one_time_prekey: key,
        })
        .unwrap()
    }

    pub(super) fn begin(&mut self, bundle: &Bundle) -> Result<(), Refusal> {
        self.peer.meet(bundle.identity());
        let draws = &mut self.draws;
        let draw: &mut Draw<'_> = &mut || draws.next();
        self.peer.begin(&self.account, bundle, draw, NOW)
    }

    pub(super) fn seal(&mut self, message: &[u8]) -> Result<Envelope, Refusal> {
        self.peer.seal(RegistrationId::drawn([0; 4]), message, NOW)
    }

    pub(super) fn open(&mut self, envelope: &Envelope) -> Result<Opened, Refusal> {
        let draws = &mut self.draws;
        let draw: &mut Draw<'_> = &mut || draws.next();
        self.peer
            .open(&self.account, &mut self.prekeys, envelope, draw, NOW)
    }

    pub(super) fn opens(&mut self, envelope: &Envelope) -> Vec<u8> {
        self.open(envelope).unwrap().message.to_vec()
    }

    /// Everything that is stored, as it is stored.
    pub(super) fn stored(&self) -> (Vec<u8>, Vec<u8>) {
        (
            self.peer.to_record().to_vec(),
            self.prekeys.to_record().to_vec(),
        )
    }
}

/// Alice, who has begun a session with Bob, and Bob.
pub(super) fn alice_and_bob() -> (Person, Person) {
    let (mut alice, bob) = (Person::new(1, 2), Person::new(2, 1));
    alice.begin(&bob.bundle(Some(0))).unwrap();
    (alice, bob)
}

/// Alice and Bob after one message each way.
pub(super) fn acquainted() -> (Person, Person) {
    let (mut alice, mut bob) = alice_and_bob();
    bob.opens(&alice.seal(b"hello").unwrap());
    alice.opens(&bob.seal(b"hello yourself").unwrap());
    (alice, bob)
}
