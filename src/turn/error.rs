//! Why the relay can't start.

use std::io;
use std::net::SocketAddr;

use rustix::io::Errno;

/// What keeps the media relay from starting.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TurnError {
    /// No address to listen on was given.
    #[error("the media relay needs at least one address to listen on, and was given none")]
    NoListener,
    /// The realm can't be sent.
    #[error("expected a realm of 1 to 127 printable ASCII characters without quotes, got {0:?}")]
    Realm(String),
    /// The range of relay ports is empty.
    #[error("expected a range of relay ports from 1 upwards, got {0}-{1}")]
    RelayPorts(u16, u16),
    /// The secret is empty, so that anybody could make credentials.
    #[error("expected a secret for TURN credentials, got an empty one")]
    Secret,
    /// A thread can't be had.
    #[error("cannot start a thread of the media relay: {0}")]
    Thread(io::Error),
    /// What watches the sockets of relayed addresses can't be had.
    #[error("cannot watch the sockets of relayed addresses: {0}")]
    Watch(io::Error),
    /// A socket that listens already can't be used.
    #[error("cannot use the socket that systemd holds: {0}")]
    Inherit(io::Error),
    /// A socket can't be had.
    #[error("cannot listen on {address} (UDP): {source}")]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A socket for connections can't be had.
    #[error("cannot listen on {address} (TCP): {source}")]
    ListenStream {
        /// The address as configured.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl TurnError {
    /// Whether the machine lacks the whole family of the address, as one without IPv6 does.
    pub(super) fn is_missing_family(&self) -> bool {
        let missing = [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL];
        match self {
            Self::Listen { source, .. } | Self::ListenStream { source, .. } => source
                .raw_os_error()
                .is_some_and(|code| missing.contains(&Errno::from_raw_os_error(code))),
            _ => false,
        }
    }

    /// Whether another socket has the address and transport.
    pub(super) fn is_in_use(&self) -> bool {
        match self {
            Self::Listen { source, .. } | Self::ListenStream { source, .. } => {
                source.kind() == io::ErrorKind::AddrInUse
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_ipv6_is_told_from_an_address_in_use() {
        let failed = |errno: Errno| TurnError::Listen {
            address: SocketAddr::from(([0; 16], 3478)),
            source: io::Error::from(errno),
        };
        assert!(failed(Errno::AFNOSUPPORT).is_missing_family());
        assert!(failed(Errno::ADDRNOTAVAIL).is_missing_family());
        assert!(!failed(Errno::ADDRINUSE).is_missing_family());
        assert!(!TurnError::NoListener.is_missing_family());
    }
}
