//! Every table as rows of bytes: for what goes through the whole database, whatever is in it.

use redb::{
    Key, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, TableError,
    TableHandle, Value, WriteTransaction,
};

use super::error::{RecordError, StoreError};
use super::tables::{
    ACCOUNTS, AUDIT, CALLS, CONTACTS, HANDLES, INVITES, MESSAGES, META, PREKEYS, PRESENCE, QUEUES,
    SUBSCRIPTIONS, SUSPENSIONS,
};

/// Every table that a schema has or had, in the order in which they are best written. A migration
/// that leaves a table behind keeps its definition here, so that old backups can still be read.
pub(super) const ALL: [&dyn Rows; 13] = [
    &META,
    &ACCOUNTS,
    &HANDLES,
    &PREKEYS,
    &INVITES,
    &CONTACTS,
    &CALLS,
    &MESSAGES,
    &QUEUES,
    &SUSPENSIONS,
    &PRESENCE,
    &AUDIT,
    &SUBSCRIPTIONS,
];

/// A key and its value, as the database has them.
pub(super) type Row = (Vec<u8>, Vec<u8>);

/// Hears of each row: key, value.
pub(super) type Listener<'a, E> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), E>;

/// How much room a table takes.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TableSize {
    /// Its name, with its version.
    pub name: String,
    /// Rows in it.
    pub rows: u64,
    /// Bytes of keys and values.
    pub stored_bytes: u64,
    /// Bytes of what finds them, and bytes lost between them.
    pub overhead_bytes: u64,
}

/// A table, whatever its types.
pub(super) trait Rows: Sync {
    /// Its name, with its version.
    fn name(&self) -> &str;
    /// How big it is, as this transaction sees. None where it doesn't exist.
    fn size(&self, transaction: &ReadTransaction) -> Result<Option<TableSize>, StoreError>;
    /// Tells each row, in the order of the keys. A table that doesn't exist has none.
    fn each(
        &self,
        transaction: &ReadTransaction,
        listener: Listener<'_, StoreError>,
    ) -> Result<(), StoreError>;
    /// Writes rows, after looking whether they can be rows of this table.
    fn insert(&self, transaction: &WriteTransaction, rows: &[Row]) -> Result<(), StoreError>;
}

/// The table of this name, if there ever was one.
pub(super) fn named(name: &str) -> Option<&'static dyn Rows> {
    ALL.into_iter().find(|table| table.name() == name)
}

impl<K: Key + Sync + 'static, V: Value + Sync + 'static> Rows for TableDefinition<'static, K, V> {
    fn name(&self) -> &str {
        TableHandle::name(self)
    }

    fn size(&self, transaction: &ReadTransaction) -> Result<Option<TableSize>, StoreError> {
        let table = match transaction.open_table(*self) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let stats = table.stats()?;
        Ok(Some(TableSize {
            name: Rows::name(self).to_owned(),
            rows: table.len()?,
            stored_bytes: stats.stored_bytes(),
            overhead_bytes: stats.metadata_bytes() + stats.fragmented_bytes(),
        }))
    }

    fn each(
        &self,
        transaction: &ReadTransaction,
        listener: Listener<'_, StoreError>,
    ) -> Result<(), StoreError> {
        let table = match transaction.open_table(*self) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        for row in table.iter()? {
            let (key, value) = row?;
            let (key, value) = (key.value(), value.value());
            listener(K::as_bytes(&key).as_ref(), V::as_bytes(&value).as_ref())?;
        }
        Ok(())
    }

    fn insert(&self, transaction: &WriteTransaction, rows: &[Row]) -> Result<(), StoreError> {
        let mut table = transaction.open_table(*self)?;
        for (key, value) in rows {
            if !fits::<K>(key) || !fits::<V>(value) {
                return Err(RecordError::Field {
                    record: "row",
                    field: "length",
                }
                .into());
            }
            table.insert(K::from_bytes(key), V::from_bytes(value))?;
        }
        Ok(())
    }
}

/// Whether these bytes are some value of this type: of its width, and text where it is text.
fn fits<T: Value>(bytes: &[u8]) -> bool {
    T::fixed_width().is_none_or(|width| bytes.len() == width)
        && (T::type_name() != <&str>::type_name() || str::from_utf8(bytes).is_ok())
}
