//! The server's half of a WebSocket's opening handshake (RFC 6455 §4.2).

use super::refusal::Refusal;
use super::reply::Response;
use crate::ws::{Dialect, derive_accept_key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    AsHeaderName, CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{StatusCode, Version};

/// The subprotocols that are spoken here.
const DIALECTS: [Dialect; 2] = [Dialect::PrivcommV1, Dialect::MvchatV1];

/// A handshake that was read and can be answered.
#[derive(Debug)]
pub(super) struct Handshake {
    accept: String,
    chosen: Option<Dialect>,
}

impl Handshake {
    /// Reads the client's half.
    pub(super) fn read(version: Version, headers: &HeaderMap) -> Result<Self, Refusal> {
        let is_opening = version == Version::HTTP_11
            && lists(headers, UPGRADE, "websocket")
            && lists(headers, CONNECTION, "upgrade")
            && sole(headers, SEC_WEBSOCKET_VERSION) == Some("13");
        if !is_opening {
            return Err(Refusal::NoWebSocket);
        }
        let key = sole(headers, SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
        let key = key.ok_or(Refusal::Field {
            field: "Sec-WebSocket-Key",
            problem: "expected 16 bytes in base64, once",
        })?;
        Ok(Self {
            accept: derive_accept_key(key.as_bytes()),
            chosen: choose(headers),
        })
    }

    /// The dialect that was asked for, if one that is known was.
    pub(super) fn dialect(&self) -> Option<Dialect> {
        self.chosen
    }

    /// The server's half. Without a subprotocol that is known none is named, and the client
    /// decides whether it goes on (RFC 6455 §4.1).
    pub(super) fn response(&self) -> Response {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        if let Ok(accept) = HeaderValue::from_str(&self.accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        if let Some(dialect) = self.chosen {
            let name = HeaderValue::from_static(dialect.subprotocol());
            headers.insert(SEC_WEBSOCKET_PROTOCOL, name);
        }
        response
    }
}

fn is_key(key: &str) -> bool {
    STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

/// The first of the client's choices that is known here.
fn choose(headers: &HeaderMap) -> Option<Dialect> {
    items(headers, SEC_WEBSOCKET_PROTOCOL).find_map(|offered| {
        DIALECTS
            .into_iter()
            .find(|dialect| dialect.subprotocol() == offered)
    })
}

fn lists(headers: &HeaderMap, name: impl AsHeaderName, wanted: &str) -> bool {
    items(headers, name).any(|item| item.eq_ignore_ascii_case(wanted))
}

/// The items of a comma-separated list, over all fields of that name.
fn items(headers: &HeaderMap, name: impl AsHeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
}

/// The value of a field that may stand there once only.
fn sole(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().map(str::trim),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn opening() -> HeaderMap {
        let field = |name, value| (name, HeaderValue::from_static(value));
        HeaderMap::from_iter([
            field(UPGRADE, "WebSocket"),
            field(CONNECTION, "keep-alive, Upgrade"),
            field(SEC_WEBSOCKET_VERSION, "13"),
            field(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ=="),
        ])
    }

    fn with(name: http::HeaderName, value: &str) -> Result<Handshake, Refusal> {
        let mut headers = opening();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        Handshake::read(Version::HTTP_11, &headers)
    }

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        let handshake = Handshake::read(Version::HTTP_11, &opening()).unwrap();
        let response = handshake.response();
        assert_eq!(response.status(), 101);
        assert_eq!(
            response.headers()[SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert!(!response.headers().contains_key(SEC_WEBSOCKET_PROTOCOL));
    }

    #[test]
    fn what_is_no_opening_is_told_how_to_open() {
        for (name, value) in [
            (UPGRADE, "h2c"),
            (CONNECTION, "close"),
            (SEC_WEBSOCKET_VERSION, "12"),
        ] {
            assert!(matches!(with(name, value), Err(Refusal::NoWebSocket)));
        }
        let old = Handshake::read(Version::HTTP_10, &opening());
        assert!(matches!(old, Err(Refusal::NoWebSocket)));
    }

    #[test]
    fn a_key_is_sixteen_bytes() {
        for key in ["", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZQ==", "!"] {
            let refused = with(SEC_WEBSOCKET_KEY, key);
            assert!(matches!(refused, Err(Refusal::Field { .. })), "{key}");
        }
    }

    #[test]
    fn the_first_known_subprotocol_is_chosen() {
        let named = |offer| {
            let response = with(SEC_WEBSOCKET_PROTOCOL, offer).unwrap().response();
            let chosen = response.headers().get(SEC_WEBSOCKET_PROTOCOL).cloned();
            chosen.map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(named("chat, privcomm.v1").as_deref(), Some("privcomm.v1"));
        assert_eq!(named("mvchat.v1").as_deref(), Some("mvchat.v1"));
        let both = "mvchat.v1, privcomm.v1";
        assert_eq!(named(both).as_deref(), Some("mvchat.v1"));
        assert_eq!(named("chat, PRIVCOMM.V1"), None);
    }

    proptest! {
        #[test]
        fn any_values_are_survived(values in proptest::collection::vec("[ -~]{0,40}", 5)) {
            let names =
                [UPGRADE, CONNECTION, SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL];
            let fields = names.into_iter().zip(&values);
            let headers = fields.map(|(name, value)| (name, HeaderValue::from_str(value).unwrap()));
            let _ = Handshake::read(Version::HTTP_11, &headers.collect());
        }
    }
}
