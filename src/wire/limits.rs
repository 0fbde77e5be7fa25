//! The limits that `GET /api/v1/server` tells (PROTOCOL.md §9).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The limits that clients should know.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ServerLimits {
    /// Largest payload, characters.
    pub payload: usize,
    /// Largest frame, bytes.
    pub frame: usize,
    /// Frames per socket and second, sustained.
    pub frames_per_second: u64,
    /// Frames per socket at once.
    pub frames_burst: u32,
    /// Largest body of a registration, bytes.
    pub register_body: usize,
    /// Largest other body, bytes.
    pub body: usize,
    /// Connections at once, not yet authenticated, per address.
    pub unauthenticated_per_address: usize,
    /// Messages per sender and minute, sustained.
    pub messages_per_minute: u64,
    /// Messages per sender at once.
    pub messages_burst: u32,
    /// Messages waiting per recipient.
    pub queue_messages: usize,
    /// Messages waiting per recipient from one sender who isn't allowed.
    pub queue_stranger_messages: usize,
    /// Bytes waiting per recipient.
    pub queue_bytes: u64,
    /// Seconds an unacknowledged message is kept.
    pub retention: u64,
    /// Calls.
    pub calls: CallLimits,
}

/// The limits of calls that clients should know.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CallLimits {
    /// Calls that a user may start in `starts_period`.
    pub starts: u32,
    /// Seconds.
    pub starts_period: u64,
    /// Calls that a user may start to the same other user in `starts_per_peer_period`.
    pub starts_per_peer: u32,
    /// Seconds.
    pub starts_per_peer_period: u64,
    /// Calls that may ring a user at once.
    pub ringing: usize,
    /// Seconds a call rings.
    pub ring_timeout: u64,
    /// Seconds a party may be away while the call rings.
    pub ringing_grace: u64,
    /// Seconds a party may be away while the call is connected.
    pub connected_grace: u64,
    /// SDPs per side and call.
    pub sdps: u32,
    /// Largest SDP, bytes of JSON without the quotes of a string.
    pub sdp: usize,
    /// Candidates per side and call.
    pub candidates: u32,
    /// Largest candidate, bytes of JSON without the quotes of a string.
    pub candidate: usize,
}
