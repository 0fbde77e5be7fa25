//! The client: the SDK against the real daemon.

mod accounts;
mod conversations;
pub(crate) mod rig;
