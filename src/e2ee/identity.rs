//! The identity of an account: an Ed25519 key, and the same key for X25519 (E2EE.md §3).

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use super::statement::{Handle, Origin, login, registration};
use super::{AgreementKey, KeyPair, OneTimePrekey, Refusal, SignedPrekey};
use crate::base::{Secret, UserId};

/// An account as its owner has it: who it is, and the key that proves it.
#[derive(Debug, Clone)]
pub struct Account {
    /// The account's id, which every session is bound to.
    pub user: UserId,
    /// Its identity.
    pub identity: Identity,
}

/// An identity's private side: made once per account of 32 random bytes.
///
/// It signs what §3.4 lists and nothing else, so that no signature can be passed off as another.
#[derive(Clone)]
pub struct Identity {
    signing: SigningKey,
    agreement: KeyPair,
    public: IdentityKey,
}

impl Identity {
    /// The identity of a seed.
    pub fn from_seed(seed: &Secret<32>) -> Self {
        let signing = SigningKey::from_bytes(seed.expose());
        let agreement = Secret::written(|bytes| *bytes = signing.to_scalar_bytes());
        Self {
            agreement: KeyPair::new(agreement),
            public: IdentityKey(signing.verifying_key()),
            signing,
        }
    }

    /// The seed, for storage and for a backup.
    pub fn seed(&self) -> Secret<32> {
        Secret::written(|bytes| bytes.copy_from_slice(self.signing.as_bytes()))
    }

    /// The public key: `identity_key` of the API.
    pub const fn public(&self) -> &IdentityKey {
        &self.public
    }

    /// The same key, to agree with.
    pub(super) const fn agreement(&self) -> &KeyPair {
        &self.agreement
    }

    /// `prekey_signature` of the API: over exactly the 32 bytes of the prekey.
    pub fn sign_prekey(&self, prekey: &SignedPrekey) -> [u8; 64] {
        self.sign(prekey.public().as_bytes())
    }

    /// The signature that asks for a token, at this origin, with the server's nonce.
    pub fn sign_login(&self, origin: &Origin, handle: &Handle, nonce: &[u8; 32]) -> [u8; 64] {
        self.sign(login(origin, handle, nonce).as_bytes())
    }

    /// The signature that asks for an account with these prekeys, in the order of the request.
    pub fn sign_registration<'a>(
        &self,
        origin: &Origin,
        handle: &Handle,
        nonce: &[u8; 32],
        signed: &SignedPrekey,
        one_time: impl IntoIterator<Item = &'a OneTimePrekey>,
    ) -> [u8; 64] {
        let statement = registration(origin, handle, nonce, signed, one_time);
        self.sign(statement.as_bytes())
    }

    fn sign(&self, statement: &[u8]) -> [u8; 64] {
        self.signing.sign(statement).to_bytes()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// An identity's public key: canonical, on the curve, not of small order (§3.3).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdentityKey(VerifyingKey);

impl IdentityKey {
    /// Takes a key in after every check of §3.3.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let bytes: [u8; 32] = bytes
            .try_into()
            .map_err(|_| Refusal::Malformed("an identity key of 32 bytes"))?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| Refusal::OffCurve)?;
        if key.to_edwards().compress().to_bytes() != bytes {
            return Err(Refusal::NotCanonical);
        }
        if key.is_weak() {
            return Err(Refusal::SmallOrder);
        }
        Ok(Self(key))
    }

    /// The 32 bytes of the key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// `X(IK)` of §3.2: the same key, to agree with.
    pub(super) fn agreement(&self) -> AgreementKey {
        AgreementKey::from_bytes(self.0.to_montgomery().to_bytes())
    }

    /// Whether `signature` covers exactly the 32 bytes of `prekey`.
    pub fn verify_prekey(
        &self,
        prekey: &AgreementKey,
        signature: &[u8; 64],
    ) -> Result<(), Refusal> {
        self.verify(prekey.as_bytes(), signature)
    }

    /// Strictly: no second spelling of a signature, no point of small order (RFC 8032 §5.1.7).
    pub(super) fn verify(&self, statement: &[u8], signature: &[u8; 64]) -> Result<(), Refusal> {
        self.0
            .verify_strict(statement, &Signature::from_bytes(signature))
            .map_err(|_| Refusal::Signature)
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(…)")
    }
}
