//! What rows hold: plain types and their compact binary form.
//!
//! A record is a version byte, then its fields in order: numbers big-endian and of fixed width, an
//! optional field behind a byte 0 or 1, text behind its length in two bytes. Decoding never panics
//! and never guesses: what isn't exactly a record is a [`RecordError`].

use std::fmt;

use bytes::Bytes;

use crate::base::{MessageId, Timestamp, UserId};

use super::error::RecordError;

/// A type with a stored form.
pub(super) trait Record: Sized {
    /// What errors call it.
    const NAME: &'static str;
    /// The version byte in front.
    const VERSION: u8;

    /// Appends every field.
    fn write(&self, record: &mut Vec<u8>);
    /// Reads every field, in the same order.
    fn read(fields: &mut Fields<'_>) -> Result<Self, RecordError>;

    /// The whole record.
    fn encode(&self) -> Vec<u8> {
        let mut record = vec![Self::VERSION];
        self.write(&mut record);
        record
    }

    /// The value of a whole record.
    fn decode(record: &[u8]) -> Result<Self, RecordError> {
        let mut fields = Fields::open(Self::NAME, Self::VERSION, record)?;
        let value = Self::read(&mut fields)?;
        fields.finish()?;
        Ok(value)
    }
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Active,
    /// The operator has barred it.
    Suspended,
}

/// The identity key of an account that was reset: a point of small order, which is never accepted as
/// a key, so that nobody can register or log in with it.
pub const NO_IDENTITY: [u8; 32] = [0; 32];

/// A member.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub user: UserId,
    /// The tag of the handle: a keyed hash, made by the caller.
    pub handle: [u8; 32],
    /// Ed25519 public key; [`NO_IDENTITY`] where the operator took it away.
    pub identity_key: [u8; 32],
    /// X25519 public key.
    pub signed_prekey: [u8; 32],
    /// The identity key's signature of the signed prekey.
    pub prekey_signature: [u8; 64],
    /// When the signed prekey was stored.
    pub signed_prekey_at: Timestamp,
    /// A number that clients carry.
    pub registration_id: Option<u16>,
    /// The highest one-time prekey ever handed out; 0 before the first.
    pub highest_prekey: u32,
    /// The day of registration, in days since 1970.
    pub member_since: u32,
    /// The last day the member was here, in days since 1970.
    pub last_seen: u32,
    /// Whether the account may be used.
    pub standing: Standing,
    /// The name the member chose to publish.
    pub public_name: Option<String>,
    /// Tokens issued until then are no longer good.
    pub tokens_since: Timestamp,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { standing, .. } = self;
        f.debug_struct("Account")
            .field("standing", standing)
            .finish_non_exhaustive()
    }
}

impl Record for Account {
    const NAME: &'static str = "account";
    const VERSION: u8 = 1;

    fn write(&self, record: &mut Vec<u8>) {
        record.extend_from_slice(self.user.as_bytes());
        record.extend_from_slice(&self.handle);
        record.extend_from_slice(&self.identity_key);
        record.extend_from_slice(&self.signed_prekey);
        record.extend_from_slice(&self.prekey_signature);
        record.extend_from_slice(&self.signed_prekey_at.as_millis().to_be_bytes());
        write_option(record, self.registration_id.map(u16::to_be_bytes));
        record.extend_from_slice(&self.highest_prekey.to_be_bytes());
        record.extend_from_slice(&self.member_since.to_be_bytes());
        record.extend_from_slice(&self.last_seen.to_be_bytes());
        record.push(match self.standing {
            Standing::Active => 0,
            Standing::Suspended => 1,
        });
        write_text(record, self.public_name.as_deref());
        record.extend_from_slice(&self.tokens_since.as_millis().to_be_bytes());
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            user: UserId::from_bytes(fields.array()?),
            handle: fields.array()?,
            identity_key: fields.array()?,
            signed_prekey: fields.array()?,
            prekey_signature: fields.array()?,
            signed_prekey_at: fields.timestamp()?,
            registration_id: fields.option("registration id")?.map(u16::from_be_bytes),
            highest_prekey: fields.u32()?,
            member_since: fields.u32()?,
            last_seen: fields.u32()?,
            standing: match fields.array()? {
                [0] => Standing::Active,
                [1] => Standing::Suspended,
                _ => return Err(fields.impossible("standing")),
            },
            public_name: fields.text("public name")?,
            tokens_since: fields.timestamp()?,
        })
    }
}

