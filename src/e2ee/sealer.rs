//! A store key in use, with the count of what it sealed (E2EE.md §10.1).
//!
//! Nonces are random, so a key wears: from [`Sealer::ROTATE_AT`] on it is to be replaced, at
//! [`StoreKey::MAX_WRITES`] it seals no more. Half of what is allowed is left for a process that is
//! killed between sealing and storing: what it sealed then isn't counted.
//!
//! Where the count lives, and who rotates:
//!
//! 1. The storage keeps [`Sealer::sealed`] beside its records, and writes it in the transaction that
//!    writes what it counts. At the start, [`Sealer::resume`] takes it up.
//! 2. When [`Sealer::is_worn`] says so, at the next start, the storage draws a new key. One
//!    transaction writes every record anew under it ([`Sealer::take_from`]), its count, and the
//!    [`Sealer::hand_over`] record: the new key, sealed under the old one.
//! 3. Then the new key is put where the old one was (a file, a keyring; where it is wrapped under a
//!    passphrase, in the same transaction), and the hand-over record is deleted. Whoever starts with
//!    the old key in between finds the record, and goes on with step 3.

use zeroize::Zeroizing;

use super::{Refusal, StoreKey};
use crate::base::Secret;

const HAND_OVER: &str = "store-key/next";

/// A store key that counts.
#[derive(Debug)]
pub struct Sealer {
    key: StoreKey,
    sealed: u64,
}

impl Sealer {
    /// From so many records on, the key is to be rotated.
    pub const ROTATE_AT: u64 = StoreKey::MAX_WRITES / 2;
    /// The name of the record of [`Self::hand_over`].
    pub const HAND_OVER: &'static str = HAND_OVER;

    /// A key that sealed nothing yet.
    pub const fn new(key: StoreKey) -> Self {
        Self::resume(key, 0)
    }

    /// A key, and the count that was stored beside the records.
    pub const fn resume(key: StoreKey, sealed: u64) -> Self {
        Self { key, sealed }
    }

    /// Seals a record for its place, and counts it. The nonce is random, and never used again.
    pub fn seal(&mut self, name: &str, nonce: [u8; 12], data: &[u8]) -> Result<Vec<u8>, Refusal> {
        if self.sealed >= StoreKey::MAX_WRITES {
            return Err(Refusal::StoreKeyWorn);
        }
        self.sealed += 1;
        Ok(self.key.seal(name, nonce, data))
    }

    /// Opens the record of this name.
    pub fn open(&self, name: &str, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        self.key.open(name, blob)
    }

    /// How many records the key sealed: to be stored with each of them.
    pub const fn sealed(&self) -> u64 {
        self.sealed
    }

    /// Whether the key is to be rotated.
    pub const fn is_worn(&self) -> bool {
        self.sealed >= Self::ROTATE_AT
    }

    /// The key.
    pub const fn key(&self) -> &StoreKey {
        &self.key
    }

    /// Writes a record of the key before this one anew.
    pub fn take_from(
        &mut self,
        before: &Self,
        name: &str,
        blob: &[u8],
        nonce: [u8; 12],
    ) -> Result<Vec<u8>, Refusal> {
        self.seal(name, nonce, &before.open(name, blob)?)
    }

    /// The record that tells whoever has this key of the next one. Not counted: it is the last.
    pub fn hand_over(&self, next: &StoreKey, nonce: [u8; 12]) -> Vec<u8> {
        self.key.seal(HAND_OVER, nonce, next.secret().expose())
    }

    /// The next key, of the record that this one left.
    pub fn handed_over(&self, blob: &[u8]) -> Result<StoreKey, Refusal> {
        let next = self.open(HAND_OVER, blob)?;
        let next: &[u8; 32] = next
            .as_slice()
            .try_into()
            .map_err(|_| Refusal::Malformed("a store key of 32 bytes"))?;
        let next = Secret::written(|bytes| bytes.copy_from_slice(next));
        Ok(StoreKey::new(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> StoreKey {
        StoreKey::new(Secret::new([byte; 32]))
    }

    #[test]
    fn what_is_sealed_is_counted_and_what_is_opened_is_not() {
        let mut sealer = Sealer::new(key(1));
        let blob = sealer.seal("name", [9; 12], b"data").unwrap();
        assert_eq!(blob, key(1).seal("name", [9; 12], b"data"));
        assert_eq!(*sealer.open("name", &blob).unwrap(), b"data");
        assert_eq!(sealer.sealed(), 1);
    }

    #[test]
    fn a_key_wears_at_half_of_what_it_may_seal_and_stops_at_all_of_it() {
        let mut sealer = Sealer::resume(key(1), Sealer::ROTATE_AT - 1);
        assert!(!sealer.is_worn());
        sealer.seal("name", [1; 12], b"").unwrap();
        assert!(sealer.is_worn());
        let mut sealer = Sealer::resume(key(1), StoreKey::MAX_WRITES - 1);
        sealer.seal("name", [2; 12], b"the last").unwrap();
        let refused = sealer.seal("name", [3; 12], b"one more");
        assert_eq!(refused, Err(Refusal::StoreKeyWorn));
        assert_eq!(sealer.sealed(), StoreKey::MAX_WRITES);
    }

    #[test]
    fn a_rotation_brings_every_record_under_the_next_key() {
        let mut old = Sealer::new(key(1));
        let blob = old.seal("name", [1; 12], b"data").unwrap();
        let mut next = Sealer::new(key(2));
        let anew = next.take_from(&old, "name", &blob, [2; 12]).unwrap();
        assert_eq!((*next.open("name", &anew).unwrap()).as_slice(), b"data");
        assert_eq!(
            (next.sealed(), old.open("name", &anew)),
            (1, Err(Refusal::Tag))
        );
        let elsewhere = next.take_from(&old, "other", &blob, [3; 12]);
        assert_eq!((elsewhere, next.sealed()), (Err(Refusal::Tag), 1));
    }

    #[test]
    fn whoever_has_the_old_key_finds_the_next() {
        let old = Sealer::new(key(1));
        let record = old.hand_over(&key(2), [4; 12]);
        assert_eq!(old.handed_over(&record), Ok(key(2)));
        assert_eq!(Sealer::new(key(3)).handed_over(&record), Err(Refusal::Tag));
        let short = key(1).seal(Sealer::HAND_OVER, [5; 12], &[2; 31]);
        assert!(old.handed_over(&short).is_err());
    }
}
