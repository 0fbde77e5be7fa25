//! The media relay: STUN and TURN in process (RFC 8489, RFC 8656), over
//! UDP, TCP and TLS. In the closed mode allocations of this relay reach each other; in the open
//! mode peers outside too.
//!
//! Promises: no stranger's byte reaches the protocol engine, and none of its bytes the wire;
//! nothing a stranger sends makes the relay remember anything; a packet goes from one allocation
//! of this relay to another, to or from a peer outside that the policy admits, or nowhere; it arrives whole or not at all; nothing that is logged or
//! counted says who talked to whom.
//!
//! ```text
//!   shard ──┬─ ChannelData, Send ──▶ dataplane: two look-ups, two permissions ──▶ shard, outbox
//!   stream ─┤                                 ▲
//!           └─ other STUN ──▶ gate ──▶ control ┴─▶ engine (the turn crate)
//! ```
//!
//! `shard` is a thread with a UDP socket of its own per `listener`; there are as many as cores, and
//! what has to wait they leave at the `desk`. `stream` serves a TCP or TLS connection, cut into
//! messages by `framing` and written to from its `outbox`; `streams` knows all of them; `passage`
//! is the way from any of these. `message` is every byte of STUN; `gate` decides who may ask;
//! `control` knows the rules for each request; `ledger` keeps what was given away (`ports`,
//! `quota`, `peers` and the data plane's table); `policy` says whom the open mode reaches, and an
//! `outlet` is the only way there; `traffic` counts, `report` tells; `trial` is a client that
//! finds out whether a relay works; `engine` is the seam behind which the `turn` crate can be
//! replaced.

mod allocation;
mod bitrate;
mod control;
mod dataplane;
mod desk;
mod engine;
mod error;
mod figures;
mod framing;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gate;
mod hash;
mod host;
mod ledger;
mod listener;
mod message;
mod moment;
mod outbox;
mod outlet;
mod passage;
mod peers;
mod policy;
mod ports;
mod post;
mod probe;
mod quota;
mod relay;
mod report;
mod settings;
mod shard;
mod stream;
mod streams;
#[cfg(test)]
mod tests;
mod traffic;
mod trial;

pub use crate::base::network::{Network, NoNetwork};
pub use error::TurnError;
pub use figures::{DropReason, Figures};
pub use gate::{AnswerRates, TurnSecret};
pub use listener::SOCKET_BUFFER;
pub use message::ErrorCode;
pub use policy::PeerRules;
pub use probe::answers;
pub use relay::Relay;
pub use report::AllocationFigures;
pub use settings::{ChannelNumbers, Reach, Settings, TlsSettings};
pub use streams::{Connection, ConnectionLimits, Encryption};
pub use traffic::{End, Media, Transport, TransportFigures};
pub use trial::{Dial, Probe, ProbeError, RoundTrip, Route, Step, Trial};
