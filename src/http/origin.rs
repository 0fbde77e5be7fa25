//! Origins of pages (RFC 6454): which of them may open a WebSocket here.
//!
//! A browser lets any page open a WebSocket anywhere and says only whose page it is, so that is
//! asked. Programs that aren't browsers send no `Origin`, and are believed on their token alone.

use std::collections::HashSet;

use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue, Uri};

use super::refusal::Refusal;
use crate::config::ListenAddress;

/// Scheme, host and port in their one spelling: lower case, without the scheme's own port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin(String);

impl Origin {
    /// Reads `scheme://host[:port]`, with or without a slash at its end.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.strip_suffix('/').unwrap_or(text).parse().ok()?;
        let parts = uri.clone().into_parts();
        let (scheme, authority) = (parts.scheme?, parts.authority?);
        let standard = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !is_bare || authority.as_str().contains('@') || text.contains('#') {
            return None;
        }
        let host = authority.host().to_ascii_lowercase();
        Some(Self(match authority.port_u16() {
            Some(port) if port != standard => format!("{scheme}://{host}:{port}"),
            _ => format!("{scheme}://{host}"),
        }))
    }

    /// As a browser writes it in a header.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

/// The origins whose pages may open a WebSocket.
#[derive(Debug, Default)]
pub(super) struct Origins(HashSet<Origin>);

impl Origins {
    /// `known` ones and the daemon's own on loopback, at the ports where it really listens.
    pub(super) fn new(
        known: impl IntoIterator<Item = Origin>,
        listening: &[ListenAddress],
    ) -> Self {
        let ports = listening.iter().filter_map(|address| match address {
            ListenAddress::Tcp(address) => Some(address.port()),
            ListenAddress::Unix(_) => None,
        });
        let own = ports.flat_map(|port| {
            ["localhost", "127.0.0.1", "[::1]"]
                .into_iter()
                .filter_map(move |host| Origin::parse(&format!("http://{host}:{port}")))
        });
        Self(known.into_iter().chain(own).collect())
    }

    /// Whether a request with these headers may open a WebSocket.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(ORIGIN).iter();
        let Some(value) = values.next() else {
            return Ok(());
        };
        let origin = value.to_str().ok().and_then(Origin::parse);
        let is_known = origin.is_some_and(|origin| self.0.contains(&origin));
        if is_known && values.next().is_none() {
            Ok(())
        } else {
            Err(Refusal::ForeignOrigin)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn origins() -> Origins {
        let known = ["https://Chat.example.org/", "https://app.example.net:8443"];
        Origins::new(
            known.iter().map(|text| Origin::parse(text).unwrap()),
            &[ListenAddress::Tcp(([127, 0, 0, 1], 8123).into())],
        )
    }

    fn admits(origin: &str) -> bool {
        let value = HeaderValue::from_str(origin).unwrap();
        origins()
            .admit(&HeaderMap::from_iter([(ORIGIN, value)]))
            .is_ok()
    }

    #[test]
    fn an_origin_has_one_spelling() {
        let origin = |text| Origin::parse(text).map(|origin| origin.0);
        let plain = Some("https://a.example".to_owned());
        for text in [
            "https://A.example",
            "https://a.example:443",
            "HTTPS://a.example/",
        ] {
            assert_eq!(origin(text), plain, "{text}");
        }
        assert_eq!(origin("http://[::1]:80").as_deref(), Some("http://[::1]"));
        for text in [
            "null",
            "",
            "a.example",
            "ftp://a",
            "https://a/b",
            "https://u@a",
            "https://a?b",
        ] {
            assert_eq!(origin(text), None, "{text}");
        }
    }

    #[test]
    fn our_pages_and_configured_ones_may_connect() {
        for origin in [
            "https://chat.example.org",
            "https://app.example.net:8443",
            "http://localhost:8123",
            "http://127.0.0.1:8123",
            "http://[::1]:8123",
        ] {
            assert!(admits(origin), "{origin}");
        }
        assert!(origins().admit(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn other_pages_may_not() {
        for origin in [
            "null",
            "https://chat.example.org.evil.example",
            "http://chat.example.org",
            "https://app.example.net",
            "http://localhost:8124",
            "https://localhost:8123",
        ] {
            assert!(!admits(origin), "{origin}");
        }
    }

    proptest! {
        #[test]
        fn any_origin_is_survived_and_reading_it_again_changes_nothing(text in "\\PC{0,60}") {
            if let Some(origin) = Origin::parse(&text) {
                prop_assert_eq!(Origin::parse(&origin.0), Some(origin.clone()));
            }
        }
    }
}
