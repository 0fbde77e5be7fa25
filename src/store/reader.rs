//! Reads: each from a snapshot of its own, never through the writer.

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};

use crate::base::{Timestamp, UserId};

use super::disk::Disk;
use super::error::StoreError;
use super::handle::Store;
use super::record::{Account, Invite, QueueEntry, Record, StoredMessage};
use super::tables::{
    ACCOUNTS, CONTACTS, EPOCH, HANDLES, INVITES, MESSAGES, PREKEYS, QUEUES, account_in,
    contact_key, contact_peer, is_expired, missing, number, prekey_id, prekey_key, queue_key,
    queue_seq, user_in,
};

/// How much is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// Accounts, suspended ones included.
    pub accounts: u64,
    /// Messages that wait for their recipients.
    pub queued_messages: u64,
    /// When the message was accepted that has waited for longest.
    pub oldest_message: Option<Timestamp>,
    /// Bytes of the database file; space inside it is reused.
    pub file_bytes: u64,
}

/// What an owner may know of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// How many one-time prekeys are left.
    pub count: u32,
    /// The signed prekey.
    pub signed_prekey: [u8; 32],
    /// When it was stored.
    pub signed_prekey_at: Timestamp,
    /// The identity key.
    pub identity_key: [u8; 32],
    /// The ids of the one-time prekeys that are left, ascending.
    pub ids: Vec<u32>,
}

impl Store {
    /// The account of a user.
    pub async fn account(&self, user: UserId) -> Result<Option<Account>, StoreError> {
        self.read(move |snapshot| snapshot.account(user)).await
    }

    /// The account behind a handle.
    pub async fn account_by_handle(&self, handle: [u8; 32]) -> Result<Option<Account>, StoreError> {
        self.read(move |snapshot| {
            let handles = snapshot.transaction.open_table(HANDLES)?;
            user_in(&handles, &handle)?.map_or(Ok(None), |user| snapshot.account(user))
        })
        .await
    }

    /// What is left of a user's keys.
    pub async fn key_status(&self, user: UserId) -> Result<Option<KeyStatus>, StoreError> {
        self.read(move |snapshot| {
            let prekeys = snapshot.transaction.open_table(PREKEYS)?;
            let account = snapshot.account(user)?;
            account
                .map(|account| status_in(&prekeys, &account))
                .transpose()
        })
        .await
    }

    /// Everything that waits for `recipient`, oldest first, without the payloads.
    pub async fn queue(&self, recipient: UserId) -> Result<Vec<QueueEntry>, StoreError> {
        self.read(move |snapshot| {
            let queues = snapshot.transaction.open_table(QUEUES)?;
            let rows = queues
                .range::<&[u8; 24]>(&queue_key(recipient, 0)..=&queue_key(recipient, u64::MAX))?;
            rows.map(|row| {
                let (key, record) = row?;
                Ok(QueueEntry::decode(queue_seq(key.value()), record.value())?)
            })
            .collect()
        })
        .await
    }

    /// The next messages for `recipient` after the one numbered `after`, oldest first: at most
    /// `max_messages`, and so many that their payloads stay within `max_bytes`, but at least one if
    /// there is one. Those from before `not_before` are passed over.
    pub async fn page(
        &self,
        recipient: UserId,
        after: Option<u64>,
        max_messages: usize,
        max_bytes: usize,
        not_before: Timestamp,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let Some(first) = after.map_or(Some(0), |after| after.checked_add(1)) else {
            return Ok(Vec::new());
        };
        let room = Room {
            messages: max_messages,
            bytes: max_bytes,
        };
        self.read(move |snapshot| snapshot.page(recipient, first, room, not_before))
            .await
    }

    /// The messages of these numbers, as far as they exist, in the order asked for.
    pub async fn messages(&self, seqs: &[u64]) -> Result<Vec<StoredMessage>, StoreError> {
        let seqs = seqs.to_vec();
        self.read(move |snapshot| {
            let messages = snapshot.transaction.open_table(MESSAGES)?;
            let found = seqs.iter().map(|seq| message_in(&messages, *seq));
            found.filter_map(Result::transpose).collect()
        })
        .await
    }

    /// The number after the highest of any stored message; 1 when there is none.
    pub async fn next_seq(&self) -> Result<u64, StoreError> {
        self.read(|snapshot| {
            let messages = snapshot.transaction.open_table(MESSAGES)?;
            let last = messages.last()?.map(|(seq, _)| seq.value());
            Ok(last.unwrap_or(0).saturating_add(1))
        })
        .await
    }

    /// What `owner` decided about `peer`, sealed.
    pub async fn contact(
        &self,
        owner: [u8; 16],
        peer: [u8; 16],
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(move |snapshot| {
            let contacts = snapshot.transaction.open_table(CONTACTS)?;
            let row = contacts.get(&contact_key(owner, peer))?;
            Ok(row.map(|row| row.value().to_vec()))
        })
        .await
    }

