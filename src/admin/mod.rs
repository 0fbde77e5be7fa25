//! Floor 5: the operator's door. HTTP/1.1 on a Unix socket, and the client that the commands have
//! of it.
//!
//! | file | what it holds |
//! |---|---|
//! | `server`, `operators` | the socket, its connections, and who may use it |
//! | `routes`, `route`, `router` | the one table of routes, its rows, and how a row is found |
//! | `call`, `refusal`, `reply` | a request and its answer |
//! | `moving` | what the daemon's own work is, as `serve` tells it |
//! | `handlers` | read, one use case, answer |
//! | `client` | the other end, for the commands: one sentence for each way of not getting through |
//!
//! The system lets nobody but the socket's owner and group connect, from the first moment that
//! anybody could: its mode is chosen between `bind` and `listen`. What is said is [`crate::wire::admin`].
//! Whatever is refused gets a problem (RFC 9457) with a code that `privcomm explain` knows.

pub mod client;

mod call;
mod handlers;
mod moving;
mod operators;
mod refusal;
mod reply;
mod route;
mod router;
mod routes;
mod server;

pub use moving::{Moving, Teller};
pub use server::{Error, Rooms, serve};
