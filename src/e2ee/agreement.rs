//! X25519 (RFC 7748): key pairs and what two of them agree on.

use std::fmt;

use x25519_dalek::{PublicKey, StaticSecret};

use super::Refusal;
use crate::base::Secret;

/// An X25519 public key. Whether it is of small order shows when it is used.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgreementKey([u8; 32]);

impl AgreementKey {
    /// The key of these 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for AgreementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgreementKey(…)")
    }
}

/// An X25519 private key with its public one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPair {
    secret: Secret<32>,
    public: AgreementKey,
}

impl KeyPair {
    /// The pair of this private key, which X25519 clamps.
    pub fn new(secret: Secret<32>) -> Self {
        let private = StaticSecret::from(*secret.expose());
        let public = AgreementKey(PublicKey::from(&private).to_bytes());
        Self { secret, public }
    }

    /// The public key.
    pub const fn public(&self) -> &AgreementKey {
        &self.public
    }

    pub(super) const fn secret(&self) -> &Secret<32> {
        &self.secret
    }

    /// `DH(private, their)` of E2EE.md §2: refused when it is all zero.
    pub(super) fn agree(&self, their: &AgreementKey) -> Result<Secret<32>, Refusal> {
        let private = StaticSecret::from(*self.secret.expose());
        let shared = private.diffie_hellman(&PublicKey::from(their.0));
        if shared.was_contributory() {
            Ok(Secret::written(|bytes| {
                bytes.copy_from_slice(shared.as_bytes());
            }))
        } else {
            Err(Refusal::SmallOrder)
        }
    }
}
