//! A storage and the key that its records are sealed under (E2EE.md §10.1): what is read was written
//! here, under this name.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::Error;
use super::storage::{Change, DiskStorage, MemoryStorage, Passphrase, Storage, unlock};
use crate::base::{Secret, random};
use crate::e2ee::{Refusal, StoreKey};

/// Where an account is kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {
    storage: Arc<dyn Storage>,
    key: StoreKey,
}

impl Vault {
    /// A vault of any storage.
    pub fn new(storage: Arc<dyn Storage>, key: StoreKey) -> Self {
        Self { storage, key }
    }

    /// The vault of a directory on disk, made where there is none. Blocks, with a passphrase for a
    /// good part of a second.
    pub fn at(directory: &Path, passphrase: &Passphrase) -> Result<Self, Error> {
        let storage = DiskStorage::open(directory)?;
        let key = unlock(directory, passphrase)?;
        Ok(Self::new(Arc::new(storage), key))
    }

    /// A vault that ends with the process.
    pub fn in_memory() -> Self {
        let key = StoreKey::new(Secret::random());
        Self::new(Arc::<MemoryStorage>::default(), key)
    }

    pub(super) fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        match self.storage.read(name)? {
            Some(sealed) => Ok(Some(self.key.open(name, &sealed)?)),
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
        }
    }
}

/// Changes that are made together or not at all.
#[derive(Debug)]
pub(super) struct Transaction<'a> {
    vault: &'a Vault,
    changes: Vec<Change>,
}

impl Transaction<'_> {
    pub(super) fn put(&mut self, name: String, record: &[u8]) {
        let record = self.vault.key.seal(&name, random::draw(), record);
        self.changes.push(Change::Put { name, record });
    }

    pub(super) fn put_json(&mut self, name: String, record: &impl Serialize) {
        #[expect(clippy::expect_used, reason = "no map has a key that isn't a string")]
        let text = serde_json::to_vec(record).expect("every record is JSON");
        self.put(name, &Zeroizing::new(text));
    }

    pub(super) fn remove(&mut self, name: String) {
        self.changes.push(Change::Remove { name });
    }

    pub(super) fn commit(self) -> Result<(), Error> {
        Ok(self.vault.storage.commit(self.changes)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_the_storage_is_sealed_and_bound_to_its_name() {
        let storage = Arc::<MemoryStorage>::default();
        let vault = Vault::new(
            Arc::clone(&storage) as Arc<dyn Storage>,
            StoreKey::new(Secret::new([7; 32])),
        );
        let mut change = vault.change();
        change.put("a".to_owned(), b"secret");
        change.commit().unwrap();
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
}
