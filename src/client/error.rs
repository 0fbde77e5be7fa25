//! Every way in which a client's wish isn't fulfilled.

use std::io;
use std::time::Duration;

use super::storage::StorageError;
use crate::base::CallId;
use crate::e2ee::Refusal;
use crate::wire::Code;

/// Why something didn't come about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A text that is no address of a server.
    #[error("expected the address of a server, such as https://chat.example")]
    Address,
    /// An address to which a token would go in the clear.
    #[error("expected https://; http:// is for this machine only")]
    InTheClear,
    /// A text that is no link of an invite.
    #[error("expected a link such as https://chat.example/i#7Q2M-9XKD-4TRW")]
    Link,
    /// There is no account in this storage.
    #[error("expected an account in this storage, found none; register first")]
    NoAccount,
    /// There is another account in this storage.
    #[error("expected a storage without an account, found one for another handle or server")]
    OtherAccount,
    /// The server can't be reached.
    #[error("can't reach the server: {0}")]
    Unreachable(#[source] io::Error),
    /// What answers isn't a privcomm server, or not one that this version understands.
    #[error("expected an answer of PROTOCOL.md, found {0}")]
    Foreign(&'static str),
    /// The server says no.
    #[error("{detail}")]
    Refused {
        /// Its word for it.
        code: Code,
        /// Its explanation.
        detail: String,
        /// When a repeat makes sense, where it says.
        retry_after: Option<Duration>,
    },
    /// A key, a message or a record is refused here.
    #[error(transparent)]
    Encryption(#[from] Refusal),
    /// What is kept can't be read or written.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The server has another identity key for this account than this storage.
    #[error("expected this account's own identity key at the server, found another one")]
    OwnIdentity,
    /// As much waits to be sent as there may.
    #[error("expected fewer than {limit} messages waiting to be sent")]
    OutboxFull {
        /// How many may.
        limit: usize,
    },
    /// Nothing is known of this person.
    #[error("expected somebody that this account has written with, found somebody unknown")]
    UnknownPeer,
    /// A message to oneself.
    #[error("expected somebody else to write to, found this account itself")]
    Oneself,
    /// There is no connection that a call could use.
    #[error("expected a connection to the server, found none")]
    NotConnected,
    /// The client is connected already: a second session would end the first.
    #[error("expected a client that isn't connected, found one that is")]
    AlreadyConnected,
    /// There is no such call, or it ended.
    #[error("expected a call that stands, found none by this id")]
    NoCall(CallId),
    /// A step broke off. What is stored is as it was before it.
    #[error("a step broke off; this is a bug")]
    Broken,
}

impl Error {
    /// The server's word for it, where it was the server that refused.
    pub const fn code(&self) -> Option<Code> {
        match self {
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same may work later: the network, or a server that has too much to do.
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Refused { code, .. } => matches!(
                code,
                Code::RateLimited
                    | Code::QueueFull
                    | Code::StorageFull
                    | Code::Capacity
                    | Code::RequestTimeout
                    | Code::Internal
            ),
            _ => false,
        }
    }
}
