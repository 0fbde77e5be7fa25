//! The database while no daemon has it: looked into, checked, packed, migrated.

use std::collections::HashMap;
use std::path::Path;

use redb::ReadableTable;
use serde::{Deserialize, Serialize};

use crate::base::{Timestamp, UserId};

use super::backup::{BackupError, BackupFile, BackupRequest, Progress, write};
use super::damage;
use super::disk::{Disk, Medium, StateFile};
use super::error::StoreError;
use super::handle::Store;
use super::look::check_rows;
use super::migrate::{MIGRATIONS, Migrations, Schema};
use super::queue::recipient_of;
use super::record::QueueEntry;
use super::rows::{self, TableSize};
use super::tables::{ACCOUNTS, EPOCH, QUEUES, Tables, missing, number, prekey_id, queue_seq};

/// Memory for pages; nobody else is at work.
const CACHE_BYTES: usize = 64 << 20;

/// Bytes that are free in the file, below which packing isn't worth a word.
const WORTH_PACKING: u64 = 64 << 20;

/// The database of a state directory, which nobody else has open meanwhile.
///
/// Unlike [`Store`], it opens databases of older schemas too. All methods block.
pub struct OfflineStore {
    disk: Disk,
}

/// How the room in the file is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Bytes of the database file.
    pub file_bytes: u64,
    /// Bytes in the file that are free and will be used again; known offline only.
    pub free_bytes: Option<u64>,
    /// Every table.
    pub tables: Vec<TableSize>,
    /// The queues with the most bytes, largest first.
    pub queues: Vec<QueueSize>,
    /// How many queues there are.
    pub queue_count: u64,
    /// Bytes of payloads in all queues.
    pub queue_bytes: u64,
}

impl Sizes {
    /// Bytes in the file that will be used again. While the database is in use they are what no
    /// table has, which counts a few pages of the file's own too.
    pub fn reusable(&self) -> u64 {
        let taken = |size: &TableSize| size.stored_bytes.saturating_add(size.overhead_bytes);
        let taken: u64 = self.tables.iter().map(taken).sum();
        self.free_bytes
            .unwrap_or_else(|| self.file_bytes.saturating_sub(taken))
    }

    /// Bytes that packing would give back, where that is worth stopping the daemon for: much of a
    /// large file. The file grows by doubling, so that half of it may well be free.
    pub fn worth_packing(&self) -> Option<u64> {
        let free = self.reusable();
        (free >= WORTH_PACKING && free > self.file_bytes / 5 * 3).then_some(free)
    }
}

/// What waits for one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueSize {
    /// For whom.
    pub recipient: UserId,
    /// How many messages.
    pub messages: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// The last day the member was here, in days since 1970; 0 where nobody knows.
    pub last_seen: u32,
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Integrity {
    /// Whether the checksums of all pages were right. If not, the file was brought back to its last
    /// whole state.
    pub is_file_sound: bool,
    /// Rows that read as what they should be.
    pub rows: u64,
}

/// So many queues are named.
const LARGEST: usize = 3;

impl OfflineStore {
    /// Opens the database in the directory `dir`, which must be there.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_on(Box::new(StateFile::existing(dir)?))
    }

    /// Makes an empty database in the directory `dir`, without even a schema.
    pub(super) fn create(dir: &Path) -> Result<Self, StoreError> {
        Self::open_on(Box::new(StateFile::create(dir)?))
    }

    pub(super) fn open_on(medium: Box<dyn Medium>) -> Result<Self, StoreError> {
        let disk = Disk::open(medium, CACHE_BYTES)?;
        Ok(Self { disk })
    }

    /// The schema of the database. A newer one than this version knows is an error.
    pub fn schema(&self) -> Result<Schema, StoreError> {
        let schema = damage::found_by(|| MIGRATIONS.schema(&self.disk))?;
        Ok(schema.unwrap_or(Schema {
            found: MIGRATIONS.current(),
            current: MIGRATIONS.current(),
        }))
    }

    /// Brings the database to the schema of this version. Interrupted, it goes on the next time.
    /// Nothing goes back from there but a backup, so make one first.
    pub fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_by(MIGRATIONS)
    }

    pub(super) fn migrate_by(&self, migrations: Migrations) -> Result<(), StoreError> {
        damage::found_by(|| migrations.run(&self.disk))
    }

    /// Makes the database look as if it had another schema.
    #[cfg(test)]
    pub(crate) fn pretend_schema(&self, schema: u64) {
        let transaction = self.disk.write().unwrap();
        let mut tables = Tables::open(&transaction).unwrap();
        tables.meta.insert(super::tables::SCHEMA, schema).unwrap();
        drop(tables);
        transaction.commit().unwrap();
    }

    /// The epoch.
    pub fn epoch(&self) -> Result<u64, StoreError> {
        Ok(number(&self.disk.read()?, EPOCH)?.unwrap_or(1))
    }

    /// Makes a backup.
    pub fn back_up(
        &self,
        request: &BackupRequest,
        progress: &mut Progress<'_>,
    ) -> Result<BackupFile, BackupError> {
        write(&self.disk.read()?, request, progress)
    }

    /// How the room in the file is used.
    pub fn sizes(&self) -> Result<Sizes, StoreError> {
        damage::found_by(|| self.sizes_with_free())
    }

    fn sizes_with_free(&self) -> Result<Sizes, StoreError> {
        let mut sizes = sizes_of(&self.disk)?;
        let transaction = self.disk.write()?;
        let stats = transaction.stats()?;
        transaction.abort()?;
        let used = stats
            .allocated_pages()
            .saturating_mul(stats.page_size() as u64);
        sizes.free_bytes = Some(sizes.file_bytes.saturating_sub(used));
        Ok(sizes)
    }

    /// Checks the checksum of every page, and whether every row reads as what it should be. A file
    /// whose checksums are wrong is brought back to its last whole state, if it has one.
    pub fn check(&self, progress: &mut Progress<'_>) -> Result<Integrity, StoreError> {
        damage::found_by(|| {
            let checked = self.disk.alone(|database| Ok(database.check_integrity()?));
            Ok(Integrity {
                is_file_sound: checked?,
                rows: check_rows(&self.disk.read()?, progress)?,
            })
        })
    }

    /// Packs the file. Its size before and after, bytes.
    pub fn compact(&self) -> Result<(u64, u64), StoreError> {
        let before = self.disk.size()?;
        damage::found_by(|| {
            while self.disk.alone(|database| Ok(database.compact()?))? {}
            Ok(())
        })?;
        Ok((before, self.disk.size()?))
    }

    /// What a restored database must be told: its epoch; that every one-time prekey may have been
    /// handed out since, and none of them comes back; that older tokens have ended.
    pub(super) fn settle(&self, epoch: u64, now: Timestamp) -> Result<(), StoreError> {
        let transaction = self.disk.write()?;
        {
            let mut tables = Tables::open(&transaction)?;
            settle_accounts(&mut tables, now)?;
            tables.meta.insert(EPOCH, epoch)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Looks at every row of a database that was just restored.
    pub(super) fn check_rows(&self) -> Result<u64, StoreError> {
        check_rows(&self.disk.read()?, &mut Progress::silent())
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }
}

impl std::fmt::Debug for OfflineStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OfflineStore")
    }
}

