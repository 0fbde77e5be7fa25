//! The relay over real sockets: one test per rule, named for it.

mod allocation;
mod authentication;
mod expiry;
mod garbage;
mod handle;
mod media;
mod opponent;
mod permission;
mod rig;
mod rounds;
mod soak;
mod stranger;
mod stream;
mod tls;
mod wire;
