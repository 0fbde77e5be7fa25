//! Floor 0: what every room may use, and what knows nothing of messaging.
//!
//! Ids are newtypes over version 4 UUIDs, time is a value that somebody passes in, secrets can't be
//! printed, and everything that strangers can fill is bounded. `trouble` is the catalogue of codes that operators meet.

pub mod bounded;
pub mod clock;
pub mod counter;
pub mod histogram;
pub mod ids;
pub mod network;
pub mod private;
pub mod random;
pub mod secret;
pub mod task;
pub mod trouble;

pub use bounded::BoundedMap;
pub use clock::{Clock, Timestamp};
pub use counter::Counter;
pub use histogram::{Distribution, Histogram};
pub use ids::{CallId, ConnectionId, MessageId, UserId};
pub use network::Network;
pub use private::Private;
pub use secret::Secret;
pub use trouble::Trouble;
