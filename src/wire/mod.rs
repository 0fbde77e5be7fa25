//! Floor 1: every byte that clients and the daemon exchange, and nothing that acts on it.
//!
//! `json` reads strict JSON, `binary` strict base64, `code` is the catalogue of errors, `frame`
//! what a WebSocket client may say, `reply` what the daemon says there, `body` the bodies of the
//! REST API. What each means stands in the protocol description (`docs/design.md`).

pub mod binary;
pub mod body;
pub mod code;
pub mod frame;
pub mod json;
pub mod reply;

pub use code::{Code, Problem};
pub use json::JsonError;