    /// Everything `owner` decided: the peers' tags, and what is sealed.
    pub async fn contacts(&self, owner: [u8; 16]) -> Result<Vec<([u8; 16], Vec<u8>)>, StoreError> {
        self.read(move |snapshot| {
            let contacts = snapshot.transaction.open_table(CONTACTS)?;
            let rows = contacts.range::<&[u8; 32]>(
                &contact_key(owner, [0; 16])..=&contact_key(owner, [255; 16]),
            )?;
            rows.map(|row| {
                let (key, sealed) = row?;
                Ok((contact_peer(key.value()), sealed.value().to_vec()))
            })
            .collect()
        })
        .await
    }

    /// Every invite with the hash of its code, valid or not.
    pub async fn invites(&self) -> Result<Vec<([u8; 32], Invite)>, StoreError> {
        self.read(|snapshot| {
            let invites = snapshot.transaction.open_table(INVITES)?;
            let rows = invites.iter()?;
            rows.map(|row| {
                let (code, record) = row?;
                Ok((*code.value(), Invite::decode(record.value())?))
            })
            .collect()
        })
        .await
    }

    /// The epoch: 1, and more after each restored backup.
    pub async fn epoch(&self) -> Result<u64, StoreError> {
        self.read(|snapshot| Ok(number(&snapshot.transaction, EPOCH)?.unwrap_or(1)))
            .await
    }

    /// How much is stored. The tables know their lengths: nothing is searched.
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        self.read(|snapshot| {
            let messages = snapshot.transaction.open_table(MESSAGES)?;
            // In the order of acceptance: the first row is the oldest.
            let first = messages.first()?;
            let envelope = first.map(|(_, record)| StoredMessage::envelope(record.value()));
            Ok(Figures {
                accounts: snapshot.transaction.open_table(ACCOUNTS)?.len()?,
                queued_messages: messages.len()?,
                oldest_message: envelope.transpose()?.map(|(accepted, _)| accepted),
                file_bytes: snapshot.disk.size()?,
            })
        })
        .await
    }
}

/// What the last commit left.
pub(super) struct Snapshot<'a> {
    transaction: ReadTransaction,
    disk: &'a Disk,
}

/// What a page may hold.
#[derive(Clone, Copy)]
struct Room {
    messages: usize,
    bytes: usize,
}

impl<'a> Snapshot<'a> {
    /// A snapshot of `disk` as it is now.
    pub(super) fn of(disk: &'a Disk) -> Result<Self, StoreError> {
        Ok(Self {
            transaction: disk.read()?,
            disk,
        })
    }

    /// The transaction that it is read by.
    pub(super) fn transaction(&self) -> &ReadTransaction {
        &self.transaction
    }

    fn account(&self, user: UserId) -> Result<Option<Account>, StoreError> {
        account_in(&self.transaction.open_table(ACCOUNTS)?, user)
    }

    fn page(
        &self,
        recipient: UserId,
        first: u64,
        mut room: Room,
        not_before: Timestamp,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let queues = self.transaction.open_table(QUEUES)?;
        let messages = self.transaction.open_table(MESSAGES)?;
        let mut page = Vec::new();
        for row in queues
            .range::<&[u8; 24]>(&queue_key(recipient, first)..=&queue_key(recipient, u64::MAX))?
        {
            let (key, record) = row?;
            let entry = QueueEntry::decode(queue_seq(key.value()), record.value())?;
            if is_expired(entry.timestamp, not_before) {
                continue;
            }
            let bytes = usize::try_from(entry.bytes).unwrap_or(usize::MAX);
            if room.messages == 0 || (bytes > room.bytes && !page.is_empty()) {
                break;
            }
            room.messages -= 1;
            room.bytes = room.bytes.saturating_sub(bytes);
            page.push(message_in(&messages, entry.seq)?.ok_or_else(|| missing("message"))?);
        }
        Ok(page)
    }
}

fn message_in(
    messages: &ReadOnlyTable<u64, &'static [u8]>,
    seq: u64,
) -> Result<Option<StoredMessage>, StoreError> {
    let Some(row) = messages.get(seq)? else {
        return Ok(None);
    };
    Ok(Some(StoredMessage::decode(seq, row.value())?))
}

/// The status of an account's keys, in a table that is open for reading or for writing.
pub(super) fn status_in(
    prekeys: &impl ReadableTable<&'static [u8; 20], &'static [u8; 32]>,
    account: &Account,
) -> Result<KeyStatus, StoreError> {
    let (first, last) = (
        prekey_key(account.user, 0),
        prekey_key(account.user, u32::MAX),
    );
    let ids = prekeys
        .range::<&[u8; 20]>(&first..=&last)?
        .map(|row| Ok(prekey_id(row?.0.value())))
        .collect::<Result<Vec<_>, StoreError>>()?;
    Ok(KeyStatus {
        count: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        signed_prekey: account.signed_prekey,
        signed_prekey_at: account.signed_prekey_at,
        identity_key: account.identity_key,
        ids,
    })
}
