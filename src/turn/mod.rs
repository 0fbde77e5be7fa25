//! The media relay: STUN and TURN in process (RFC 8489, RFC 8656), over UDP, in the closed mode.
//!
//! Promises: no stranger's byte reaches the protocol engine, and none of its bytes the wire;
//! nothing a stranger sends makes the relay remember anything; a packet goes from one allocation
//! of this relay to another or nowhere; it arrives whole or not at all; nothing that is logged or
//! counted says who talked to whom.
//!
//! ```text
//!   listener ── ChannelData, Send ──▶ dataplane: two look-ups, two permissions ──▶ listener
//!      │                                  ▲
//!      └── other STUN ──▶ gate ──▶ control ┴─▶ engine (the turn crate)
//! ```
//!
//! `message` is every byte of STUN; `gate` decides who may ask; `control` knows the rules for each
//! request; `ledger` keeps what was given away (`ports`, `quota`, `peers` and the data plane's
//! table); `engine` is the seam behind which the `turn` crate can be replaced.

mod allocation;
mod control;
mod dataplane;
mod engine;
mod error;
mod figures;
mod gate;
mod ledger;
mod listener;
mod message;
mod moment;
mod peers;
mod ports;
mod quota;
mod relay;
mod settings;
#[cfg(test)]
mod tests;

pub use error::TurnError;
pub use figures::{DropReason, Figures};
pub use gate::{AnswerRates, TurnSecret};
pub use message::ErrorCode;
pub use relay::Relay;
pub use settings::{ChannelNumbers, Settings};
