//! A storage and the key that its records are sealed under (E2EE.md §10.1): what is read was written
//! here, under this name.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::Error;
use super::storage::{
    Change, DiskStorage, MemoryStorage, Passphrase, Storage, StorageError, place, unlock,
};
use crate::base::{Secret, random};
use crate::e2ee::{Refusal, Sealer, StoreKey};

/// How many records the key sealed: in the clear, because it is about the key and not under it.
const SEALED: &str = "store-key/sealed";
/// What is about the key.
const ABOUT_KEY: &str = "store-key/";

/// Where an account is kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {
    storage: Arc<dyn Storage>,
    sealer: Arc<Mutex<Sealer>>,
}

impl Vault {
    /// A vault of any storage. Who keeps the key sees to its rotation: [`Sealer`] says when.
    pub fn new(storage: Arc<dyn Storage>, key: StoreKey) -> Result<Self, Error> {
        let sealer = Sealer::resume(key, sealed(&*storage)?);
        Ok(Self {
            storage,
            sealer: Arc::new(Mutex::new(sealer)),
        })
    }

    /// The vault of a directory on disk, made where there is none. A worn key is rotated. Blocks,
    /// with a passphrase for a good part of a second.
    pub fn at(directory: &Path, passphrase: &Passphrase) -> Result<Self, Error> {
        let storage = DiskStorage::open(directory)?;
        let mut key = unlock(directory, passphrase)?;
        if let Some(next) = handed_over(&storage, &key)? {
            place(directory, &next, passphrase)?;
            key = next;
        }
        forget_hand_over(&storage)?;
        let present = Sealer::resume(key, sealed(&storage)?);
        if present.is_worn() {
            key = rotate(&storage, &present)?;
            place(directory, &key, passphrase)?;
            forget_hand_over(&storage)?;
        } else {
            key = present.key().clone();
        }
        Self::new(Arc::new(storage), key)
    }

    /// A vault that ends with the process.
    pub fn in_memory() -> Self {
        let key = StoreKey::new(Secret::random());
        Self {
            storage: Arc::<MemoryStorage>::default(),
            sealer: Arc::new(Mutex::new(Sealer::new(key))),
        }
    }

    pub(super) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        match self.storage.read(name)? {
            Some(sealed) => Ok(Some(self.sealer().open(name, &sealed)?)),
            None => Ok(None),
        }
    }

    pub(super) fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        const NOT_OURS: Refusal = Refusal::Malformed("a record of this version");
        let Some(record) = self.read(name)? else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_slice(&record).map_err(|_| NOT_OURS)?))
    }

    pub(super) fn names(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        Ok(self.storage.names(prefix, after, limit)?)
    }

    /// Begins a transaction.
    pub(super) const fn change(&self) -> Transaction<'_> {
        Transaction {
            vault: self,
            changes: Vec::new(),
            refusal: None,
        }
    }

    fn sealer(&self) -> MutexGuard<'_, Sealer> {
        self.sealer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn sealed(storage: &dyn Storage) -> Result<u64, Error> {
    const NOT_A_COUNT: Refusal = Refusal::Malformed("a count of eight bytes");
    let Some(count) = storage.read(SEALED)? else {
        return Ok(0);
    };
    let count = count.try_into().map_err(|_| NOT_A_COUNT)?;
    Ok(u64::from_be_bytes(count))
}

fn counted(sealer: &Sealer) -> Change {
    Change::Put {
        name: SEALED.to_owned(),
        record: sealer.sealed().to_be_bytes().to_vec(),
    }
}

/// The next key, where a rotation was interrupted before that key was in its place.
fn handed_over(storage: &dyn Storage, key: &StoreKey) -> Result<Option<StoreKey>, Error> {
    let record = storage.read(Sealer::HAND_OVER)?;
    let sealer = Sealer::new(key.clone());
    // Sealed under another key than this: this is the next one already.
    Ok(record.and_then(|record| sealer.handed_over(&record).ok()))
}

fn forget_hand_over(storage: &dyn Storage) -> Result<(), StorageError> {
    if storage.read(Sealer::HAND_OVER)?.is_none() {
        return Ok(());
    }
    let name = Sealer::HAND_OVER.to_owned();
    storage.commit(vec![Change::Remove { name }])
}

/// Brings every record under a new key, in one transaction.
fn rotate(storage: &dyn Storage, before: &Sealer) -> Result<StoreKey, Error> {
    let next = StoreKey::new(Secret::random());
    let mut sealer = Sealer::new(next.clone());
    let mut changes = Vec::new();
    for name in storage.names("", "", usize::MAX)? {
        if name.starts_with(ABOUT_KEY) {
            continue;
        }
        if let Some(record) = storage.read(&name)? {
            let record = sealer.take_from(before, &name, &record, random::draw())?;
            changes.push(Change::Put { name, record });
        }
    }
    changes.push(counted(&sealer));
    changes.push(Change::Put {
        name: Sealer::HAND_OVER.to_owned(),
        record: before.hand_over(&next, random::draw()),
    });
    storage.commit(changes)?;
    Ok(next)
}

