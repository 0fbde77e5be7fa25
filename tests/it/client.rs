//! The client: the SDK against the real daemon.

mod accounts;
mod conversations;
mod restored;
pub(crate) mod rig;
