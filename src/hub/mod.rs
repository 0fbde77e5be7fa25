//! Floor 3: who is connected.
//!
//! A session registers its [`Outbox`] under its user and holds the [`Registration`]; dropping that
//! takes it out again. One session per user: the one with the highest connection number stays,
//! whatever the order in which two of them arrive here, and the other is told that it was replaced.
//! The hub doesn't know what it carries.

mod outbox;
mod registry;

pub use outbox::{Farewell, Offer, Outbox, OutboxLimits, Weigh};
pub use registry::{Hub, Registration};
