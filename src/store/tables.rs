//! Every table of the database: its key, its value, and its version in the name.
//!
//! Numbers in keys are big-endian, so that bytes sort as the numbers do. Values are records
//! ([`super::record`]) unless said otherwise. Rows that belong together share a key prefix, and what
//! is written most ([`MESSAGES`]) is only ever appended to.

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, Table, TableDefinition, Value,
    WriteTransaction,
};

use crate::base::{Timestamp, UserId};

use super::error::{RecordError, StoreError};
use super::record::{Account, Record};

/// Name → number: `schema` and `program` ([`super::migrate`]), and `epoch`, which rises when a backup
/// is restored.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta-1");

/// User → account record.
pub(super) const ACCOUNTS: TableDefinition<'_, &[u8; 16], &[u8]> =
    TableDefinition::new("accounts-1");

/// Handle tag → user: 16 bytes.
pub(super) const HANDLES: TableDefinition<'_, &[u8; 32], &[u8; 16]> =
    TableDefinition::new("handles-1");

/// User ‖ key id (u32) → public key: 32 bytes. The one-time prekeys not handed out yet.
pub(super) const PREKEYS: TableDefinition<'_, &[u8; 20], &[u8; 32]> =
    TableDefinition::new("prekeys-1");

/// Code hash → invite record.
pub(super) const INVITES: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("invites-1");

/// Owner tag ‖ peer tag → what the owner decided about the peer, sealed by the caller.
pub(super) const CONTACTS: TableDefinition<'_, &[u8; 32], &[u8]> =
    TableDefinition::new("contacts-1");

/// Owner tag ‖ number (u64) → day of the end (u32) ‖ a line of the owner's call history, sealed by the
/// caller.
pub(super) const CALLS: TableDefinition<'_, &[u8; 24], &[u8]> = TableDefinition::new("calls-1");

/// Sequence number → message record. All messages, in the order in which they were accepted.
pub(super) const MESSAGES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("messages-1");

/// Recipient ‖ sequence number (u64) → queue record: what is known of a message without its payload.
pub(super) const QUEUES: TableDefinition<'_, &[u8; 24], &[u8]> = TableDefinition::new("queues-1");

/// User → suspension record: until when and why a member is barred.
pub(super) const SUSPENSIONS: TableDefinition<'_, &[u8; 16], &[u8]> =
    TableDefinition::new("suspensions-1");

/// User → nothing. Members who take part in presence.
pub(super) const PRESENCE: TableDefinition<'_, &[u8; 16], ()> = TableDefinition::new("presence-1");

/// Sequence number → deed record. What operators did, the oldest first.
pub(super) const AUDIT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("audit-1");

/// User ‖ subscription tag (16) → day of the last renewal (u32) ‖ where a device is woken, sealed by the
/// caller.
pub(super) const SUBSCRIPTIONS: TableDefinition<'_, &[u8; 32], &[u8]> =
    TableDefinition::new("subscriptions-1");

/// The name of the schema version in [`META`].
pub(super) const SCHEMA: &str = "schema";
/// The name of the version of the program that last opened the database, in [`META`].
pub(super) const PROGRAM: &str = "program";
/// The name of the epoch in [`META`].
pub(super) const EPOCH: &str = "epoch";

/// Every table, opened for one write transaction.
pub(super) struct Tables<'txn> {
    pub(super) meta: Table<'txn, &'static str, u64>,
    pub(super) accounts: Table<'txn, &'static [u8; 16], &'static [u8]>,
    pub(super) handles: Table<'txn, &'static [u8; 32], &'static [u8; 16]>,
    pub(super) prekeys: Table<'txn, &'static [u8; 20], &'static [u8; 32]>,
    pub(super) invites: Table<'txn, &'static [u8; 32], &'static [u8]>,
    pub(super) contacts: Table<'txn, &'static [u8; 32], &'static [u8]>,
    pub(super) calls: Table<'txn, &'static [u8; 24], &'static [u8]>,
    pub(super) messages: Table<'txn, u64, &'static [u8]>,
    pub(super) queues: Table<'txn, &'static [u8; 24], &'static [u8]>,
    pub(super) suspensions: Table<'txn, &'static [u8; 16], &'static [u8]>,
    pub(super) presence: Table<'txn, &'static [u8; 16], ()>,
    pub(super) audit: Table<'txn, u64, &'static [u8]>,
    pub(super) subscriptions: Table<'txn, &'static [u8; 32], &'static [u8]>,
}

