//! Records at rest (E2EE.md §10.1, §10.2): sealed under a key, bound to their names.

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::{Refusal, aead};
use crate::base::Secret;

const VERSION: u8 = 1;
const LABEL: &[u8] = b"PrivComm_Store_v1\n";
/// 64 MiB, in KiB.
const MEMORY: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// The key that a client's records are sealed under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreKey(Secret<32>);

impl StoreKey {
    /// How many records may be sealed under one key: then rotate, for nonces are random.
    pub const MAX_WRITES: u64 = 1 << 32;

    /// The key of 32 random bytes, from wherever they are kept.
    pub const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }

    /// The key that a passphrase stretches to, under which the store key is wrapped:
    /// Argon2id, 64 MiB, three passes, one lane. It takes a good part of a second.
    pub fn from_passphrase(passphrase: &[u8], salt: &[u8; 16]) -> Result<Self, Refusal> {
        let params = Params::new(MEMORY, PASSES, LANES, Some(32)).map_err(|_| Refusal::Memory)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase, salt, &mut *key)
            .map_err(|_| Refusal::Memory)?;
        Ok(Self(Secret::written(|bytes| *bytes = *key)))
    }

    /// The 32 bytes, to be kept where §10.2 says.
    pub const fn secret(&self) -> &Secret<32> {
        &self.0
    }

    /// Seals a record for its place: one name, one record. The nonce is random, and never used again.
    pub fn seal(&self, name: &str, nonce: [u8; 12], data: &[u8]) -> Vec<u8> {
        let mut blob = Vec::with_capacity(1 + aead::NONCE + data.len() + aead::TAG);
        blob.push(VERSION);
        blob.extend_from_slice(&nonce);
        let start = blob.len();
        blob.extend_from_slice(data);
        aead::seal(&self.0, nonce, &associated(name), &mut blob, start);
        blob
    }

    /// Opens the record of this name.
    pub fn open(&self, name: &str, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        const EXPECTED: Refusal = Refusal::Malformed("a sealed record of version 1");
        let (front, sealed) = blob
            .split_first_chunk::<{ 1 + aead::NONCE }>()
            .ok_or(EXPECTED)?;
        let [VERSION, nonce @ ..] = *front else {
            return Err(EXPECTED);
        };
        aead::open(&self.0, nonce, &associated(name), sealed)
    }
}

fn associated(name: &str) -> Vec<u8> {
    [LABEL, name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::e2ee::vectors::{hex, hex_array, secret, vectors};

    #[test]
    fn the_record_is_the_published_one() {
        let vector = vectors().store;
        let key = StoreKey::new(secret(&vector.key));
        let data = hex(&vector.data);
        let blob = key.seal(&vector.name, hex_array(&vector.nonce), &data);
        assert_eq!(blob, hex(&vector.blob));
        assert_eq!(*key.open(&vector.name, &blob).unwrap(), data);
    }

    #[test]
    fn a_record_opens_under_its_name_only_and_with_no_bit_flipped() {
        let key = StoreKey::new(Secret::new([7; 32]));
        let blob = key.seal("prekeys", [9; 12], b"data");
        assert_eq!(key.open("prekey", &blob), Err(Refusal::Tag));
        for bit in 0..blob.len() * 8 {
            let mut flipped = blob.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open("prekeys", &flipped).is_err(), "bit {bit}");
        }
        for length in 0..blob.len() {
            assert!(
                key.open("prekeys", &blob[..length]).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_passphrase_stretches_to_one_key_under_one_salt() {
        let key = |salt| StoreKey::from_passphrase(b"correct horse", &[salt; 16]).unwrap();
        assert_eq!(key(1), key(1));
        assert_ne!(key(1), key(2));
    }
}
