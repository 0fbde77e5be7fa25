//! Floor 1: every byte that clients and the daemon exchange, and nothing that acts on it.
//!
//! `json` reads strict JSON, `binary` strict base64, `code` is the catalogue of errors, `frame`
//! what a WebSocket client may say, `reply` what the daemon says there, `mvchat` both in the other dialect, `body` the bodies of the
//! REST API, `limits` those that it tells, `query` its query strings, `request_id` the name of a request; `admin` is what the
//! operator's commands and the daemon say to each other, `people` the part of it about members;
//! `outside` proves that this machine is reached. What each means stands in the protocol description (`docs/design.md`).

pub mod admin;
pub mod binary;
pub mod body;
pub mod code;
pub mod frame;
pub mod json;
pub mod limits;
pub mod mvchat;
pub mod outside;
pub mod people;
pub mod push;
pub mod query;
pub mod reply;
pub mod request_id;

pub use code::{Code, Problem};
pub use json::JsonError;
pub use query::{Query, QueryError};
pub use request_id::RequestId;
