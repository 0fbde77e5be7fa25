//! `[limits]`: the defaults are those of PROTOCOL.md §4 and §9.

use std::time::Duration;

use super::{KIB, MIB, hours, millis, minutes, seconds};
use crate::config::key::section;
use crate::config::kind::{Bytes, Count, Optional, Rates, Span};

section! {
    /// What strangers and members may do, and how often. A rate is "how many/in what time"; bursts
    /// up to the whole number are fine. IPv6 addresses count by /64.
    [limits] Limits {
        /// Registrations per address: against accounts made in bulk.
        register: Rate = Rate::new(10, hours(1)), Rates, live;

        /// Login challenges per address.
        challenge: Rate = Rate::new(30, minutes(1)), Rates, live;

        /// Logins per address and per account.
        token: Rate = Rate::new(10, minutes(1)), Rates, live;

        /// Key bundles per asker, of whomever: each uses up a one-time prekey of its owner.
        bundle: Rate = Rate::new(5, minutes(1)), Rates, live;

        /// Key bundles per asker and owner, so that no one can drain another's prekeys.
        bundle_pair: Rate = Rate::new(6, hours(1)), Rates, live;

        /// Uploads of prekeys per user.
        key_upload: Rate = Rate::new(20, hours(1)), Rates, live;

        /// Changes to contacts and the account, its deletion included, per user.
        account_changes: Rate = Rate::new(240, minutes(1)), Rates, live;

        /// Requests for relay credentials per user.
        turn_credentials: Rate = Rate::new(30, minutes(1)), Rates, live;

        /// Calls that a user may start, whatever comes of them.
        call_starts: Rate = Rate::new(10, minutes(1)), Rates, live;

        /// Calls that a user may start to the same other user.
        call_starts_pair: Rate = Rate::new(3, minutes(5)), Rates, live;

        /// Messages per sender, sustained.
        messages: Rate = Rate::new(120, minutes(1)), Rates, live;

        /// Messages per sender at once.
        messages_burst: u32 = 60, Count(1..=1_000_000), live;

        /// Frames per WebSocket, sustained.
        frames: Rate = Rate::new(20, seconds(1)), Rates, live;

        /// Frames per WebSocket at once.
        frames_burst: u32 = 100, Count(1..=1_000_000), live;

        /// Largest WebSocket frame and message. Must hold the largest payload and what is around it.
        frame_bytes: usize = 256 * 1024, Bytes(KIB..=16 * MIB);

        /// WebSockets and requests that are logging in or registering, in all.
        unauthenticated_connections: usize = 500, Count(1..=1_000_000), live;

        /// WebSockets and requests that are logging in or registering, per address.
        unauthenticated_per_address: usize = 20, Count(1..=1_000_000), live;

        /// Answers per second of the media relay to one address that has shown no credentials;
        /// twice as many at once. Its network, an IPv4 /24 or IPv6 /48, has eight times as many.
        /// Their sources may be forged: keep it low enough that nobody is flooded in your name.
        stun_answers: u32 = 500, Count(1..=1_000_000_000);

        /// The same to everybody together.
        stun_answers_in_all: u32 = 20_000, Count(1..=1_000_000_000);

        /// Connections to the media relay over TCP and TLS from one address, in a call or not.
        relay_connections_per_address: usize = 200, Count(1..=1_000_000);

        /// The same from everybody together. Empty: two for each of turn.max_allocations, 2000 at
        /// least.
        relay_connections: Option<usize> = None, Optional(Count(1..=1_000_000));

        /// HTTP body of a registration, which carries many prekeys.
        register_body: usize = 1024 * 1024, Bytes(KIB..=16 * MIB), live;

        /// Any other HTTP body. Must hold the largest payload and what is around it.
        body: usize = 256 * 1024, Bytes(KIB..=16 * MIB);

        /// Header block of an HTTP request; proxies add to it.
        header_bytes: usize = 16 * 1024, Bytes(8 * KIB..=MIB), live;

        /// Header fields of an HTTP request.
        header_fields: usize = 64, Count(8..=1000), live;

        /// Time for a whole header block to arrive: against clients that send a byte at a time.
        header_timeout: Duration = seconds(10), Span(millis(100)..=minutes(10)), live;

        /// Time for a whole body to arrive.
        body_timeout: Duration = seconds(30), Span(millis(100)..=minutes(10)), live;

        /// How long an idle HTTP connection is kept for the next request.
        keep_alive: Duration = seconds(60), Span(millis(100)..=hours(1)), live;

        /// Time for a WebSocket to log in.
        auth_timeout: Duration = seconds(5), Span(millis(100)..=minutes(10)), live;

        /// How often a WebSocket is pinged; it ends after two unanswered pings. Proxies drop
        /// connections that are silent for about 100 seconds.
        heartbeat: Duration = seconds(30), Span(millis(100)..=seconds(90)), live;
    }
}

/// So many in a period, written `10/1m`; bursts up to the whole number are fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In what time.
    pub period: Duration,
}

impl Rate {
    /// `count` in `period`.
    pub const fn new(count: u32, period: Duration) -> Self {
        Self { count, period }
    }
}
