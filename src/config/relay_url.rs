//! Where a media relay on another machine is (RFC 7064, RFC 7065).

use std::fmt;
use std::str::FromStr;

use super::kind::{is_host, number, split_port};

/// The scheme of a relay's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayScheme {
    /// It says where a client seems to come from; no credentials.
    Stun,
    /// It relays.
    Turn,
    /// It relays, behind TLS.
    Turns,
}

/// How a relay is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayTransport {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
}

/// The address of a media relay as clients are told it, such as
/// `turn:relay.example.org:3478?transport=udp`. It prints as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayUrl {
    scheme: RelayScheme,
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    host: String,
    port: Option<u16>,
    transport: Option<RelayTransport>,
}

impl RelayUrl {
    /// What is asked of it.
    pub fn scheme(&self) -> RelayScheme {
        self.scheme
    }

    /// The machine, as it stands in the address: IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The machine, as names are looked up: IPv6 without brackets.
    pub fn bare_host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, where none is named the scheme's own (RFC 7065 §3.1).
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.scheme {
            RelayScheme::Stun | RelayScheme::Turn => 3478,
            RelayScheme::Turns => 5349,
        })
    }

    /// The transport, where none is named the scheme's own (RFC 7065 §3.1).
    pub fn transport(&self) -> RelayTransport {
        self.transport.unwrap_or(match self.scheme {
            RelayScheme::Stun | RelayScheme::Turn => RelayTransport::Udp,
            RelayScheme::Turns => RelayTransport::Tcp,
        })
    }
}

/// A text that is no address of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected stun:HOST[:PORT], turn:HOST[:PORT][?transport=udp|tcp] or turns:HOST[:PORT][?transport=tcp]"
)]
pub struct InvalidRelayUrl;

impl FromStr for RelayUrl {
    type Err = InvalidRelayUrl;

    fn from_str(text: &str) -> Result<Self, InvalidRelayUrl> {
        read(text).ok_or(InvalidRelayUrl)
    }
}

fn read(text: &str) -> Option<RelayUrl> {
    let (scheme, rest) = text.split_once(':')?;
    let scheme = match scheme {
        "stun" => RelayScheme::Stun,
        "turn" => RelayScheme::Turn,
        "turns" => RelayScheme::Turns,
        _ => return None,
    };
    let (authority, transport) = match rest.split_once("?transport=") {
        Some((authority, "udp")) => (authority, Some(RelayTransport::Udp)),
        Some((authority, "tcp")) => (authority, Some(RelayTransport::Tcp)),
        Some(_) => return None,
        None => (rest, None),
    };
    // STUN has no transport to choose (RFC 7064 §3.1), and TLS is spoken over TCP alone.
    let is_possible = match scheme {
        RelayScheme::Stun => transport.is_none(),
        RelayScheme::Turn => true,
        RelayScheme::Turns => transport != Some(RelayTransport::Udp),
    };
    let (host, port) = split_port(authority);
    let port = match port {
        Some(port) => Some(number::<u16>(port).filter(|port| *port > 0)?),
        None => None,
    };
    (is_possible && is_host(host)).then(|| RelayUrl {
        scheme,
        host: host.to_owned(),
        port,
        transport,
    })
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            RelayScheme::Stun => "stun",
            RelayScheme::Turn => "turn",
            RelayScheme::Turns => "turns",
        };
        write!(f, "{scheme}:{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        match self.transport {
            Some(RelayTransport::Udp) => f.write_str("?transport=udp"),
            Some(RelayTransport::Tcp) => f.write_str("?transport=tcp"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_prints_as_it_is_read() {
        for text in [
            "stun:relay.example.org",
            "stun:192.0.2.1:3478",
            "turn:relay.example.org?transport=udp",
            "turn:relay.example.org:3479",
            "turn:[2001:db8::1]:3478?transport=tcp",
            "turns:relay.example.org",
            "turns:relay.example.org:443?transport=tcp",
        ] {
            let url: RelayUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), text);
        }
    }

    #[test]
    fn what_is_left_out_is_the_schemes_own() {
        let parts = |text: &str| {
            let url: RelayUrl = text.parse().unwrap();
            (url.bare_host().to_owned(), url.port(), url.transport())
        };
        assert_eq!(
            parts("turn:[2001:db8::1]"),
            ("2001:db8::1".to_owned(), 3478, RelayTransport::Udp)
        );
        assert_eq!(
            parts("turns:a.example"),
            ("a.example".to_owned(), 5349, RelayTransport::Tcp)
        );
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "relay.example.org",
            "turn:",
            "turn://relay.example.org",
            "http:relay.example.org",
            "TURN:relay.example.org",
            "turn:Relay.example.org",
            "turn:relay.example.org:0",
            "turn:relay.example.org:65536",
            "turn:relay.example.org:+1",
            "turn:relay.example.org:",
            "turn:2001:db8::1",
            "turn:[2001:db8::1",
            "turn:anna@relay.example.org",
            "turn:relay.example.org?transport=tls",
            "turn:relay.example.org?transport=udp&x=1",
            "turn:relay.example.org?transport=",
            "stun:relay.example.org?transport=udp",
            "turns:relay.example.org?transport=udp",
            "turn:256.0.0.1",
        ] {
            assert_eq!(text.parse::<RelayUrl>(), Err(InvalidRelayUrl), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_or_refused(
            text in "\\PC{0,40}|(stun|turns?):[a-z0-9.:\\[\\]-]{1,20}(\\?transport=(udp|tcp))?"
        ) {
            if let Ok(url) = text.parse::<RelayUrl>() {
                prop_assert_eq!(url.to_string(), text);
            }
        }
    }
}
