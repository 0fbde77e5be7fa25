//! `[messages]`

use std::time::Duration;

use super::{KIB, MIB, TIB, days, seconds};
use crate::config::key::section;
use crate::config::kind::{Bytes, Count, Span};

section! {
    /// Store and forward: what waits for members who are away.
    [messages] Messages {
        /// How long a message waits for its recipient; then it is deleted.
        retention: Duration = days(30), Span(seconds(1)..=days(365));

        /// Messages waiting per recipient; further ones are refused. Half of them, as of the bytes,
        /// is kept for senders whom the recipient has allowed.
        queue_messages: usize = 5000, Count(1..=10_000_000);

        /// Bytes waiting per recipient; further messages are refused.
        queue_bytes: u64 = 64 * MIB, Bytes(KIB..=TIB);

        /// Messages waiting from one sender whom the recipient has not allowed, so that a stranger
        /// can't fill a queue.
        queue_stranger_messages: usize = 50, Count(1..=10_000_000);

        /// Largest payload, in characters of base64.
        max_payload: usize = 131_072, Count(1..=16 * MIB);
    }
}
