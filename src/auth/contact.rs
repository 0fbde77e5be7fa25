//! Contacts, stored so that a stolen database doesn't say who knows whom.
//!
//! ```text
//! key    owner tag ‖ peer tag
//!        owner tag = HMAC-SHA-256(contact key, "owner" ‖ owner), its first 16 bytes
//!        peer tag  = HMAC-SHA-256(contact key, "peer" ‖ owner ‖ peer), its first 16 bytes
//! value  nonce (12) ‖ AES-256-GCM(version (1) ‖ state (1) ‖ peer (16)) with its tag (16)
//!        under HMAC-SHA-256(contact key, "seal" ‖ owner), associated data = the key above
//! ```
//!
//! One person in two lists has two unrelated tags. A record moved to another key doesn't open.
//! Each owner has a sealing key, so random nonces are safe for 2³² writes by each.

use std::fmt;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use hmac::Mac as _;

use super::ContactKey;
use crate::base::{Secret, UserId};

const VERSION: u8 = 1;
const NONCE: usize = 12;
const PLAIN: usize = 18;
const SEALED: usize = NONCE + PLAIN + 16;

/// One line of a person's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// Who it is about.
    pub peer: UserId,
    /// What the owner decided.
    pub state: ContactState,
}

/// What somebody decided about somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactState {
    /// May call, and isn't counted as a stranger.
    Allowed,
    /// Is never heard.
    Blocked,
}

/// A stored contact that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// Wrong length, wrong key, wrong place, or damaged.
    #[error("expected a contact sealed under this key for this place, found other bytes")]
    Sealed,
    /// Opened, but written by a version that this one doesn't know.
    #[error("expected a contact of version 1, found version {0}")]
    Version(u8),
    /// Opened, but with a state that doesn't exist.
    #[error("expected state 1 or 2, found {0}")]
    State(u8),
}

macro_rules! tag {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// The tag as it is stored.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The tag of 16 stored bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

tag! {
    /// Stands for the owner of a list.
    OwnerTag
}
tag! {
    /// Stands for one peer in one owner's list.
    PeerTag
}

/// A contact as it is stored: a nonce and the sealed record.
pub type SealedContact = [u8; SEALED];

impl ContactKey {
    /// The tag under which `owner`'s list is stored.
    pub fn owner_tag(&self, owner: UserId) -> OwnerTag {
        OwnerTag(self.tag(&[b"owner", owner.as_bytes()]))
    }

    /// The tag under which `peer` stands in `owner`'s list.
    pub fn peer_tag(&self, owner: UserId, peer: UserId) -> PeerTag {
        PeerTag(self.tag(&[b"peer", owner.as_bytes(), peer.as_bytes()]))
    }

    /// Seals `contact` for its place in `owner`'s list. `nonce` is random, and never used again.
    pub fn seal(&self, owner: UserId, contact: Contact, nonce: [u8; NONCE]) -> SealedContact {
        let place = self.place(owner, self.peer_tag(owner, contact.peer));
        let mut sealed = [0; SEALED];
        sealed[..NONCE].copy_from_slice(&nonce);
        let record = &mut sealed[NONCE..NONCE + PLAIN];
        record[0] = VERSION;
        record[1] = contact.state.code();
        record[2..].copy_from_slice(contact.peer.as_bytes());
        #[expect(clippy::expect_used, reason = "AES-GCM refuses only more than 64 GiB")]
        let tag = self
            .cipher(owner)
            .encrypt_inout_detached(&Nonce::from(nonce), &place, record.into())
            .expect("a record is short");
        sealed[NONCE + PLAIN..].copy_from_slice(&tag);
        sealed
    }

    /// Opens what stands in `owner`'s list under `peer`.
    pub fn open(
        &self,
        owner: UserId,
        peer: PeerTag,
        stored: &[u8],
    ) -> Result<Contact, ContactError> {
        let sealed = SealedContact::try_from(stored).map_err(|_| ContactError::Sealed)?;
        let (nonce, rest) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(ContactError::Sealed)?;
        let (record, tag) = rest
            .split_first_chunk::<PLAIN>()
            .ok_or(ContactError::Sealed)?;
        let tag = Tag::try_from(tag).map_err(|_| ContactError::Sealed)?;
        let mut record = *record;
        self.cipher(owner)
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                &self.place(owner, peer),
                record.as_mut_slice().into(),
                &tag,
            )
            .map_err(|_| ContactError::Sealed)?;
        let [version, state, peer @ ..] = record;
        if version != VERSION {
            return Err(ContactError::Version(version));
        }
        Ok(Contact {
            peer: UserId::from_bytes(peer),
            state: ContactState::of_code(state)?,
        })
    }

    /// Where a record stands: its associated data.
    fn place(&self, owner: UserId, peer: PeerTag) -> [u8; 32] {
        let mut place = [0; 32];
        place[..16].copy_from_slice(self.owner_tag(owner).as_bytes());
        place[16..].copy_from_slice(peer.as_bytes());
        place
    }

    fn cipher(&self, owner: UserId) -> Aes256Gcm {
        let mac = self.mac(&[b"seal", owner.as_bytes()]).finalize();
        let key = Secret::new(mac.into_bytes().into());
        Aes256Gcm::new(key.expose().into())
    }

    fn tag(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mac: [u8; 32] = self.mac(parts).finalize().into_bytes().into();
        let mut tag = [0; 16];
        tag.copy_from_slice(&mac[..16]);
        tag
    }
}

