//! Why the relay can't start.

use std::io;
use std::net::SocketAddr;

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
    /// A socket can't be had.
    #[error("cannot listen on {address} (UDP): {source}")]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}
