//! Handles, by which people are found, and the tags by which the database knows them.

use std::fmt;

use hmac::Mac as _;

use super::Pepper;
use crate::base::Private;

/// A `phone_hash`: 64 hexadecimal characters in lower case (PROTOCOL.md §2). Never stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Handle(Private<Box<str>>);

/// A text that is no handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal characters")]
pub struct InvalidHandle;

impl Handle {
    /// Takes 64 hexadecimal characters, of either case, and folds them to lower case.
    pub fn parse(text: &str) -> Result<Self, InvalidHandle> {
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(Private(text.to_ascii_lowercase().into())))
        } else {
            Err(InvalidHandle)
        }
    }

    /// The handle of these 32 bytes.
    pub(super) fn of_hash(hash: &[u8; 32]) -> Self {
        let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let text: String = digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect();
        Self(Private(text.into()))
    }

    /// The 64 characters, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is stored in its place.
    pub fn tag(&self, pepper: &Pepper) -> HandleTag {
        let mac = pepper.mac(&[self.as_str().as_bytes()]);
        HandleTag(mac.finalize().into_bytes().into())
    }
}

/// HMAC-SHA-256 of a handle's text under the pepper: a stolen database can't be searched by it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandleTag([u8; 32]);

impl HandleTag {
    /// The tag as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The tag of 32 stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for HandleTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandleTag(…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::auth::vectors::hex;
    use crate::base::Secret;

    fn pepper(fill: u8) -> Pepper {
        Pepper::new(Secret::new([fill; 32]))
    }

    #[test]
    fn a_handle_is_64_hexadecimal_characters() {
        assert!(Handle::parse(&"0f".repeat(32)).is_ok());
        assert_eq!(Handle::parse(&"0".repeat(63)), Err(InvalidHandle));
        assert_eq!(Handle::parse(&"0".repeat(65)), Err(InvalidHandle));
        assert_eq!(Handle::parse(&"0g".repeat(32)), Err(InvalidHandle));
        assert_eq!(Handle::parse(&"é".repeat(32)), Err(InvalidHandle));
        assert_eq!(Handle::parse(""), Err(InvalidHandle));
    }

    #[test]
    fn case_does_not_make_another_person() {
        let (upper, lower) = ("AB".repeat(32), "ab".repeat(32));
        let handle = Handle::parse(&upper).unwrap();
        assert_eq!(handle.as_str(), lower);
        let other = Handle::parse(&lower).unwrap();
        assert_eq!(handle.tag(&pepper(1)), other.tag(&pepper(1)));
    }

    #[test]
    fn the_tag_is_the_hmac_of_the_lower_case_text() {
        let tag = Handle::parse(&"AB".repeat(32)).unwrap().tag(&pepper(1));
        assert_eq!(
            tag.as_bytes().as_slice(),
            hex("2fb4d8cc5884f87b8da5be2c04b425e3117e7366dbbfb97b80d4cbd21398220f")
        );
        assert_ne!(
            tag,
            Handle::parse(&"ab".repeat(32)).unwrap().tag(&pepper(2))
        );
    }

    #[test]
    fn neither_handle_nor_tag_prints() {
        let handle = Handle::parse(&"ab".repeat(32)).unwrap();
        let printed = format!("{handle:?} {:?}", handle.tag(&pepper(1)));
        assert_eq!(printed, "Handle(‹private›) HandleTag(…)");
    }

    proptest! {
        #[test]
        fn any_text_parses_or_is_refused(text in "\\PC{0,70}") {
            if let Ok(handle) = Handle::parse(&text) {
                prop_assert_eq!(handle.as_str(), text.to_lowercase());
            }
        }

        #[test]
        fn every_hash_is_a_handle(text in "[0-9a-fA-F]{64}") {
            prop_assert!(Handle::parse(&text).is_ok());
        }
    }
}
