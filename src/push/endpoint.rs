//! Where a device is woken: an https URL that its push service made (RFC 8030 §5).

use std::fmt;
use std::net::IpAddr;

use http::Uri;

/// Characters of an endpoint, at most. Those in use have some 200, the longest under 1,000.
pub const LONGEST_ENDPOINT: usize = 2048;

/// Where a device is woken. Whoever has it can wake the device, so it doesn't print.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    uri: Uri,
    host: String,
    port: u16,
}

/// Why a text isn't an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEndpoint {
    /// It isn't `https://host[:port]/path`.
    #[error("expected an https URL with a path, without user, password and fragment")]
    Form,
    /// It has more characters than anybody needs.
    #[error("expected at most {LONGEST_ENDPOINT} characters")]
    Long,
    /// The operator doesn't allow its host.
    #[error("this server sends nothing to that push service")]
    Host,
    /// It names an address that isn't outside.
    #[error("expected a public address")]
    Inside,
}

impl Endpoint {
    /// Reads an endpoint. Whether it may be asked is another question ([`super::Reach`]).
    pub fn parse(text: &str) -> Result<Self, InvalidEndpoint> {
        if text.len() > LONGEST_ENDPOINT {
            return Err(InvalidEndpoint::Long);
        }
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plain || text.contains(['#', '\\']) {
            return Err(InvalidEndpoint::Form);
        }
        Self::read(text).ok_or(InvalidEndpoint::Form)
    }

    fn read(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let authority = uri.authority()?;
        let has_user = authority.as_str().contains('@');
        if uri.scheme_str() != Some("https") || has_user || !uri.path().starts_with('/') {
            return None;
        }
        let host = authority.host().to_ascii_lowercase();
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" => 443,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        let bare = host.trim_matches(['[', ']']);
        let is_name = |text: &str| {
            let is_label = |label: &str| {
                let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
                (1..64).contains(&label.len()) && label.bytes().all(fits)
            };
            text.len() < 254 && text.split('.').all(is_label)
        };
        if port == 0 || !(is_name(bare) || bare.parse::<IpAddr>().is_ok()) {
            return None;
        }
        Some(Self {
            host: bare.to_owned(),
            port,
            uri,
        })
    }

    /// The host, in lower case and without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The address that stands in place of a host, if one does.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as they stand in the `Host` header.
    pub(super) fn authority(&self) -> String {
        let host = match self.address() {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        };
        match self.port {
            443 => host,
            port => format!("{host}:{port}"),
        }
    }

    /// The origin (RFC 6454): whom a signature is for.
    pub(super) fn origin(&self) -> String {
        format!("https://{}", self.authority())
    }

    /// Path and query.
    pub(super) fn path(&self) -> &str {
        self.uri.path_and_query().map_or("/", |path| path.as_str())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_endpoint_is_read_with_its_origin() {
        for (text, host, origin, path) in [
            (
                "https://fcm.googleapis.com/fcm/send/a:b?c=d",
                "fcm.googleapis.com",
                "https://fcm.googleapis.com",
                "/fcm/send/a:b?c=d",
            ),
            (
                "https://Push.Example:443/x",
                "push.example",
                "https://push.example",
                "/x",
            ),
            (
                "https://push.example:8443/",
                "push.example",
                "https://push.example:8443",
                "/",
            ),
            (
                "https://[2001:DB8::1]/x",
                "2001:db8::1",
                "https://[2001:db8::1]",
                "/x",
            ),
            (
                "https://192.0.2.1/x",
                "192.0.2.1",
                "https://192.0.2.1",
                "/x",
            ),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            let read = (endpoint.host(), endpoint.origin(), endpoint.path());
            assert_eq!(read, (host, origin.to_owned(), path), "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in [
            "",
            "push.example/x",
            "http://push.example/x",
            "ftp://push.example/x",
            "https:///x",
            "https://user@push.example/x",
            "https://user:password@push.example/x",
            "https://push.example/x#y",
            "https://push.example:0/x",
            "https://push.example:65536/x",
            "https://push.example:/x",
            "https://push..example/x",
            "https://push.example/x y",
            "https://push.example\\@evil.example/x",
            "https://püsh.example/x",
            "https://push.example/\r\nHost: x",
        ] {
            assert_eq!(Endpoint::parse(text), Err(InvalidEndpoint::Form), "{text}");
        }
    }

    #[test]
    fn an_endpoint_has_so_many_characters_and_no_more() {
        let of = |length: usize| format!("https://push.example/{}", "a".repeat(length - 21));
        assert!(Endpoint::parse(&of(LONGEST_ENDPOINT)).is_ok());
        assert_eq!(
            Endpoint::parse(&of(LONGEST_ENDPOINT + 1)),
            Err(InvalidEndpoint::Long)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_survived(text in "\\PC{0,80}") {
            let _ = Endpoint::parse(&text);
        }

        #[test]
        fn what_is_read_leads_where_it_says(text in "https://[a-z@:\\[\\].0-9]{1,20}/[a-z@:#?]{0,9}") {
            if let Ok(endpoint) = Endpoint::parse(&text) {
                let again = format!("{}{}", endpoint.origin(), endpoint.path());
                let again = Endpoint::parse(&again).unwrap();
                prop_assert_eq!(again.host(), endpoint.host());
                prop_assert_eq!(again.port(), endpoint.port());
                prop_assert!(!endpoint.host().contains(['@', '/', '#', '?']));
            }
        }
    }
}
