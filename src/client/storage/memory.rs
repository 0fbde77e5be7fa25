//! Records that end with the process: for tests, and for clients that want to leave nothing behind.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Change, Storage, StorageError};

/// Records in memory.
#[derive(Debug, Default)]
pub struct MemoryStorage {
    records: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Storage for MemoryStorage {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(records.get(name).cloned())
    }

    fn names(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<String>, StorageError> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let names = records.range(prefix.to_owned()..).map(|(name, _)| name);
        let fitting = names
            .take_while(|name| name.starts_with(prefix))
            .filter(|name| name.as_str() > after);
        Ok(fitting.take(limit).cloned().collect())
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), StorageError> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for change in changes {
            match change {
                Change::Put { name, record } => records.insert(name, record),
                Change::Remove { name } => records.remove(&name),
            };
        }
        Ok(())
    }
}
