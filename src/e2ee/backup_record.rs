//! What a backup holds, as it is written: JSON of one order, byte strings in base64, absent values
//! null. Fields that aren't known are ignored.

use serde::{Deserialize, Serialize};

use super::base64_bytes::Bytes;
use super::{Backup, Handle, IdentityKey, KnownContact, Mark, Origin, Refusal};
use crate::base::{Private, Timestamp, UserId};

const VERSION: u8 = 1;
const NOT_A_RECORD: Refusal = Refusal::Malformed("what a backup of version 1 holds");

#[derive(Serialize, Deserialize)]
pub(super) struct BackupRecord {
    v: u8,
    origin: String,
    user: UserId,
    handle: Private<String>,
    name: Option<Private<String>>,
    seed: Bytes<32>,
    made: u64,
    contacts: Vec<ContactRecord>,
}

#[derive(Serialize, Deserialize)]
struct ContactRecord {
    user: UserId,
    name: Option<Private<String>>,
    pin: Option<Bytes<32>>,
    verified: bool,
}

impl BackupRecord {
    pub(super) fn of(backup: &Backup) -> Self {
        Self {
            v: VERSION,
            origin: backup.origin.to_string(),
            user: backup.user,
            handle: Private(backup.handle.as_str().to_owned()),
            name: backup.name.clone(),
            seed: Bytes(backup.seed.clone()),
            made: backup.made.as_millis(),
            contacts: backup.contacts.iter().map(ContactRecord::of).collect(),
        }
    }

    pub(super) fn backup(self) -> Result<Backup, Refusal> {
        if self.v != VERSION {
            return Err(NOT_A_RECORD);
        }
        let contacts = self.contacts.into_iter().map(ContactRecord::contact);
        Ok(Backup {
            origin: Origin::parse(&self.origin)?,
            user: self.user,
            handle: Handle::parse(&self.handle)?,
            name: self.name,
            seed: self.seed.0,
            made: Timestamp::from_millis(self.made),
            contacts: contacts.collect::<Result<_, _>>()?,
        })
    }
}

impl ContactRecord {
    fn of(contact: &KnownContact) -> Self {
        let pin = contact.pin.as_ref();
        Self {
            user: contact.user,
            name: contact.name.clone(),
            pin: pin.map(|(key, _)| Bytes::copied(key.as_bytes())),
            verified: pin.is_some_and(|(_, mark)| *mark == Mark::Verified),
        }
    }

    /// Nobody was verified of whom no key is known.
    fn contact(self) -> Result<KnownContact, Refusal> {
        let mark = if self.verified {
            Mark::Verified
        } else {
            Mark::Unverified
        };
        let pin = match self.pin {
            Some(key) => Some((IdentityKey::parse(&key.public())?, mark)),
            None if self.verified => return Err(NOT_A_RECORD),
            None => None,
        };
        Ok(KnownContact {
            user: self.user,
            name: self.name,
            pin,
        })
    }
}
