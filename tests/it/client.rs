//! The client: the SDK against the real daemon.

mod conversations;
pub(crate) mod rig;
