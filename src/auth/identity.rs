//! Ed25519 identity keys, and the three things that they sign.

use std::fmt;

use ed25519_dalek::{Signature, VerifyingKey};

use super::statement::{self, KeysDigest};
use super::{AgreementKey, Handle, Nonce};

/// An account's public key: canonical, on the curve, not of small order (E2EE.md §3.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IdentityKey(VerifyingKey);

/// Why a public key is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are no point of the curve.
    #[error("expected a point of the curve, found bytes that encode none")]
    OffCurve,
    /// The bytes are a second spelling of a point.
    #[error("expected the canonical encoding of a point, found another one")]
    NotCanonical,
    /// The point is of small order: whatever is made with it protects nothing.
    #[error("expected a point of large order, found one of small order")]
    SmallOrder,
}

/// A signature that its key did not make over what it is presented with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a signature by the identity key over exactly this text")]
pub struct InvalidSignature;

impl IdentityKey {
    /// Takes a key in after every check of E2EE.md §3.3.
    pub fn parse(bytes: [u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::OffCurve)?;
        if key.to_edwards().compress().to_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        if key.is_weak() {
            return Err(KeyError::SmallOrder);
        }
        Ok(Self(key))
    }

    /// The 32 bytes of the key.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether `signature` covers exactly the 32 bytes of the signed prekey.
    pub fn verify_prekey(
        &self,
        signed_prekey: &AgreementKey,
        signature: &[u8; 64],
    ) -> Result<(), InvalidSignature> {
        self.verify(signed_prekey.as_bytes(), signature)
    }

    /// Whether `signature` asks for a token, at this origin, with this nonce (PROTOCOL.md §3).
    pub fn verify_login(
        &self,
        origin: &str,
        handle: &Handle,
        nonce: &Nonce,
        signature: &[u8; 64],
    ) -> Result<(), InvalidSignature> {
        let text = statement::login(origin, handle, nonce);
        self.verify(text.as_bytes(), signature)
    }

    /// Whether `signature` asks for an account with these prekeys (PROTOCOL.md §4).
    pub fn verify_registration(
        &self,
        origin: &str,
        handle: &Handle,
        nonce: &Nonce,
        keys: &KeysDigest,
        signature: &[u8; 64],
    ) -> Result<(), InvalidSignature> {
        let text = statement::registration(origin, handle, nonce, keys);
        self.verify(text.as_bytes(), signature)
    }

    /// Strictly: no second spelling of a signature, no point of small order (RFC 8032 §5.1.7).
    fn verify(&self, text: &[u8], signature: &[u8; 64]) -> Result<(), InvalidSignature> {
        self.0
            .verify_strict(text, &Signature::from_bytes(signature))
            .map_err(|_| InvalidSignature)
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};
    use proptest::prelude::*;
    use x25519_dalek::{PublicKey, StaticSecret};

    use super::*;
    use crate::auth::vectors::{hex, hex_array, vectors};

    const ORIGIN: &str = "https://chat.example";

    fn handle() -> Handle {
        Handle::parse(&"ab".repeat(32)).unwrap()
    }

    #[test]
    fn the_sixteen_bad_identity_keys_are_refused() {
        let refused = vectors().identity_refused;
        assert_eq!(refused.len(), 16);
        for vector in refused {
            let parsed = <[u8; 32]>::try_from(hex(&vector.key)).map(IdentityKey::parse);
            assert!(!matches!(parsed, Ok(Ok(_))), "{}", vector.why);
        }
    }

    #[test]
    fn each_refusal_names_its_reason() {
        let parse = |text: &str| IdentityKey::parse(hex_array(text));
        let (p, y_2) = (format!("ed{}7f", "ff".repeat(30)), "02".to_owned());
        assert_eq!(parse(&p), Err(KeyError::NotCanonical));
        assert_eq!(parse(&(y_2 + &"00".repeat(31))), Err(KeyError::OffCurve));
        assert_eq!(parse(&"00".repeat(32)), Err(KeyError::SmallOrder));
        // x = 0 with the sign bit set: dalek decompresses it to the neutral element.
        let negative_zero = format!("01{}80", "00".repeat(30));
        assert_eq!(parse(&negative_zero), Err(KeyError::NotCanonical));
    }

    #[test]
    fn good_identity_keys_are_taken() {
        for account in vectors().convert {
            let bytes = hex_array(&account.ed_public);
            assert_eq!(IdentityKey::parse(bytes).unwrap().as_bytes(), &bytes);
        }
    }

