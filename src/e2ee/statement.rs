//! The labelled texts that an identity key signs (E2EE.md §3.4).
//!
//! An origin and a handle can hold no line break, so the lines can't run into each other; and what
//! the server chooses (the nonce) stands behind a label, in base64, so that it can't be a prekey.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{OneTimePrekey, Refusal, SignedPrekey};
use crate::base::Private;

/// What a client connects to: scheme and host, lower case, no trailing slash, the port only if it
/// is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The origin of an address without a path, such as `https://chat.example`.
    pub fn parse(address: &str) -> Result<Self, Refusal> {
        const EXPECTED: Refusal = Refusal::Malformed("an origin such as https://chat.example");
        let address = address.to_ascii_lowercase();
        let address = address.strip_suffix('/').unwrap_or(&address);
        let (scheme, place) = address.split_once("://").ok_or(EXPECTED)?;
        let own_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return Err(EXPECTED),
        };
        let place = place.strip_suffix(own_port).unwrap_or(place);
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        if place.is_empty() || !place.bytes().all(is_host) {
            return Err(EXPECTED);
        }
        Ok(Self(format!("{scheme}://{place}")))
    }

    /// The text, as it is signed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A `phone_hash`: 64 hexadecimal characters in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle(Private<String>);

impl Handle {
    /// Takes 64 hexadecimal characters, of either case.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(Private(text.to_ascii_lowercase())))
        } else {
            Err(Refusal::Malformed("64 hexadecimal characters"))
        }
    }

    /// The 64 characters, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is signed for a token.
pub(super) fn login(origin: &Origin, handle: &Handle, nonce: &[u8; 32]) -> String {
    let nonce = STANDARD.encode(nonce);
    format!("PrivComm_Auth_v1\n{origin}\n{}\n{nonce}", handle.as_str())
}

/// What is signed for an account: also every prekey that comes with it, in order.
pub(super) fn registration<'a>(
    origin: &Origin,
    handle: &Handle,
    nonce: &[u8; 32],
    signed: &SignedPrekey,
    one_time: impl IntoIterator<Item = &'a OneTimePrekey>,
) -> String {
    let mut keys = Sha256::new_with_prefix(signed.public().as_bytes());
    for prekey in one_time {
        keys.update(prekey.id().number().to_be_bytes());
        keys.update(prekey.public().as_bytes());
    }
    let (nonce, keys) = (STANDARD.encode(nonce), STANDARD.encode(keys.finalize()));
    format!(
        "PrivComm_Register_v1\n{origin}\n{}\n{nonce}\n{keys}",
        handle.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_one_spelling() {
        let origin = |text: &str| Origin::parse(text).map(|origin| origin.to_string());
        for same in [
            "https://chat.example",
            "HTTPS://Chat.Example/",
            "https://chat.example:443",
        ] {
            assert_eq!(origin(same).unwrap(), "https://chat.example");
        }
        assert_eq!(origin("http://[::1]:8080").unwrap(), "http://[::1]:8080");
        for other in [
            "chat.example",
            "ftp://a",
            "https://",
            "https://a/b",
            "https://a\nb",
            "",
        ] {
            assert!(origin(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_handle_is_64_hexadecimal_characters_and_does_not_print() {
        let handle = Handle::parse(&"AB".repeat(32)).unwrap();
        assert_eq!(handle.as_str(), "ab".repeat(32));
        assert_eq!(format!("{handle:?}"), "Handle(‹private›)");
        assert!(Handle::parse(&"a".repeat(63)).is_err());
        assert!(Handle::parse(&"g".repeat(64)).is_err());
    }
}