impl ContactState {
    const fn code(self) -> u8 {
        match self {
            Self::Allowed => 1,
            Self::Blocked => 2,
        }
    }

    const fn of_code(code: u8) -> Result<Self, ContactError> {
        match code {
            1 => Ok(Self::Allowed),
            2 => Ok(Self::Blocked),
            other => Err(ContactError::State(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWNER: UserId = UserId::from_bytes([1; 16]);
    const PEER: UserId = UserId::from_bytes([2; 16]);

    fn key() -> ContactKey {
        ContactKey::new(Secret::new([6; 32]))
    }

    fn contact(state: ContactState) -> Contact {
        Contact { peer: PEER, state }
    }

    #[test]
    fn a_contact_opens_where_it_was_sealed() {
        for state in [ContactState::Allowed, ContactState::Blocked] {
            let sealed = key().seal(OWNER, contact(state), [9; 12]);
            let tag = key().peer_tag(OWNER, PEER);
            assert_eq!(key().open(OWNER, tag, &sealed), Ok(contact(state)));
        }
    }

    #[test]
    fn a_contact_opens_nowhere_else() {
        let sealed = key().seal(OWNER, contact(ContactState::Blocked), [9; 12]);
        let tag = key().peer_tag(OWNER, PEER);
        let wrong = Err(ContactError::Sealed);
        let other_key = ContactKey::new(Secret::new([7; 32]));
        assert_eq!(key().open(PEER, tag, &sealed), wrong);
        assert_eq!(
            key().open(OWNER, key().peer_tag(PEER, OWNER), &sealed),
            wrong
        );
        assert_eq!(other_key.open(OWNER, tag, &sealed), wrong);
        assert_eq!(key().open(OWNER, tag, &sealed[1..]), wrong);
        assert_eq!(key().open(OWNER, tag, &[]), wrong);
    }

    #[test]
    fn one_person_in_two_lists_has_two_tags() {
        let third = UserId::from_bytes([3; 16]);
        assert_ne!(key().peer_tag(OWNER, PEER), key().peer_tag(third, PEER));
        assert_ne!(key().peer_tag(OWNER, PEER), key().peer_tag(PEER, OWNER));
        assert_ne!(key().owner_tag(OWNER), key().owner_tag(PEER));
    }

    #[test]
    fn what_is_stored_shows_neither_peer_nor_state() {
        let allowed = key().seal(OWNER, contact(ContactState::Allowed), [9; 12]);
        assert!(!allowed.windows(16).any(|bytes| bytes == PEER.as_bytes()));
        assert!(!allowed.windows(16).any(|bytes| bytes == OWNER.as_bytes()));
        let again = key().seal(OWNER, contact(ContactState::Allowed), [8; 12]);
        assert_ne!(allowed[NONCE..], again[NONCE..]);
    }

    #[test]
    fn an_unknown_state_is_refused() {
        assert_eq!(ContactState::of_code(0), Err(ContactError::State(0)));
        assert_eq!(ContactState::of_code(3), Err(ContactError::State(3)));
    }

    proptest! {
        #[test]
        fn any_stored_bytes_are_read_without_a_panic(stored in prop::collection::vec(any::<u8>(), 0..64)) {
            let tag = key().peer_tag(OWNER, PEER);
            prop_assert_eq!(key().open(OWNER, tag, &stored), Err(ContactError::Sealed));
        }

        #[test]
        fn no_bit_of_a_record_can_be_changed(at in 0usize..SEALED, bit in 0u8..8) {
            let mut sealed = key().seal(OWNER, contact(ContactState::Allowed), [9; 12]);
            sealed[at] ^= 1 << bit;
            let tag = key().peer_tag(OWNER, PEER);
            prop_assert_eq!(key().open(OWNER, tag, &sealed), Err(ContactError::Sealed));
        }
    }
}
