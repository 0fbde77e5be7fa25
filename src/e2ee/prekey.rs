//! Prekeys: the X25519 pairs that let others begin a session while their owner sleeps (E2EE.md §4.1).

use sha2::{Digest as _, Sha256};

use super::{AgreementKey, KeyPair, Refusal};
use crate::base::Secret;

/// Numbers are below this.
const END_OF_NUMBERS: u32 = 1 << 31;

/// The number of a one-time prekey: 1 to 2³¹ − 1, rising, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrekeyId(u32);

impl PrekeyId {
    /// The first number of an account.
    pub const FIRST: Self = Self(1);

    /// The id of a number, if it is one.
    pub const fn new(number: u32) -> Result<Self, Refusal> {
        if number == 0 || number >= END_OF_NUMBERS {
            Err(Refusal::Malformed("a prekey number from 1 to 2^31 - 1"))
        } else {
            Ok(Self(number))
        }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The next number, while there is one.
    pub const fn next(self) -> Result<Self, Refusal> {
        match Self::new(self.0 + 1) {
            Ok(next) => Ok(next),
            Err(_) => Err(Refusal::PrekeysExhausted),
        }
    }
}

/// The number of a signed prekey, which follows from the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignedPrekeyId(u32);

impl SignedPrekeyId {
    /// The first 31 bits of the key's SHA-256.
    pub fn of(key: &AgreementKey) -> Self {
        let digest = Sha256::digest(key.as_bytes());
        let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self(number & (END_OF_NUMBERS - 1))
    }

    pub(super) const fn from_wire(number: u32) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// A signed prekey: serves many first messages, for some weeks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedPrekey {
    id: SignedPrekeyId,
    pair: KeyPair,
}

impl SignedPrekey {
    /// The prekey of 32 random bytes.
    pub fn new(secret: Secret<32>) -> Self {
        let pair = KeyPair::new(secret);
        let id = SignedPrekeyId::of(pair.public());
        Self { id, pair }
    }

    /// Its number.
    pub const fn id(&self) -> SignedPrekeyId {
        self.id
    }

    /// The public key, which is uploaded with its signature.
    pub const fn public(&self) -> &AgreementKey {
        self.pair.public()
    }

    pub(super) const fn pair(&self) -> &KeyPair {
        &self.pair
    }
}

/// A one-time prekey: serves one first message, then its private key is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimePrekey {
    id: PrekeyId,
    pair: KeyPair,
}

impl OneTimePrekey {
    /// The prekey of a number and 32 random bytes.
    pub fn new(id: PrekeyId, secret: Secret<32>) -> Self {
        let pair = KeyPair::new(secret);
        Self { id, pair }
    }

    /// Its number.
    pub const fn id(&self) -> PrekeyId {
        self.id
    }

    /// The public key, which is uploaded.
    pub const fn public(&self) -> &AgreementKey {
        self.pair.public()
    }

    pub(super) const fn pair(&self) -> &KeyPair {
        &self.pair
    }
}
