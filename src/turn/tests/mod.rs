//! The relay over real sockets: one test per rule, named for it.

mod allocation;
mod authentication;
mod expiry;
mod families;
mod garbage;
mod handle;
mod media;
mod open;
mod opponent;
mod permission;
mod policy;
pub(super) mod ranges;
mod report;
mod rig;
mod rounds;
mod soak;
mod stranger;
mod stream;
mod tls;
mod trial;
mod wire;
