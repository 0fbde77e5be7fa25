//! Frame to use case and event to frame, one file for each dialect.

mod privcomm;

pub(super) use self::privcomm::{hear, tell, welcome};

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `privcomm.v1` (PROTOCOL.md §5, §7.3).
    PrivcommV1,
}

impl Dialect {
    /// The WebSocket subprotocol of this dialect.
    pub const fn subprotocol(self) -> &'static str {
        match self {
            Self::PrivcommV1 => "privcomm.v1",
        }
    }
}
