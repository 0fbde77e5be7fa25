//! Floor 5: the HTTP door. Bytes in, one use case, bytes out (PROTOCOL.md §1, §4, §9, §10).
//!
//! | file | what it holds |
//! |---|---|
//! | `server` | listeners, connections, stopping |
//! | `connection`, `transport`, `pace` | one HTTP/1 connection and how long it may take over what |
//! | `guard` | what every request passes: address, id, CORS, deadline, panics, log |
//! | `routes`, `route`, `router` | the one table of routes, its rows, and how a row is found |
//! | `call`, `body`, `refusal`, `reply` | a request and its answer |
//! | `handshake`, `origin` | how a WebSocket is opened, before it is `ws`'s |
//! | `traffic` | what is counted |
//! | `exporter` | the operator's figures on an address of their own |
//! | `visitor` | somebody's web side as its visitors see it, for the operator's checks |
//! | `handlers` | three lines each: read, one use case, answer |
//! | `openapi`, `docs` | the table described, for programs and for people |
//!
//! Whatever is refused gets a problem (RFC 9457) with a request id, also what can't be read as a
//! request. A header block that doesn't come in time only ends the connection.

mod appliance;
mod body;
mod call;
mod connection;
mod docs;
mod exporter;
mod guard;
mod handlers;
mod handshake;
mod openapi;
mod origin;
mod pace;
mod refusal;
mod reply;
mod route;
mod router;
mod routes;
mod server;
mod traffic;
mod transport;
mod visitor;

pub use exporter::serve_metrics;
pub use server::{Error, Server, serve};
pub use traffic::{Figures, Latency};
pub use visitor::{Page, VisitError, Visitor};

#[cfg(test)]
mod tests;
