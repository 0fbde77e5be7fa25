//! The client: the SDK against the real daemon.

mod conversations;
mod rig;
