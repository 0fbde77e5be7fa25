//! The labelled texts that an identity key signs (E2EE.md §3.4).
//!
//! Each begins with its label and ends where its fields end, so that no signature can be passed
//! off as another. A handle is hexadecimal and a nonce base64; an origin is the daemon's own and
//! holds no line break; so the lines can't run into each other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::{AgreementKey, Handle, Nonce};

/// SHA-256 over the prekeys of a registration, which its signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeysDigest([u8; 32]);

impl KeysDigest {
    /// The digest of the signed prekey, then of each one-time prekey in order: its number in four
    /// bytes, big-endian, and its key (PROTOCOL.md §4).
    pub fn new<'a>(
        signed_prekey: &AgreementKey,
        one_time_prekeys: impl IntoIterator<Item = (u32, &'a AgreementKey)>,
    ) -> Self {
        let mut digest = Sha256::new_with_prefix(signed_prekey.as_bytes());
        for (key_id, key) in one_time_prekeys {
            digest.update(key_id.to_be_bytes());
            digest.update(key.as_bytes());
        }
        Self(digest.finalize().into())
    }
}

/// What is signed for a token.
pub(super) fn login(origin: &str, handle: &Handle, nonce: &Nonce) -> String {
    format!(
        "PrivComm_Auth_v1\n{origin}\n{}\n{}",
        handle.as_str(),
        STANDARD.encode(nonce.as_bytes())
    )
}

/// What is signed for an account.
pub(super) fn registration(
    origin: &str,
    handle: &Handle,
    nonce: &Nonce,
    keys: &KeysDigest,
) -> String {
    format!(
        "PrivComm_Register_v1\n{origin}\n{}\n{}\n{}",
        handle.as_str(),
        STANDARD.encode(nonce.as_bytes()),
        STANDARD.encode(keys.0)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::vectors::{hex, hex_array, vectors};

    #[test]
    fn the_login_text_is_the_published_one() {
        let vector = vectors().auth;
        let text = login(
            &vector.origin,
            &Handle::parse(&vector.phone_hash).unwrap(),
            &Nonce::from_bytes(hex_array(&vector.nonce)),
        );
        assert_eq!(text.as_bytes(), hex(&vector.message));
    }

    #[test]
    fn the_digest_covers_every_key_its_number_and_the_order() {
        let key = |fill: u8| AgreementKey::parse([fill; 32]).unwrap();
        let (signed, one, two) = (key(9), key(3), key(4));
        let mut bytes = signed.as_bytes().to_vec();
        bytes.extend([0, 0, 0, 1]);
        bytes.extend(one.as_bytes());
        bytes.extend([0, 0, 1, 0]);
        bytes.extend(two.as_bytes());
        let digest = KeysDigest::new(&signed, [(1, &one), (256, &two)]);
        assert_eq!(digest.0.as_slice(), Sha256::digest(&bytes).as_slice());
        assert_ne!(digest, KeysDigest::new(&signed, [(256, &two), (1, &one)]));
        assert_ne!(digest, KeysDigest::new(&signed, [(1, &one), (257, &two)]));
        assert_ne!(digest, KeysDigest::new(&signed, [(1, &one)]));
    }
}