    #[test]
    fn the_published_login_signature_verifies_at_its_origin_only() {
        let vectors = vectors();
        let (key, login) = (&vectors.convert[0], &vectors.auth);
        let identity = IdentityKey::parse(hex_array(&key.ed_public)).unwrap();
        let handle = Handle::parse(&login.phone_hash.to_uppercase()).unwrap();
        let nonce = Nonce::from_bytes(hex_array(&login.nonce));
        let signature = hex_array(&login.signature);
        let verify = |origin: &str| identity.verify_login(origin, &handle, &nonce, &signature);
        assert_eq!(verify(&login.origin), Ok(()));
        assert_eq!(verify("https://chat.examplf"), Err(InvalidSignature));
    }

    #[test]
    fn the_published_prekey_signature_verifies() {
        let contact = &vectors().x3dh[0];
        let signer = SigningKey::from_bytes(&hex_array(&contact.bob_seed));
        let identity = IdentityKey::parse(signer.verifying_key().to_bytes()).unwrap();
        let private = StaticSecret::from(hex_array::<32>(&contact.spk_private));
        let prekey = AgreementKey::parse(PublicKey::from(&private).to_bytes()).unwrap();
        let mut signature: [u8; 64] = hex_array(&contact.spk_signature);
        assert_eq!(identity.verify_prekey(&prekey, &signature), Ok(()));
        signature[0] ^= 1;
        assert_eq!(
            identity.verify_prekey(&prekey, &signature),
            Err(InvalidSignature)
        );
    }

    #[test]
    fn a_login_signature_is_no_registration_and_the_reverse() {
        let signer = SigningKey::from_bytes(&[7; 32]);
        let identity = IdentityKey::parse(signer.verifying_key().to_bytes()).unwrap();
        let nonce = Nonce::from_bytes([5; 32]);
        let keys = KeysDigest::new(&AgreementKey::parse([9; 32]).unwrap(), []);
        let login = signer.sign(statement::login(ORIGIN, &handle(), &nonce).as_bytes());
        let registration =
            signer.sign(statement::registration(ORIGIN, &handle(), &nonce, &keys).as_bytes());
        let as_login =
            |s: &Signature| identity.verify_login(ORIGIN, &handle(), &nonce, &s.to_bytes());
        let as_registration = |s: &Signature| {
            identity.verify_registration(ORIGIN, &handle(), &nonce, &keys, &s.to_bytes())
        };
        assert_eq!(as_login(&login), Ok(()));
        assert_eq!(as_registration(&registration), Ok(()));
        assert_eq!(as_login(&registration), Err(InvalidSignature));
        assert_eq!(as_registration(&login), Err(InvalidSignature));
    }

    #[test]
    fn a_registration_signature_covers_the_keys() {
        let signer = SigningKey::from_bytes(&[7; 32]);
        let identity = IdentityKey::parse(signer.verifying_key().to_bytes()).unwrap();
        let nonce = Nonce::from_bytes([5; 32]);
        let prekey = AgreementKey::parse([9; 32]).unwrap();
        let (covered, other) = (
            KeysDigest::new(&prekey, []),
            KeysDigest::new(&prekey, [(1, &prekey)]),
        );
        let signature = signer
            .sign(statement::registration(ORIGIN, &handle(), &nonce, &covered).as_bytes())
            .to_bytes();
        let verify =
            |keys| identity.verify_registration(ORIGIN, &handle(), &nonce, keys, &signature);
        assert_eq!(verify(&covered), Ok(()));
        assert_eq!(verify(&other), Err(InvalidSignature));
    }

    proptest! {
        #[test]
        fn any_bytes_parse_to_themselves_or_are_refused(bytes: [u8; 32]) {
            if let Ok(key) = IdentityKey::parse(bytes) {
                prop_assert_eq!(key.as_bytes(), &bytes);
            }
        }

        #[test]
        fn any_signature_bytes_are_judged_without_a_panic(signature: [u8; 64]) {
            let identity = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
            let nonce = Nonce::from_bytes([5; 32]);
            let verdict = IdentityKey::parse(identity)
                .unwrap()
                .verify_login(ORIGIN, &handle(), &nonce, &signature);
            prop_assert_eq!(verdict, Err(InvalidSignature));
        }
    }
}
