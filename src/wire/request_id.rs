//! The name of a request, in its answer and in the log.

use std::fmt::Write as _;

use http::HeaderMap;
use http::header::HeaderName;

use crate::base::random;

/// The header that carries it.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const LONGEST: usize = 64;

/// At most 64 of `[A-Za-z0-9._-]`: the client's own choice, or a random one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// The id of a request with these headers: its own where that is valid, else a random one.
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get(HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|text| is_valid(text))
            .map_or_else(Self::random, |text| Self(text.to_owned()))
    }

    /// 32 hex characters.
    pub fn random() -> Self {
        let mut text = String::with_capacity(32);
        for byte in random::draw::<16>() {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_valid(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn of(value: &[u8]) -> RequestId {
        let value = HeaderValue::from_bytes(value).unwrap();
        RequestId::of(&HeaderMap::from_iter([(HEADER, value)]))
    }

    #[test]
    fn a_clients_own_id_is_kept_up_to_64_characters() {
        assert_eq!(of(b"a.B_9-").as_str(), "a.B_9-");
        assert_eq!(of(&[b'x'; 64]).as_str(), "x".repeat(64));
        assert_ne!(of(&[b'x'; 65]).as_str(), "x".repeat(65));
        assert_ne!(of(b"").as_str(), "");
    }

    proptest! {
        #[test]
        fn an_id_is_always_valid(value in proptest::collection::vec(0x20u8..0x7f, 0..80)) {
            prop_assert!(is_valid(of(&value).as_str()));
        }
    }
}
