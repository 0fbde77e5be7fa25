//! Floor 3: who is connected.
//!
//! A session registers its [`Outbox`] under its user and holds the [`Registration`]; dropping that
//! takes it out again. One session per user: the one with the highest connection number stays,
//! whatever the order in which two of them arrive here, and the other is told that it was replaced.
//! The hub doesn't know what it carries.
//!
//! Who may see that somebody is connected is decided by [`Presence`], a machine of its own.

mod outbox;
mod presence;
mod registry;

pub use outbox::{Farewell, Offer, Outbox, OutboxLimits, Weigh};
pub use presence::{Notice, Pace, Presence, Sighting};
pub use registry::{Hub, Registration};
