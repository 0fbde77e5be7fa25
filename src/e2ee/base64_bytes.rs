//! Byte strings of records: standard base64 with padding, read strictly, wiped when dropped.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::base::Secret;

/// `N` bytes as text in a record.
#[derive(Clone)]
pub(super) struct Bytes<const N: usize>(pub(super) Secret<N>);

impl<const N: usize> Bytes<N> {
    pub(super) fn copied(bytes: &[u8; N]) -> Self {
        Self(Secret::written(|copy| copy.copy_from_slice(bytes)))
    }

    /// Bytes that aren't secret after all.
    pub(super) const fn public(&self) -> [u8; N] {
        *self.0.expose()
    }
}

/// Standard base64, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Strict: no whitespace, no missing padding, no unused bits that are set.
pub(super) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    STANDARD.decode(text).ok().map(Zeroizing::new)
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(encode(self.0.expose())))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<const N: usize>;

        impl<const N: usize> serde::de::Visitor<'_> for Text<N> {
            type Value = Bytes<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{N} bytes in base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Bytes<N>, E> {
                let bytes = decode(text).ok_or_else(|| E::custom("expected standard base64"))?;
                let bytes: &[u8; N] = bytes
                    .as_slice()
                    .try_into()
                    .map_err(|_| E::invalid_length(bytes.len(), &self))?;
                Ok(Bytes::copied(bytes))
            }
        }

        deserializer.deserialize_str(Text::<N>)
    }
}
