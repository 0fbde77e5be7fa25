//! Every way in which a key, a message or a record is refused.

/// Why something is refused. A refusal leaves everything as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are no point of the curve (E2EE.md §3.3).
    #[error("expected a point of the curve, found bytes that encode none")]
    OffCurve,
    /// The bytes are a second spelling of a point (§3.3).
    #[error("expected the canonical encoding of a point, found another one")]
    NotCanonical,
    /// The key is of small order: a secret made with it is known to everybody (§2, §3.3).
    #[error("expected a key of large order, found one of small order")]
    SmallOrder,
    /// The signature is not the identity key's over this prekey (§4.2).
    #[error("expected a signature by the identity key over the signed prekey")]
    Signature,
    /// The bytes or the text are not of the form that was expected.
    #[error("expected {0}")]
    Malformed(&'static str),
    /// A first message names a prekey that isn't here, or no longer (§4.3).
    #[error("expected a prekey of this account, found the number of none that it keeps")]
    UnknownPrekey,
    /// The one-time prekeys can't be numbered any further (§4.1).
    #[error("expected a prekey number below 2^31, found no more of them")]
    PrekeysExhausted,
    /// A first message whose session was taken before (§8.6).
    #[error("expected a first message that wasn't accepted before, found a replay")]
    Replayed,
    /// A message that was opened before (§5, step 4; §6.2).
    #[error("expected a message that wasn't opened before, found a duplicate")]
    Duplicate,
    /// More messages are missing in one chain than are waited for (§5, step 4).
    #[error("expected a message at most {limit} ahead of the last, found one further ahead")]
    TooFarAhead {
        /// How far ahead a message may be.
        limit: u32,
    },
    /// A message on a chain that can't exist yet.
    #[error("expected a ratchet key of the peer's own, found the signed prekey it began with")]
    NoChain,
    /// Another key, another place, or changed on the way.
    #[error("expected bytes sealed under this key for this place, found others")]
    Tag,
    /// What was sealed isn't padded as it must be (§6.1).
    #[error("expected padding to the smallest size that fits, found another")]
    Padding,
    /// Longer than one message can be (§6.1).
    #[error("expected at most {limit} bytes, found {found}")]
    TooLong {
        /// How many bytes there were.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// So many messages in one chain that a new session must begin (§5).
    #[error("expected fewer than 2^31 messages in one chain; begin a new session")]
    ChainExhausted,
    /// There is no session to send in, or none that may still be used (§8.2).
    #[error("expected a session with the peer, found none to use; begin one from its bundle")]
    NoSession,
    /// The peer's identity key isn't the pinned one, and the user hasn't decided yet (§9.1).
    #[error("expected the user's word on the peer's new identity key before anything is sent")]
    IdentityChanged,
    /// A bundle whose identity key wasn't shown to the pin, or isn't the peer's present one.
    #[error("expected the peer's present identity key, found another one")]
    OtherIdentity,
    /// A call message that was taken before, or is too old to tell (§11).
    #[error("expected a call message that is new within the last 64, found another")]
    CallReplayed,
    /// A description in the clear, where a sealed one must stand (§11).
    #[error("expected a sealed session description, found one in the clear")]
    DescriptionInClear,
    /// A session description without a SHA-256 fingerprint, or with another one (§11).
    #[error("expected SHA-256 fingerprints in the session description, found another or none")]
    Fingerprint,
    /// A safety number of other people, or of another key (§9.2).
    #[error("expected the code of this conversation, found another one")]
    OtherSafetyNumber,
    /// A recovery code whose check doesn't fit it (§10.4).
    #[error("expected a recovery code as it was written down, found one with a mistake in it")]
    CodeMistyped,
    /// Every write that one store key may do is done (§10.1).
    #[error("expected fewer than 2^32 records sealed under one store key; rotate it")]
    StoreKeyWorn,
    /// A recovery code or passphrase can't be stretched into a key with this memory.
    #[error("expected 64 MiB of memory for Argon2id, found less")]
    Memory,
}

/// What becomes of a message that is refused. Both are acknowledged to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// Nothing but a counter (E2EE.md §8.3): it says nothing, or was seen before.
    Drop,
    /// "A message could not be decrypted" stands in the conversation (§8.5).
    Placeholder,
}

impl Refusal {
    /// What becomes of a received message that was refused with this.
    pub const fn consequence(self) -> Consequence {
        match self {
            Self::Malformed(_) | Self::Replayed | Self::Duplicate => Consequence::Drop,
            _ => Consequence::Placeholder,
        }
    }
}