/// A code that lets somebody register, or lets a member who lost their keys start again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Invite {
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is worth nothing.
    pub expires: Timestamp,
    /// How often it can still be used.
    pub uses_left: u32,
    /// When the operator took it back.
    pub revoked: Option<Timestamp>,
    /// The account it recovers. With none it admits new members.
    pub recover: Option<UserId>,
    /// The tag of the one handle that may register with it. With none any may.
    pub label: Option<[u8; 32]>,
}

impl Invite {
    /// Whether it can still be used at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.uses_left > 0 && now < self.expires
    }

    /// Whether it lets somebody new register under `handle`.
    pub(super) fn admits(&self, handle: &[u8; 32]) -> bool {
        self.recover.is_none() && self.label.is_none_or(|label| label == *handle)
    }
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            created,
            expires,
            uses_left,
            revoked,
            recover: _,
            label: _,
        } = self;
        f.debug_struct("Invite")
            .field("created", created)
            .field("expires", expires)
            .field("uses_left", uses_left)
            .field("revoked", revoked)
            .finish_non_exhaustive()
    }
}

impl Record for Invite {
    const NAME: &'static str = "invite";
    const VERSION: u8 = 1;

    fn write(&self, record: &mut Vec<u8>) {
        record.extend_from_slice(&self.created.as_millis().to_be_bytes());
        record.extend_from_slice(&self.expires.as_millis().to_be_bytes());
        record.extend_from_slice(&self.uses_left.to_be_bytes());
        write_option(record, self.revoked.map(|at| at.as_millis().to_be_bytes()));
        write_option(record, self.recover.map(|user| *user.as_bytes()));
        write_option(record, self.label);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            created: fields.timestamp()?,
            expires: fields.timestamp()?,
            uses_left: fields.u32()?,
            revoked: fields
                .option("revocation")?
                .map(|millis| Timestamp::from_millis(u64::from_be_bytes(millis))),
            recover: fields.option("account")?.map(UserId::from_bytes),
            label: fields.option("label")?,
        })
    }
}

/// A message as it is stored, in the order of its sequence number.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its place in the order of acceptance.
    pub seq: u64,
    /// Its id, usually the sender's choice.
    pub message_id: MessageId,
    /// Who sent it.
    pub sender: UserId,
    /// For whom it is.
    pub recipient: UserId,
    /// When it was accepted.
    pub timestamp: Timestamp,
    /// The ciphertext.
    pub payload: Bytes,
}

impl StoredMessage {
    /// Appends the record of this message to `record`: the header, then the payload to the end.
    pub(super) fn write(&self, record: &mut Vec<u8>) {
        record.push(Self::VERSION);
        record.extend_from_slice(&self.timestamp.as_millis().to_be_bytes());
        record.extend_from_slice(self.recipient.as_bytes());
        record.extend_from_slice(self.sender.as_bytes());
        record.extend_from_slice(self.message_id.as_bytes());
        record.extend_from_slice(&self.payload);
    }

    /// The message of a record.
    pub(super) fn decode(seq: u64, record: &[u8]) -> Result<Self, RecordError> {
        let mut fields = Fields::open("message", Self::VERSION, record)?;
        Ok(Self {
            timestamp: fields.timestamp()?,
            recipient: UserId::from_bytes(fields.array()?),
            sender: UserId::from_bytes(fields.array()?),
            message_id: MessageId::from_bytes(fields.array()?),
            payload: Bytes::copy_from_slice(fields.rest),
            seq,
        })
    }

    /// When and for whom the message of a record is, without its payload.
    pub(super) fn envelope(record: &[u8]) -> Result<(Timestamp, UserId), RecordError> {
        let mut fields = Fields::open("message", Self::VERSION, record)?;
        Ok((fields.timestamp()?, UserId::from_bytes(fields.array()?)))
    }

    /// What the queue keeps of it.
    pub(super) fn entry(&self) -> QueueEntry {
        QueueEntry {
            seq: self.seq,
            message_id: self.message_id,
            sender: self.sender,
            timestamp: self.timestamp,
            bytes: u32::try_from(self.payload.len()).unwrap_or(u32::MAX),
        }
    }

    const VERSION: u8 = 1;
}

impl fmt::Debug for StoredMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, payload, .. } = self;
        f.debug_struct("StoredMessage")
            .field("seq", seq)
            .field("bytes", &payload.len())
            .finish_non_exhaustive()
    }
}

/// What a queue says of a message without its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueEntry {
    /// The message's place in the order of acceptance.
    pub seq: u64,
    /// Its id.
    pub message_id: MessageId,
    /// Who sent it.
    pub sender: UserId,
    /// When it was accepted.
    pub timestamp: Timestamp,
    /// The length of its payload.
    pub bytes: u32,
}

