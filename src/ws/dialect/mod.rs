//! Frame to use case and event to frame, one file for each dialect.

mod error;
mod mvchat;
mod opening;
mod privcomm;
mod speaker;

pub(super) use self::opening::{FirstWord, Greeting};
pub(super) use self::speaker::Speaker;

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `privcomm.v1` (PROTOCOL.md §5, §7.3).
    PrivcommV1,
    /// `mvchat.v1` (PROTOCOL.md §8).
    MvchatV1,
}

impl Dialect {
    /// The WebSocket subprotocol of this dialect.
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::PrivcommV1 => "privcomm.v1",
            Self::MvchatV1 => "mvchat.v1",
        }
    }
}