impl<'txn> Tables<'txn> {
    /// Opens every table; one that doesn't exist is made.
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            meta: transaction.open_table(META)?,
            accounts: transaction.open_table(ACCOUNTS)?,
            handles: transaction.open_table(HANDLES)?,
            prekeys: transaction.open_table(PREKEYS)?,
            invites: transaction.open_table(INVITES)?,
            contacts: transaction.open_table(CONTACTS)?,
            calls: transaction.open_table(CALLS)?,
            messages: transaction.open_table(MESSAGES)?,
            queues: transaction.open_table(QUEUES)?,
            suspensions: transaction.open_table(SUSPENSIONS)?,
            presence: transaction.open_table(PRESENCE)?,
            audit: transaction.open_table(AUDIT)?,
            subscriptions: transaction.open_table(SUBSCRIPTIONS)?,
        })
    }

    /// The account of `user`, if there is one.
    pub(super) fn account(&self, user: UserId) -> Result<Option<Account>, StoreError> {
        account_in(&self.accounts, user)
    }

    /// Writes `account` over what was there.
    pub(super) fn put_account(&mut self, account: &Account) -> Result<(), StoreError> {
        let record = account.encode();
        self.accounts
            .insert(account.user.as_bytes(), record.as_slice())?;
        Ok(())
    }
}

/// A table that came with a later version, and that a database may have to wait for until its first
/// write. None: it has none yet.
pub(super) fn later_table<K: Key + 'static, V: Value + 'static>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<Option<ReadOnlyTable<K, V>>, StoreError> {
    match transaction.open_table(table) {
        Ok(table) => Ok(Some(table)),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The account of `user` in a table that is open for reading or for writing.
pub(super) fn account_in(
    accounts: &impl ReadableTable<&'static [u8; 16], &'static [u8]>,
    user: UserId,
) -> Result<Option<Account>, StoreError> {
    let Some(row) = accounts.get(user.as_bytes())? else {
        return Ok(None);
    };
    Ok(Some(Account::decode(row.value())?))
}

/// The user a handle belongs to, in a table that is open for reading or for writing.
pub(super) fn user_in(
    handles: &impl ReadableTable<&'static [u8; 32], &'static [u8; 16]>,
    handle: &[u8; 32],
) -> Result<Option<UserId>, StoreError> {
    let row = handles.get(handle)?;
    Ok(row.map(|row| UserId::from_bytes(*row.value())))
}

/// What a number in [`META`] is, as far as this transaction sees. None before the first start.
pub(super) fn number(transaction: &ReadTransaction, name: &str) -> Result<Option<u64>, StoreError> {
    match transaction.open_table(META) {
        Ok(meta) => Ok(meta.get(name)?.map(|row| row.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The key of a one-time prekey.
pub(super) fn prekey_key(user: UserId, id: u32) -> [u8; 20] {
    let mut key = [0; 20];
    let (owner, number) = key.split_at_mut(16);
    owner.copy_from_slice(user.as_bytes());
    number.copy_from_slice(&id.to_be_bytes());
    key
}

/// The id in the key of a one-time prekey.
pub(super) fn prekey_id(key: &[u8; 20]) -> u32 {
    let mut id = [0; 4];
    id.copy_from_slice(&key[16..]);
    u32::from_be_bytes(id)
}

/// The key of a contact.
pub(super) fn contact_key(owner: [u8; 16], peer: [u8; 16]) -> [u8; 32] {
    let mut key = [0; 32];
    let (first, second) = key.split_at_mut(16);
    first.copy_from_slice(&owner);
    second.copy_from_slice(&peer);
    key
}

/// The peer's tag in the key of a contact.
pub(super) fn contact_peer(key: &[u8; 32]) -> [u8; 16] {
    let mut peer = [0; 16];
    peer.copy_from_slice(&key[16..]);
    peer
}

/// The key of a line in a call history.
pub(super) fn call_key(owner: [u8; 16], number: u64) -> [u8; 24] {
    let mut key = [0; 24];
    let (first, second) = key.split_at_mut(16);
    first.copy_from_slice(&owner);
    second.copy_from_slice(&number.to_be_bytes());
    key
}

/// The key of a queue row.
pub(super) fn queue_key(recipient: UserId, seq: u64) -> [u8; 24] {
    let mut key = [0; 24];
    let (owner, number) = key.split_at_mut(16);
    owner.copy_from_slice(recipient.as_bytes());
    number.copy_from_slice(&seq.to_be_bytes());
    key
}

/// The sequence number in the key of a queue row.
pub(super) fn queue_seq(key: &[u8; 24]) -> u64 {
    let mut seq = [0; 8];
    seq.copy_from_slice(&key[16..]);
    u64::from_be_bytes(seq)
}

/// Whether a message of that time has outlived `cutoff`.
pub(super) fn is_expired(timestamp: Timestamp, cutoff: Timestamp) -> bool {
    timestamp < cutoff
}

/// The error for a row that another row promised.
pub(super) fn missing(record: &'static str) -> StoreError {
    RecordError::Missing { record }.into()
}