impl QueueEntry {
    /// The record; the sequence number is in the key.
    pub(super) fn encode(&self) -> [u8; 45] {
        let mut record = [0; 45];
        record[0] = Self::VERSION;
        record[1..17].copy_from_slice(self.message_id.as_bytes());
        record[17..33].copy_from_slice(self.sender.as_bytes());
        record[33..41].copy_from_slice(&self.timestamp.as_millis().to_be_bytes());
        record[41..].copy_from_slice(&self.bytes.to_be_bytes());
        record
    }

    /// The entry of a record.
    pub(super) fn decode(seq: u64, record: &[u8]) -> Result<Self, RecordError> {
        let mut fields = Fields::open("queue entry", Self::VERSION, record)?;
        let entry = Self {
            message_id: MessageId::from_bytes(fields.array()?),
            sender: UserId::from_bytes(fields.array()?),
            timestamp: fields.timestamp()?,
            bytes: fields.u32()?,
            seq,
        };
        fields.finish()?;
        Ok(entry)
    }

    const VERSION: u8 = 1;
}

/// The fields of a record that haven't been read yet.
pub(super) struct Fields<'a> {
    record: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn open(record: &'static str, expected: u8, bytes: &'a [u8]) -> Result<Self, RecordError> {
        let mut fields = Self {
            record,
            rest: bytes,
        };
        let [found] = fields.array()?;
        if found == expected {
            Ok(fields)
        } else {
            Err(RecordError::Version {
                record,
                found,
                expected,
            })
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], RecordError> {
        let Some((field, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(RecordError::Short {
                record: self.record,
                missing: N - self.rest.len(),
            });
        };
        self.rest = rest;
        Ok(*field)
    }

    pub(super) fn u32(&mut self) -> Result<u32, RecordError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn timestamp(&mut self) -> Result<Timestamp, RecordError> {
        let millis = self.array().map(u64::from_be_bytes)?;
        Ok(Timestamp::from_millis(millis))
    }

    pub(super) fn option<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<[u8; N]>, RecordError> {
        match self.array()? {
            [0] => Ok(None),
            [1] => self.array().map(Some),
            _ => Err(self.impossible(field)),
        }
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<Option<String>, RecordError> {
        let Some(length) = self.option(field)? else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(length));
        let Some((text, rest)) = self.rest.split_at_checked(length) else {
            return Err(RecordError::Short {
                record: self.record,
                missing: length - self.rest.len(),
            });
        };
        let text = std::str::from_utf8(text).map_err(|_| self.impossible(field))?;
        self.rest = rest;
        Ok(Some(text.to_owned()))
    }

    fn impossible(&self, field: &'static str) -> RecordError {
        RecordError::Field {
            record: self.record,
            field,
        }
    }

    fn finish(self) -> Result<(), RecordError> {
        match self.rest.len() {
            0 => Ok(()),
            excess => Err(RecordError::Long {
                record: self.record,
                excess,
            }),
        }
    }
}

pub(super) fn write_option<const N: usize>(record: &mut Vec<u8>, field: Option<[u8; N]>) {
    record.push(u8::from(field.is_some()));
    if let Some(bytes) = field {
        record.extend_from_slice(&bytes);
    }
}

/// Text is cut at 65,535 bytes, at a character: the doors allow far less.
pub(super) fn write_text(record: &mut Vec<u8>, text: Option<&str>) {
    let text = text.map(|text| &text[..text.floor_char_boundary(usize::from(u16::MAX))]);
    let length = text.map(|text| u16::try_from(text.len()).unwrap_or(u16::MAX));
    write_option(record, length.map(u16::to_be_bytes));
    record.extend_from_slice(text.unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account() -> impl Strategy<Value = Account> {
        let keys = (
            any::<[u8; 16]>(),
            any::<[u8; 32]>(),
            any::<[u8; 32]>(),
            any::<[u8; 32]>(),
            proptest::collection::vec(any::<u8>(), 64),
        );
        let rest = (
            any::<[u64; 2]>(),
            any::<Option<u16>>(),
            any::<[u32; 3]>(),
            any::<bool>(),
            any::<Option<String>>(),
        );
        (keys, rest).prop_map(
            |(keys, ([at, since], registration_id, numbers, active, public_name))| Account {
                user: UserId::from_bytes(keys.0),
                handle: keys.1,
                identity_key: keys.2,
                signed_prekey: keys.3,
                prekey_signature: keys.4.try_into().unwrap(),
                signed_prekey_at: Timestamp::from_millis(at),
                registration_id,
                highest_prekey: numbers[0],
                member_since: numbers[1],
                last_seen: numbers[2],
                standing: if active {
                    Standing::Active
                } else {
                    Standing::Suspended
                },
                public_name,
                tokens_since: Timestamp::from_millis(since),
            },
        )
    }

    fn invite() -> impl Strategy<Value = Invite> {
        (
            any::<[u64; 2]>(),
            any::<u32>(),
            any::<Option<u64>>(),
            any::<Option<[u8; 16]>>(),
            any::<Option<[u8; 32]>>(),
        )
            .prop_map(|(times, uses_left, revoked, recover, label)| Invite {
                created: Timestamp::from_millis(times[0]),
                expires: Timestamp::from_millis(times[1]),
                uses_left,
                revoked: revoked.map(Timestamp::from_millis),
                recover: recover.map(UserId::from_bytes),
                label,
            })
    }

    fn message() -> impl Strategy<Value = StoredMessage> {
        (
            any::<[u64; 2]>(),
            any::<[[u8; 16]; 3]>(),
            proptest::collection::vec(any::<u8>(), 0..3000),
        )
            .prop_map(|(numbers, ids, payload)| StoredMessage {
                seq: numbers[0],
                message_id: MessageId::from_bytes(ids[0]),
                sender: UserId::from_bytes(ids[1]),
                recipient: UserId::from_bytes(ids[2]),
                timestamp: Timestamp::from_millis(numbers[1]),
                payload: payload.into(),
            })
    }

    proptest! {
        #[test]
        fn an_account_comes_back_as_it_went(account in account()) {
            prop_assert_eq!(&Account::decode(&account.encode()).unwrap(), &account);
        }

        #[test]
        fn an_invite_comes_back_as_it_went(invite in invite()) {
            prop_assert_eq!(Invite::decode(&invite.encode()).unwrap(), invite);
        }

        #[test]
        fn a_message_and_its_entry_come_back_as_they_went(message in message()) {
            let mut record = Vec::new();
            message.write(&mut record);
            prop_assert_eq!(&StoredMessage::decode(message.seq, &record).unwrap(), &message);
            prop_assert_eq!(
                StoredMessage::envelope(&record).unwrap(),
                (message.timestamp, message.recipient)
            );
            let entry = message.entry();
            prop_assert_eq!(QueueEntry::decode(message.seq, &entry.encode()).unwrap(), entry);
            prop_assert_eq!(entry.bytes as usize, message.payload.len());
        }

        #[test]
        fn garbage_is_an_error_or_a_record_that_comes_back(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..400)
        ) {
            for version in [bytes.first().copied().unwrap_or(1), 1] {
                if let Some(first) = bytes.first_mut() {
                    *first = version;
                }
                if let Ok(account) = Account::decode(&bytes) {
                    prop_assert_eq!(account.encode(), bytes.clone());
                }
                if let Ok(invite) = Invite::decode(&bytes) {
                    prop_assert_eq!(invite.encode(), bytes.clone());
                }
                if let Ok(entry) = QueueEntry::decode(7, &bytes) {
                    prop_assert_eq!(entry.encode().to_vec(), bytes.clone());
                }
                if let Ok(message) = StoredMessage::decode(7, &bytes) {
                    let mut record = Vec::new();
                    message.write(&mut record);
                    prop_assert_eq!(record, bytes.clone());
                }
            }
        }

        #[test]
        fn a_record_cut_or_lengthened_is_refused(account in account(), cut in any::<usize>()) {
            let mut record = account.encode();
            prop_assert!(Account::decode(&record[..cut % record.len()]).is_err());
            record.push(0);
            prop_assert_eq!(
                Account::decode(&record),
                Err(RecordError::Long { record: "account", excess: 1 })
            );
        }
    }

    #[test]
    fn a_record_of_another_version_is_refused() {
        assert_eq!(
            Invite::decode(&[2, 0, 0]),
            Err(RecordError::Version {
                record: "invite",
                found: 2,
                expected: 1
            })
        );
    }

    #[test]
    fn a_person_does_not_print() {
        let message = StoredMessage {
            seq: 1,
            message_id: MessageId::random(),
            sender: UserId::random(),
            recipient: UserId::random(),
            timestamp: Timestamp::from_millis(1),
            payload: Bytes::from_static(b"secret"),
        };
        assert_eq!(
            format!("{message:?}"),
            "StoredMessage { seq: 1, bytes: 6, .. }"
        );
    }
}
