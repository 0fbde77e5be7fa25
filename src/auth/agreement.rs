//! X25519 public keys: signed and one-time prekeys.

use std::fmt;

use x25519_dalek::{PublicKey, StaticSecret};

use super::KeyError;

/// An X25519 public key whose shared secrets are secret (PROTOCOL.md §2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AgreementKey([u8; 32]);

impl AgreementKey {
    /// Takes a key in, unless every shared secret with it is all zero (RFC 7748 §6.1).
    ///
    /// Found out by a trial agreement rather than by a list: clamped private keys are multiples of
    /// eight, so a point of small order gives zero with one of them as with any other.
    pub fn parse(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let trial = StaticSecret::from([0x55; 32]);
        if trial
            .diffie_hellman(&PublicKey::from(bytes))
            .was_contributory()
        {
            Ok(Self(bytes))
        } else {
            Err(KeyError::SmallOrder)
        }
    }

    /// The 32 bytes, as they came.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for AgreementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgreementKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::auth::vectors::{hex_array, vectors};

    #[test]
    fn the_seven_degenerate_keys_are_refused() {
        let refused = vectors().x25519_refused;
        assert_eq!(refused.len(), 7);
        for key in refused {
            assert_eq!(
                AgreementKey::parse(hex_array(&key.public)),
                Err(KeyError::SmallOrder)
            );
        }
    }

    #[test]
    fn the_ignored_bit_does_not_smuggle_a_degenerate_key_in() {
        for key in vectors().x25519_refused {
            let mut bytes: [u8; 32] = hex_array(&key.public);
            bytes[31] |= 0x80;
            assert_eq!(AgreementKey::parse(bytes), Err(KeyError::SmallOrder));
        }
    }

    #[test]
    fn real_keys_are_taken_as_they_are() {
        for account in vectors().convert {
            let bytes = hex_array(&account.x_public);
            assert_eq!(AgreementKey::parse(bytes).unwrap().as_bytes(), &bytes);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_parse_or_are_refused(bytes: [u8; 32]) {
            if let Ok(key) = AgreementKey::parse(bytes) {
                prop_assert_eq!(key.as_bytes(), &bytes);
            }
        }
    }
}
