//! The client: the SDK against the real daemon.

mod accounts;
mod calls;
mod conversations;
mod restored;
pub(crate) mod rig;
