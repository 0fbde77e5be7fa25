//! Where a server is, and the links that invite to one.

use std::fmt;
use std::net::IpAddr;

use super::Error;
use crate::base::Private;
use crate::e2ee::Origin;

/// The address of a server: `https://chat.example`, or `http://` on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    origin: Origin,
    scheme: Scheme,
    host: String,
    port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    /// In the clear, which is for this machine only.
    Http,
    /// TLS.
    Https,
}

impl ServerUrl {
    /// Reads an address. Refused where a token would travel in the clear: `http://` is for
    /// loopback addresses.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let origin = Origin::parse(text.trim()).map_err(|_| Error::Address)?;
        let (scheme, place) = origin.as_str().split_once("://").ok_or(Error::Address)?;
        let scheme = match scheme {
            "https" => Scheme::Https,
            _ => Scheme::Http,
        };
        let (host, port) = split(place).ok_or(Error::Address)?;
        let port = match (port, scheme) {
            (Some(port), _) => port.parse().map_err(|_| Error::Address)?,
            (None, Scheme::Https) => 443,
            (None, Scheme::Http) => 80,
        };
        let host = host.to_owned();
        if scheme == Scheme::Http && !is_loopback(&host) {
            return Err(Error::InTheClear);
        }
        Ok(Self {
            origin,
            scheme,
            host,
            port,
        })
    }

    /// What is signed: E2EE.md §3.4.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// A name, or an address without brackets.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// As it stands in `Host`.
    pub(super) fn authority(&self) -> &str {
        let origin = self.origin.as_str();
        origin.split_once("://").map_or(origin, |(_, place)| place)
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.origin.fmt(f)
    }
}

fn split(place: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    Some(match place.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (place, None),
    })
    .filter(|(host, _)| !host.is_empty())
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A link that invites: where to, and the code that admits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The server.
    pub server: ServerUrl,
    /// The code, as it stands behind the `#`.
    pub code: Private<String>,
}

impl Invite {
    /// Reads a link such as `https://chat.example/i#7Q2M-9XKD-4TRW`.
    pub fn parse(link: &str) -> Result<Self, Error> {
        let (place, code) = link.trim().split_once('#').ok_or(Error::Link)?;
        let server = place.trim_end_matches('/').trim_end_matches("/i");
        if code.is_empty() {
            return Err(Error::Link);
        }
        Ok(Self {
            server: ServerUrl::parse(server)?,
            code: Private(code.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(Scheme, String, u16)> {
        let url = ServerUrl::parse(text).ok()?;
        Some((url.scheme, url.host, url.port))
    }

    #[test]
    fn an_address_has_a_scheme_a_host_and_a_port() {
        let https = |host: &str, port| Some((Scheme::Https, host.to_owned(), port));
        assert_eq!(parts("https://Chat.Example/"), https("chat.example", 443));
        assert_eq!(parts("https://a:8443"), https("a", 8443));
        assert_eq!(parts("https://[2001:db8::1]:9"), https("2001:db8::1", 9));
        let local = Some((Scheme::Http, "::1".to_owned(), 8080));
        assert_eq!(parts("http://[::1]:8080"), local);
        for other in [
            "",
            "chat.example",
            "https://a:b",
            "https://[::1",
            "https://a/b",
        ] {
            assert_eq!(parts(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_never_travels_in_the_clear() {
        for there in ["http://chat.example", "http://10.0.0.1:8080"] {
            assert!(matches!(ServerUrl::parse(there), Err(Error::InTheClear)));
        }
        for here in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]"] {
            assert!(ServerUrl::parse(here).is_ok(), "{here}");
        }
    }

    #[test]
    fn a_link_is_a_server_and_a_code() {
        let invite = Invite::parse("https://chat.example/i#7Q2M-9XKD-4TRW").unwrap();
        assert_eq!(invite.server.to_string(), "https://chat.example");
        assert_eq!(*invite.code, "7Q2M-9XKD-4TRW");
        assert!(Invite::parse("https://chat.example/i").is_err());
        assert!(Invite::parse("https://chat.example/i#").is_err());
    }
}
