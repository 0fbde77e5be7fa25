//! Floor 5: the WebSocket door. One actor for each connection.
//!
//! `http` hands over a connection that has switched protocols; the actor authenticates it, opens a
//! [`Session`](crate::messenger::Session) and carries frames in and events out until either side
//! has enough. What a frame means is its dialect's affair, what it does the messenger's.

mod actor;
mod dialect;
mod door;
mod figures;
mod transport;
mod visit;

pub use dialect::Dialect;
pub use door::{Credential, Door, Opening, Pace};
pub use figures::Figures;
pub use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
pub use visit::{Held, HoldError, hold};
