//! How chunks are kept from change: by a checksum, or sealed with a passphrase.
//!
//! Sealed, the key comes from the passphrase by Argon2id (RFC 9106), with a salt of this backup's
//! own, and each chunk is AES-256-GCM under the chunk's number and whether it is the last (the STREAM
//! construction): none can be left out, exchanged or added. The digest of the header is
//! authenticated with each.

use std::fmt;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::error::BackupError;

/// The second recommendation of RFC 9106 §4: 64 MiB, three passes, four lanes.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// What a header may ask for: a stranger's file must not take all memory.
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

/// The longest tag.
pub(super) const MAX_TAG: usize = 32;

/// What a backup is sealed with; wiped when dropped, and never printed.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes `text` into custody, without the line break at its end. None where nothing is left.
    pub fn new(mut text: String) -> Option<Self> {
        let length = text.trim_end_matches(['\r', '\n']).len();
        let passphrase = Zeroizing::new(text[..length].to_owned());
        text.zeroize();
        (!passphrase.is_empty()).then_some(Self(passphrase))
    }
}

impl Passphrase {
    /// The words, for the one who seals elsewhere.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Passphrase {}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase")
    }
}

/// How a passphrase makes the key, and how to tell whether it is the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal {
    salt: [u8; 16],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    check: [u8; 16],
}

impl Seal {
    /// A new seal for `passphrase`, with its key. `salt` is random.
    pub(super) fn new(passphrase: &Passphrase, salt: [u8; 16]) -> Result<(Self, Key), BackupError> {
        let mut seal = Self {
            salt,
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            check: [0; 16],
        };
        let (key, check) = seal.derive(passphrase)?;
        seal.check = check;
        Ok((seal, key))
    }

    /// The key, if this is the passphrase.
    pub(super) fn open(&self, passphrase: &Passphrase) -> Result<Key, BackupError> {
        if self.memory_kib > MOST_MEMORY_KIB || self.passes > MOST_PASSES || self.lanes > MOST_LANES
        {
            return Err(BackupError::Damaged("its seal asks for too much work"));
        }
        let (key, check) = self.derive(passphrase)?;
        if bool::from(check.ct_eq(&self.check)) {
            Ok(key)
        } else {
            Err(BackupError::WrongPassphrase)
        }
    }

    /// The key and, from the same computation, what tells a wrong passphrase from a damaged file.
    fn derive(&self, passphrase: &Passphrase) -> Result<(Key, [u8; 16]), BackupError> {
        let failed = |error: argon2::Error| BackupError::Key(error.to_string().into());
        let mut output = Zeroizing::new([0; 48]);
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(output.len()))
            .map_err(failed)?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.0.as_bytes(), &self.salt, output.as_mut())
            .map_err(failed)?;
        let (mut key, mut check) = (Zeroizing::new([0; 32]), [0; 16]);
        key.copy_from_slice(&output[..32]);
        check.copy_from_slice(&output[32..]);
        Ok((Key(key), check))
    }
}

/// The key of one sealed backup.
#[derive(Clone)]
pub(super) struct Key(Zeroizing<[u8; 32]>);

/// Which chunk it is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) index: u64,
    pub(super) is_last: bool,
}

/// What is put on every chunk of one backup.
pub(super) enum Guard {
    /// A checksum that anybody could compute: against accidents.
    Checksum {
        /// The digest of the header.
        header: [u8; 32],
    },
    /// Encryption that only the passphrase opens.
    Sealed {
        /// The digest of the header.
        header: [u8; 32],
        /// With the key of this backup.
        cipher: Box<Aes256Gcm>,
    },
}

impl Guard {
    /// The guard of the backup with this header, sealed if there is a key.
    pub(super) fn new(header: [u8; 32], key: Option<&Key>) -> Self {
        match key {
            None => Self::Checksum { header },
            Some(key) => Self::Sealed {
                header,
                cipher: Box::new(Aes256Gcm::new((&*key.0).into())),
            },
        }
    }

    /// How long a tag is.
    pub(super) const fn tag_bytes(&self) -> usize {
        match self {
            Self::Checksum { .. } => MAX_TAG,
            Self::Sealed { .. } => 16,
        }
    }

    /// Protects a chunk: encrypted where sealed, with its tag behind it.
    pub(super) fn protect(&self, place: Place, chunk: &mut Vec<u8>) -> Result<(), BackupError> {
        match self {
            Self::Checksum { header } => {
                let sum = checksum(header, place, chunk);
                chunk.extend_from_slice(&sum);
            }
            Self::Sealed { header, cipher } => {
                let tag = cipher
                    .encrypt_inout_detached(&nonce(place), header, chunk.as_mut_slice().into())
                    .map_err(|_| BackupError::Damaged("a chunk is too long to seal"))?;
                chunk.extend_from_slice(&tag);
            }
        }
        Ok(())
    }

    /// Gives back the chunk that was protected at this place, and nothing else.
    pub(super) fn release(&self, place: Place, chunk: &mut Vec<u8>) -> Result<(), BackupError> {
        let damaged = BackupError::Damaged("a chunk has another checksum");
        let Some(length) = chunk.len().checked_sub(self.tag_bytes()) else {
            return Err(damaged);
        };
        let tag = chunk.split_off(length);
        match self {
            Self::Checksum { header } if checksum(header, place, chunk) == tag.as_slice() => Ok(()),
            Self::Checksum { .. } => Err(damaged),
            Self::Sealed { header, cipher } => {
                let mut found = Tag::default();
                found.copy_from_slice(&tag);
                let inside = chunk.as_mut_slice().into();
                cipher
                    .decrypt_inout_detached(&nonce(place), header, inside, &found)
                    .map_err(|_| damaged)
            }
        }
    }
}

fn checksum(header: &[u8; 32], place: Place, chunk: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(header)
        .chain_update(nonce(place))
        .chain_update(chunk)
        .finalize()
        .into()
}

/// Each backup has a key of its own, so the place alone is never used twice.
fn nonce(place: Place) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = Nonce::default();
    nonce[3..11].copy_from_slice(&place.index.to_be_bytes());
    nonce[11] = u8::from(place.is_last);
    nonce
}
