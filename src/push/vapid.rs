//! Who asks: a signature over the service's origin and a time (RFC 8292), with the key that browsers
//! were given when they subscribed.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

use crate::base::{Secret, Timestamp};

/// Bytes of a key pair as it is kept.
const KEPT: usize = 138;
/// How long a signature is good for; services take at most a day (RFC 8292 §2).
const LIFETIME: Duration = Duration::from_hours(12);
/// `{"typ":"JWT","alg":"ES256"}`
const HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9";

/// A P-256 key pair.
pub struct VapidKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

/// Bytes that are no key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a P-256 key pair in PKCS #8")]
pub struct InvalidVapidKey;

impl VapidKey {
    /// A new key pair, to be kept. None: the system has no randomness.
    pub fn draw() -> Option<Secret<KEPT>> {
        let random = SystemRandom::new();
        let drawn = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).ok()?;
        let bytes = <[u8; KEPT]>::try_from(drawn.as_ref()).ok()?;
        Some(Secret::new(bytes))
    }

    /// Reads what [`VapidKey::draw`] made.
    pub fn read(kept: &Secret<KEPT>) -> Result<Self, InvalidVapidKey> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, kept.expose(), &random);
        Ok(Self {
            pair: pair.map_err(|_| InvalidVapidKey)?,
            random,
        })
    }

    /// The public key: an uncompressed point, 65 bytes.
    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The value of `Authorization` for a service at the origin `audience`. None: the system has no
    /// randomness.
    pub(super) fn authorization(
        &self,
        audience: &str,
        subject: Option<&str>,
        now: Timestamp,
    ) -> Option<String> {
        let expires = now.saturating_add(LIFETIME).as_secs();
        let mut claims = serde_json::json!({ "aud": audience, "exp": expires });
        if let Some(subject) = subject {
            claims["sub"] = subject.into();
        }
        let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
        let signed = format!("{HEADER}.{claims}");
        let signature = self.pair.sign(&self.random, signed.as_bytes()).ok()?;
        let signature = URL_SAFE_NO_PAD.encode(signature.as_ref());
        let key = URL_SAFE_NO_PAD.encode(self.public());
        Some(format!("vapid t={signed}.{signature}, k={key}"))
    }
}

impl fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VapidKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_each_is_another() {
        let kept = VapidKey::draw().unwrap();
        let (one, again) = (
            VapidKey::read(&kept).unwrap(),
            VapidKey::read(&kept).unwrap(),
        );
        assert_eq!(one.public(), again.public());
        assert_eq!((one.public().len(), one.public()[0]), (65, 4));
        let other = VapidKey::read(&VapidKey::draw().unwrap()).unwrap();
        assert_ne!(one.public(), other.public());
        assert!(VapidKey::read(&Secret::new([7; KEPT])).is_err());
    }

    #[test]
    fn the_header_says_what_it_is() {
        let decoded = URL_SAFE_NO_PAD.decode(HEADER).unwrap();
        assert_eq!(decoded, br#"{"typ":"JWT","alg":"ES256"}"#);
    }
}
