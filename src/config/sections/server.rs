//! `[server]`

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::config::key::section;
use crate::config::kind::{
    AbsolutePath, Count, List, Listen, Network, Optional, Origin, Several, Switch,
};

section! {
    /// Web, API and WebSocket: where they listen and whom they believe.
    [server] Server {
        /// The address that members open, such as `https://chat.example.org`. Clients sign it, so
        /// that a login made for one server is worthless at another. Empty: this machine only, at
        /// the loopback addresses listened on.
        public_url: Option<String> = None, Optional(Origin);

        /// Where to listen: "address:port", or "unix:/path" for a proxy on the same machine. Port 0
        /// lets the system choose. Loopback, because a tunnel or proxy with TLS stands in front.
        listen: Vec<ListenAddress> = vec![ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], 8000)))],
            Several(Listen);

        /// Addresses and networks whose word is taken for where a request came from
        /// (CF-Connecting-IP, else X-Forwarded-For). A peer on a Unix socket is always believed.
        /// Limits count by that address, so name only proxies that set these headers themselves.
        trusted_proxies: Vec<String> = vec!["127.0.0.0/8".into(), "::1/128".into()], List(Network), live;

        /// Origins of web pages, other than this server's own, that may call the API.
        cors_origins: Vec<String> = Vec::new(), List(Origin), live;

        /// Connections at once, of every kind. Each costs some memory and one file descriptor.
        max_connections: usize = 10_000, Count(1..=1_000_000);

        /// Connections at once from one address (an IPv6 /64 counts as one), trusted proxies
        /// excepted: behind one address may be a household, or somebody who wants all places.
        max_connections_per_address: usize = 256, Count(1..=1_000_000);

        /// The Unix socket that the operator's commands use: for root, the daemon's own user and its
        /// group. Empty: admin.sock in $RUNTIME_DIRECTORY under systemd (/run/privcomm), else in
        /// the state directory.
        admin_socket: Option<PathBuf> = None, Optional(AbsolutePath);

        /// Whether the web client is served (/). Where members get it from another origin, name that
        /// in cors_origins.
        web: bool = true, Switch;

        /// Whether the description of the API is served (/openapi.json, /docs, /redoc).
        docs: bool = true, Switch;
    }
}

/// Where the HTTP side listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP address; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A Unix socket, written `unix:/path`.
    Unix(PathBuf),
}

/// A text that is no address to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected an address and port such as 127.0.0.1:8000, or unix:/path")]
pub struct InvalidListenAddress;

impl FromStr for ListenAddress {
    type Err = InvalidListenAddress;

    fn from_str(text: &str) -> Result<Self, InvalidListenAddress> {
        let Some(path) = text.strip_prefix("unix:") else {
            return text
                .parse()
                .map(Self::Tcp)
                .map_err(|_| InvalidListenAddress);
        };
        let path = PathBuf::from(path);
        if path.is_absolute() && path.file_name().is_some() {
            Ok(Self::Unix(path))
        } else {
            Err(InvalidListenAddress)
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listen_address_prints_as_it_is_read() {
        for text in ["127.0.0.1:8000", "[::]:0", "unix:/run/x.sock"] {
            let address: ListenAddress = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn a_listen_address_names_a_port_or_an_absolute_path() {
        for text in [
            "",
            "127.0.0.1",
            "localhost:80",
            "unix:",
            "unix:/",
            "unix:x.sock",
            ":80",
        ] {
            assert_eq!(
                text.parse::<ListenAddress>(),
                Err(InvalidListenAddress),
                "{text}"
            );
        }
    }
}
