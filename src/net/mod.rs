//! Floor 3: sockets that accept, and who is at the other end of them.
//!
//! `listener` binds and accepts and never gives up, `stream` is one connection, `capacity` counts
//! how many there may be, `forwarded` says whose address a trusted proxy speaks for, `tls` encrypts,
//! `scrutiny` looks at the TLS of others, `secured` speaks it with whom `authorities` vouch for, `validity` reads when a certificate ends.

mod authorities;
mod capacity;
mod forwarded;
mod listener;
mod scrutiny;
mod secured;
mod stream;
mod tls;
mod validity;

pub use authorities::TrustError;
pub use capacity::{Capacity, Permit};
pub use forwarded::{InvalidNetwork, TrustedProxies};
pub use listener::{BindError, Listener};
pub use scrutiny::{Scrutiny, Verdict};
pub use secured::Secured;
pub use stream::{Process, Remote, Stream};
pub use tls::{Tls, TlsError};
pub use validity::certificate_ends;
