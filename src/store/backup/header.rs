//! What a backup says of itself before anything is unpacked.
//!
//! ```text
//! "PCBACKUP" ‖ format (u16) ‖ length (u32) ‖ JSON
//! ```
//!
//! It stands in the clear, so that backups can be listed without a passphrase, and every chunk that
//! follows is bound to its digest. Members are only ever added.

use std::io::{Read, Write};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::Timestamp;

use super::error::BackupError;
use super::seal::Seal;

const MAGIC: &[u8; 8] = b"PCBACKUP";
/// The newest file format, which is the one that is written.
const FORMAT: u16 = 1;
/// No header is longer.
const MAX_BYTES: u32 = 16 << 10;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the program that made it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// The schema of the database in it.
    pub schema: u64,
    /// The epoch of the database in it.
    pub epoch: u64,
    /// Accounts in it.
    pub accounts: u64,
    /// Messages in it that wait for their recipients.
    pub messages: u64,
    /// How the passphrase makes the key, where it is sealed.
    pub(super) seal: Option<Seal>,
}

/// A header with the digest that everything after it is bound to.
pub(super) struct Opening {
    pub(super) header: Header,
    pub(super) digest: [u8; 32],
}

impl Header {
    /// Whether a passphrase is needed to read more than this.
    pub fn is_sealed(&self) -> bool {
        self.seal.is_some()
    }

    /// Writes the header; returns its digest.
    pub(super) fn write(&self, file: &mut impl Write) -> Result<[u8; 32], BackupError> {
        let json = serde_json::to_vec(self).map_err(std::io::Error::from)?;
        let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&json);
        file.write_all(&bytes)?;
        Ok(Sha256::digest(&bytes).into())
    }

    /// Reads the header at the start of a file.
    pub(super) fn read(file: &mut impl Read) -> Result<Opening, BackupError> {
        let mut start = [0; 14];
        let mut read = 0;
        while read < start.len() {
            match file.read(&mut start[read..])? {
                0 => return Err(BackupError::Foreign),
                more => read += more,
            }
        }
        let (magic, rest) = start.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(BackupError::Foreign);
        }
        let found = u16::from_be_bytes([rest[0], rest[1]]);
        if found != FORMAT {
            let supported = FORMAT;
            return Err(BackupError::NewerFormat { found, supported });
        }
        let length = u32::from_be_bytes([rest[2], rest[3], rest[4], rest[5]]);
        if length > MAX_BYTES {
            return Err(BackupError::Damaged("its header is too long"));
        }
        let mut bytes = start.to_vec();
        let wanted = u64::from(length);
        if file.by_ref().take(wanted).read_to_end(&mut bytes)? as u64 != wanted {
            return Err(BackupError::Damaged("it ends within its header"));
        }
        let header = serde_json::from_slice(&bytes[start.len()..])
            .map_err(|_| BackupError::Damaged("its header can't be read"))?;
        Ok(Opening {
            header,
            digest: Sha256::digest(&bytes).into(),
        })
    }
}