impl Store {
    /// How the room in the file is used, but for what is free in it.
    pub async fn sizes(&self) -> Result<Sizes, StoreError> {
        let disk = self.disk().clone();
        let sizes = tokio::task::spawn_blocking(move || sizes_of(&disk));
        sizes.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn settle_accounts(tables: &mut Tables<'_>, now: Timestamp) -> Result<(), StoreError> {
    let mut highest: HashMap<[u8; 16], u32> = HashMap::new();
    for row in tables.prekeys.iter()? {
        let (key, _) = row?;
        let mut user = [0; 16];
        user.copy_from_slice(&key.value()[..16]);
        let known = highest.entry(user).or_default();
        *known = prekey_id(key.value()).max(*known);
    }
    tables.prekeys.retain(|_, _| false)?;
    let users = tables.accounts.iter()?;
    let users: Vec<_> = users
        .map(|row| Ok(UserId::from_bytes(*row?.0.value())))
        .collect::<Result<_, StoreError>>()?;
    for user in users {
        let account = tables.account(user)?;
        let mut account = account.ok_or_else(|| missing("account"))?;
        let dropped = highest.get(user.as_bytes()).copied().unwrap_or(0);
        account.highest_prekey = account.highest_prekey.max(dropped);
        account.tokens_since = account.tokens_since.max(now);
        tables.put_account(&account)?;
    }
    Ok(())
}

fn sizes_of(disk: &Disk) -> Result<Sizes, StoreError> {
    let transaction = disk.read()?;
    let mut tables = Vec::new();
    for table in rows::ALL {
        tables.extend(table.size(&transaction)?);
    }
    let mut queues = largest_first(queue_sizes(disk)?);
    let queue_count = queues.len() as u64;
    let queue_bytes = queues.iter().map(|queue| queue.bytes).sum();
    queues.truncate(LARGEST);
    for queue in &mut queues {
        let accounts = transaction.open_table(ACCOUNTS)?;
        let account = super::tables::account_in(&accounts, queue.recipient)?;
        queue.last_seen = account.map_or(0, |account| account.last_seen);
    }
    Ok(Sizes {
        file_bytes: disk.size()?,
        free_bytes: None,
        tables,
        queues,
        queue_count,
        queue_bytes,
    })
}

/// Queues lie together in their table, so one running total is enough for each.
fn queue_sizes(disk: &Disk) -> Result<Vec<QueueSize>, StoreError> {
    let mut sizes: Vec<QueueSize> = Vec::new();
    for row in disk.read()?.open_table(QUEUES)?.iter()? {
        let (key, record) = row?;
        let entry = QueueEntry::decode(queue_seq(key.value()), record.value())?;
        let recipient = recipient_of(key.value());
        match sizes.last_mut().filter(|size| size.recipient == recipient) {
            Some(size) => {
                size.messages += 1;
                size.bytes += u64::from(entry.bytes);
            }
            None => sizes.push(QueueSize {
                recipient,
                messages: 1,
                bytes: entry.bytes.into(),
                last_seen: 0,
            }),
        }
    }
    Ok(sizes)
}

fn largest_first(mut sizes: Vec<QueueSize>) -> Vec<QueueSize> {
    sizes.sort_by_key(|size| std::cmp::Reverse(size.bytes));
    sizes
}
