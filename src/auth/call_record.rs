//! Lines of a call history, stored so that a stolen database doesn't say who called whom, and one
//! person's lines don't open as another's.
//!
//! ```text
//! value  nonce (12) ‖ AES-256-GCM(record (59)) with its tag (16)
//!        under HMAC-SHA-256(contact key, "calls" ‖ owner), associated data = the owner tag
//! record version (1) ‖ call (16) ‖ peer (16) ‖ direction (1) ‖ reason (1)
//!        ‖ start (8) ‖ answer (8) ‖ end (8); no answer: 0
//! ```

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use hmac::Mac as _;

use super::ContactKey;
use super::contact::ContactError;
use crate::base::{CallId, Secret, Timestamp, UserId};

const VERSION: u8 = 1;
const NONCE: usize = 12;
const PLAIN: usize = 59;
const SEALED: usize = NONCE + PLAIN + 16;

/// One line of a person's call history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallRecord {
    /// The call.
    pub call: CallId,
    /// The other party.
    pub peer: UserId,
    /// 1: the owner called. 2: the peer did.
    pub direction: u8,
    /// Why it ended: a number that the caller of this gives a meaning.
    pub reason: u8,
    /// When it began to ring.
    pub started: Timestamp,
    /// When the callee took it, if it did.
    pub answered: Option<Timestamp>,
    /// When it was over.
    pub ended: Timestamp,
}

/// A line as it is stored: a nonce and the sealed record.
pub type SealedCall = [u8; SEALED];

impl ContactKey {
    /// Seals a line of `owner`'s history. `nonce` is random, and never used again.
    pub fn seal_call(&self, owner: UserId, record: &CallRecord, nonce: [u8; NONCE]) -> SealedCall {
        let mut sealed = [0; SEALED];
        sealed[..NONCE].copy_from_slice(&nonce);
        sealed[NONCE..NONCE + PLAIN].copy_from_slice(&record.encode());
        let place = self.owner_tag(owner);
        #[expect(clippy::expect_used, reason = "AES-GCM refuses only more than 64 GiB")]
        let tag = self
            .calls_cipher(owner)
            .encrypt_inout_detached(
                &Nonce::from(nonce),
                place.as_bytes(),
                (&mut sealed[NONCE..NONCE + PLAIN]).into(),
            )
            .expect("a record is short");
        sealed[NONCE + PLAIN..].copy_from_slice(&tag);
        sealed
    }

    /// Opens a line of `owner`'s history.
    pub fn open_call(&self, owner: UserId, stored: &[u8]) -> Result<CallRecord, ContactError> {
        let sealed = SealedCall::try_from(stored).map_err(|_| ContactError::Sealed)?;
        let (nonce, rest) = sealed
            .split_first_chunk::<NONCE>()
            .ok_or(ContactError::Sealed)?;
        let (record, tag) = rest
            .split_first_chunk::<PLAIN>()
            .ok_or(ContactError::Sealed)?;
        let tag = Tag::try_from(tag).map_err(|_| ContactError::Sealed)?;
        let mut record = *record;
        self.calls_cipher(owner)
            .decrypt_inout_detached(
                &Nonce::from(*nonce),
                self.owner_tag(owner).as_bytes(),
                record.as_mut_slice().into(),
                &tag,
            )
            .map_err(|_| ContactError::Sealed)?;
        CallRecord::decode(&record)
    }

    fn calls_cipher(&self, owner: UserId) -> Aes256Gcm {
        let mac = self.mac(&[b"calls", owner.as_bytes()]).finalize();
        let key = Secret::new(mac.into_bytes().into());
        Aes256Gcm::new(key.expose().into())
    }
}

impl CallRecord {
    fn encode(&self) -> [u8; PLAIN] {
        let mut record = [0; PLAIN];
        record[0] = VERSION;
        record[1..17].copy_from_slice(self.call.as_bytes());
        record[17..33].copy_from_slice(self.peer.as_bytes());
        record[33] = self.direction;
        record[34] = self.reason;
        let answered = self.answered.unwrap_or_default();
        let times = [self.started, answered, self.ended];
        for (place, time) in record[35..].chunks_exact_mut(8).zip(times) {
            place.copy_from_slice(&time.as_millis().to_be_bytes());
        }
        record
    }

    fn decode(record: &[u8; PLAIN]) -> Result<Self, ContactError> {
        let bytes = |from: usize| {
            let mut id = [0; 16];
            id.copy_from_slice(&record[from..from + 16]);
            id
        };
        let time = |from: usize| {
            let mut millis = [0; 8];
            millis.copy_from_slice(&record[from..from + 8]);
            Timestamp::from_millis(u64::from_be_bytes(millis))
        };
        if record[0] != VERSION {
            return Err(ContactError::Version(record[0]));
        }
        Ok(Self {
            call: CallId::from_bytes(bytes(1)),
            peer: UserId::from_bytes(bytes(17)),
            direction: record[33],
            reason: record[34],
            started: time(35),
            answered: Some(time(43)).filter(|answered| *answered != Timestamp::default()),
            ended: time(51),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWNER: UserId = UserId::from_bytes([1; 16]);

    fn key() -> ContactKey {
        ContactKey::new(Secret::new([6; 32]))
    }

    fn record(answered: Option<u64>) -> CallRecord {
        CallRecord {
            call: CallId::from_bytes([3; 16]),
            peer: UserId::from_bytes([2; 16]),
            direction: 1,
            reason: 2,
            started: Timestamp::from_millis(1_000),
            answered: answered.map(Timestamp::from_millis),
            ended: Timestamp::from_millis(9_000),
        }
    }

    #[test]
    fn a_line_opens_for_its_owner_and_for_nobody_else() {
        for answered in [None, Some(2_000)] {
            let sealed = key().seal_call(OWNER, &record(answered), [9; 12]);
            assert_eq!(key().open_call(OWNER, &sealed), Ok(record(answered)));
            let peer = record(None).peer;
            assert_eq!(key().open_call(peer, &sealed), Err(ContactError::Sealed));
            let other = ContactKey::new(Secret::new([7; 32]));
            assert_eq!(other.open_call(OWNER, &sealed), Err(ContactError::Sealed));
        }
    }

    proptest! {
        #[test]
        fn a_damaged_line_does_not_open(at in 0..SEALED, bit in 0u8..8) {
            let mut sealed = key().seal_call(OWNER, &record(None), [9; 12]);
            sealed[at] ^= 1u8 << bit;
            prop_assert_eq!(key().open_call(OWNER, &sealed), Err(ContactError::Sealed));
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = key().open_call(OWNER, &bytes);
        }
    }
}