/// Changes that are made together or not at all.
#[derive(Debug)]
pub(super) struct Transaction<'a> {
    vault: &'a Vault,
    changes: Vec<Change>,
    /// Why nothing will be changed.
    refusal: Option<Refusal>,
}

impl Transaction<'_> {
    pub(super) fn put(&mut self, name: String, record: &[u8]) {
        let sealed = self.vault.sealer().seal(&name, random::draw(), record);
        match sealed {
            Ok(record) => self.changes.push(Change::Put { name, record }),
            Err(refusal) => self.refusal = Some(refusal),
        }
    }

    pub(super) fn put_json(&mut self, name: String, record: &impl Serialize) {
        #[expect(clippy::expect_used, reason = "no map has a key that isn't a string")]
        let text = serde_json::to_vec(record).expect("every record is JSON");
        self.put(name, &Zeroizing::new(text));
    }

    pub(super) fn remove(&mut self, name: String) {
        self.changes.push(Change::Remove { name });
    }

    pub(super) fn commit(mut self) -> Result<(), Error> {
        if let Some(refusal) = self.refusal {
            return Err(refusal.into());
        }
        self.changes.push(counted(&self.vault.sealer()));
        Ok(self.vault.storage.commit(self.changes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> StoreKey {
        StoreKey::new(Secret::new([byte; 32]))
    }

    fn put(vault: &Vault, name: &str, record: &[u8]) {
        let mut change = vault.change();
        change.put(name.to_owned(), record);
        change.commit().unwrap();
    }

    #[test]
    fn what_lies_in_the_storage_is_sealed_and_bound_to_its_name() {
        let storage = Arc::<MemoryStorage>::default();
        let vault = Vault::new(Arc::clone(&storage) as Arc<dyn Storage>, key(7)).unwrap();
        put(&vault, "a", b"secret");
        let sealed = storage.read("a").unwrap().unwrap();
        assert!(!sealed.windows(6).any(|six| six == b"secret"));
        assert_eq!(**vault.read("a").unwrap().unwrap(), *b"secret");
        let swapped = Change::Put {
            name: "b".to_owned(),
            record: sealed,
        };
        storage.commit(vec![swapped]).unwrap();
        assert!(vault.read("b").is_err());
    }

    #[test]
    fn what_a_key_seals_is_counted_through_restarts() {
        let storage: Arc<dyn Storage> = Arc::<MemoryStorage>::default();
        for round in 1..4 {
            let vault = Vault::new(Arc::clone(&storage), key(7)).unwrap();
            put(&vault, "a", b"record");
            assert_eq!(sealed(&*storage).unwrap(), round);
        }
    }

    /// A directory whose key is worn, with one record.
    fn worn() -> (tempfile::TempDir, StoreKey) {
        let directory = tempfile::TempDir::new().unwrap();
        let place = directory.path();
        put(
            &Vault::at(place, &Passphrase::None).unwrap(),
            "a",
            b"record",
        );
        let storage = DiskStorage::open(place).unwrap();
        let record = Sealer::ROTATE_AT.to_be_bytes().to_vec();
        let name = SEALED.to_owned();
        storage.commit(vec![Change::Put { name, record }]).unwrap();
        let key = unlock(place, &Passphrase::None).unwrap();
        (directory, key)
    }

    fn is_whole(directory: &Path, before: &StoreKey) {
        let vault = Vault::at(directory, &Passphrase::None).unwrap();
        assert_eq!(**vault.read("a").unwrap().unwrap(), *b"record");
        let storage = &*vault.storage;
        assert_eq!(storage.read(Sealer::HAND_OVER).unwrap(), None);
        assert!(sealed(storage).unwrap() < 10);
        assert!(unlock(directory, &Passphrase::None).unwrap() != *before);
    }

    #[test]
    fn a_worn_key_is_rotated_at_the_start() {
        let (directory, before) = worn();
        is_whole(directory.path(), &before);
    }

    #[test]
    fn a_rotation_that_was_interrupted_is_finished() {
        for is_placed in [false, true] {
            let (directory, before) = worn();
            let storage = DiskStorage::open(directory.path()).unwrap();
            let present = Sealer::resume(before.clone(), Sealer::ROTATE_AT);
            let next = rotate(&storage, &present).unwrap();
            if is_placed {
                place(directory.path(), &next, &Passphrase::None).unwrap();
            }
            drop(storage);
            is_whole(directory.path(), &before);
            assert!(unlock(directory.path(), &Passphrase::None).unwrap() == next);
        }
    }
}
