//! Floor 2: end-to-end encryption, as E2EE.md fixes it byte for byte.
//!
//! Pure logic: no sockets, no disk, no clock and no randomness of its own. Every caller passes `now`
//! and a [`Draw`] of random secrets; every refusal leaves the state as it was. No server room can
//! name this one.
//!
//! | what | where |
//! |---|---|
//! | who somebody is, and what is signed (§3) | [`Identity`], [`IdentityKey`], [`Account`] |
//! | prekeys, bundles and their upkeep (§4.1, §12) | [`Prekeys`], [`Bundle`] |
//! | somebody to write with: sessions, pins (§8, §9.1) | [`Peer`], [`Pin`], [`Seen`] |
//! | one session (§4, §5) | [`Session`] |
//! | what goes over the wire, and what it says (§6, §7) | [`Envelope`], [`Content`] |
//! | what two people compare (§9.2) | [`SafetyNumber`] |
//! | records at rest (§10) | [`StoreKey`], [`Sealer`] |
//! | getting an identity back (§10.4) | [`Backup`], [`RecoveryCode`] |
//! | call signaling (§11) | [`CallChannel`] |
//!
//! ```
//! use privcomm::base::{Secret, Timestamp, UserId};
//! use privcomm::e2ee::{
//!     Account, Bundle, BundleFields, Envelope, Identity, Peer, Prekeys, RegistrationId,
//! };
//!
//! # fn main() -> Result<(), privcomm::e2ee::Refusal> {
//! let now = Timestamp::from_millis(1_795_219_200_000);
//! let account = || Account {
//!     user: UserId::random(),
//!     identity: Identity::from_seed(&Secret::random()),
//! };
//! let (alice, bob) = (account(), account());
//!
//! // Bob's prekeys; the server hands them out as a bundle.
//! let mut prekeys = Prekeys::new(&mut Secret::random, now);
//! let one_time = prekeys.refill(0, &mut Secret::random, now)?;
//! let bundle = Bundle::check(&BundleFields {
//!     user: bob.user,
//!     identity_key: bob.identity.public().as_bytes(),
//!     signed_prekey: *prekeys.signed().public().as_bytes(),
//!     prekey_signature: bob.identity.sign_prekey(prekeys.signed()),
//!     one_time_prekey: Some((one_time[0].id().number(), *one_time[0].public().as_bytes())),
//! })?;
//!
//! // Alice begins a session and seals a message. The payload goes through the server.
//! let mut to_bob = Peer::new(bob.user);
//! to_bob.meet(bundle.identity());
//! to_bob.begin(&alice, &bundle, &mut Secret::random, now)?;
//! let sealed = to_bob.seal(RegistrationId::new(1000)?, b"hello", now)?;
//! let payload = sealed.to_payload();
//!
//! // Bob opens it.
//! let mut from_alice = Peer::new(alice.user);
//! let envelope = Envelope::from_payload(&payload)?;
//! let opened =
//!     from_alice.open(&bob, &mut prekeys, &envelope, &mut Secret::random, now)?;
//! assert_eq!(*opened.message, b"hello");
//! # Ok(())
//! # }
//! ```

mod aead;
mod agreement;
mod backup;
mod backup_record;
mod base64_bytes;
mod bundle;
mod call;
mod chain;
mod content;
mod envelope;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod identity;
mod kdf;
#[cfg(test)]
pub(crate) mod key_log;
mod message;
mod padding;
mod peer;
mod peer_record;
mod pin;
mod prekey;
mod prekeys;
mod prekeys_record;
mod ratchet;
mod recovery_code;
mod safety_number;
mod sealer;
mod seen;
mod session;
mod session_record;
mod skipped;
mod statement;
mod store_key;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
mod x3dh;

pub use agreement::{AgreementKey, KeyPair};
pub use backup::{Backup, KnownContact};
pub use bundle::{Bundle, BundleFields};
pub use call::{CallAction, CallChannel, check_fingerprints, refuse_in_clear};
pub use content::{Content, ReceiptState, Says};
pub use envelope::{Envelope, RegistrationId};
pub use error::{Consequence, Refusal};
pub use identity::{Account, Identity, IdentityKey};
pub use message::Kind;
pub use padding::LONGEST as LONGEST_MESSAGE;
pub use peer::{Opened, Peer, SessionUse};
pub use pin::{Mark, Meeting, Pin};
pub use prekey::{OneTimePrekey, PrekeyId, SignedPrekey, SignedPrekeyId};
pub use prekeys::Prekeys;
pub use recovery_code::RecoveryCode;
pub use safety_number::SafetyNumber;
pub use sealer::Sealer;
pub use seen::Seen;
pub use session::{Role, Session};
pub use statement::{Handle, Origin};
pub use store_key::StoreKey;

use crate::base::Secret;

/// Where random secrets come from: `&mut Secret::random`, the operating system's generator; or, in
/// a test, a list.
pub type Draw<'a> = dyn FnMut() -> Secret<32> + 'a;
