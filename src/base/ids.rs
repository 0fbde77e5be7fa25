//! Identifiers. Each is a type of its own, so that a user can't be passed where a call is meant.
//!
//! On the wire an id is a lower-case hyphenated UUID of version 4 (PROTOCOL.md §1): nothing about
//! when a person joined can be read off one. Their `Debug` prints a placeholder, because logs must
//! not say who did what.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A text that is no identifier of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a lower-case hyphenated UUID of version 4")]
pub struct InvalidId;

/// Parses the one spelling of an id that the protocol has: lower case, hyphenated, version 4.
fn parse(text: &str) -> Result<Uuid, InvalidId> {
    if text.len() != 36 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(InvalidId);
    }
    let uuid = Uuid::try_parse(text).map_err(|_| InvalidId)?;
    let is_random = uuid.get_version_num() == 4 && uuid.get_variant() == uuid::Variant::RFC4122;
    if is_random { Ok(uuid) } else { Err(InvalidId) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, drawn from the operating system's generator.
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// The id as it is stored: 16 bytes, big-endian.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id of 16 stored bytes, which are trusted to have been an id before.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut buffer = Uuid::encode_buffer();
                serializer.serialize_str(self.0.hyphenated().encode_lower(&mut buffer))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        fmt::Display::fmt(&InvalidId, f)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    };
}

id! {
    /// An account. Drawn at registration; it says nothing about its owner.
    UserId
}
id! {
    /// A message. Usually the sender's own choice, so that a retry is recognised.
    MessageId
}
id! {
    /// A call.
    CallId
}

/// One connection of this process, never reused while it runs: tells two sockets of one user apart,
/// and which of them is newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl ConnectionId {
    /// The next connection of this process.
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = UserId::random();
        assert_eq!(id.to_string().parse::<UserId>(), Ok(id));
        assert_eq!(
            id.to_string().to_uppercase().parse::<UserId>(),
            Err(InvalidId)
        );
        assert_eq!(
            id.to_string().replace('-', "").parse::<UserId>(),
            Err(InvalidId)
        );
        assert_eq!(format!("{{{id}}}").parse::<UserId>(), Err(InvalidId));
        assert_eq!("".parse::<UserId>(), Err(InvalidId));
    }

    #[test]
    fn an_id_that_tells_time_is_refused() {
        let version_1 = "a6a0e2b2-24b8-11ee-be56-0242ac120002";
        let version_7 = "018e4a0c-6c1e-7cc3-98c4-dc0c0c07398f";
        assert_eq!(version_1.parse::<UserId>(), Err(InvalidId));
        assert_eq!(version_7.parse::<UserId>(), Err(InvalidId));
    }

    #[test]
    fn an_id_does_not_print_itself_into_a_log() {
        let id = UserId::random();
        assert_eq!(format!("{id:?}"), "UserId(…)");
    }

    #[test]
    fn an_id_is_json_text() {
        let id = CallId::random();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("\"{id}\""));
        assert_eq!(serde_json::from_str::<CallId>(&json).unwrap(), id);
    }
}
