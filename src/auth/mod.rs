//! Floor 2: who somebody is and how they prove it, as pure functions and small machines.
//!
//! No sockets, no clock, no randomness of its own: every caller passes `now` and its random bytes.
//! What a stranger sends is parsed here once, into types that can't hold anything unchecked; what
//! the daemon hands out and wants back (nonces, tokens, relay credentials) proves itself by a MAC,
//! so that nothing need be stored for it.

mod agreement;
mod call_record;
mod challenge;
mod contact;
mod handle;
mod identity;
mod invite;
mod key;
mod name;
mod secrets;
mod statement;
mod subscription;
mod token;
pub mod turn_credentials;
#[cfg(test)]
mod vectors;

pub use agreement::AgreementKey;
pub use call_record::{CallRecord, SealedCall};
pub use challenge::{CHALLENGE_LIFETIME, ChallengeError, Nonce, UsedNonces};
pub use contact::{Contact, ContactError, ContactState, OwnerTag, PeerTag, SealedContact};
pub use handle::{Handle, HandleTag, InvalidHandle};
pub use identity::{IdentityKey, InvalidSignature, KeyError};
pub use invite::{CodeHash, InvalidCode, InviteCode};
pub use key::{ChallengeKey, ContactKey, InviteKey, Pepper, TokenKey};
pub use secrets::{HandleSalt, Secrets, SecretsError, VAPID_KEY};
pub use statement::KeysDigest;
pub use subscription::{Subscription, SubscriptionTag};
pub use token::{Claims, MAX_TOKEN_LIFETIME, TokenError, TokenId};
pub use turn_credentials::{InvalidTurnSecret, TurnSecret};
