//! What members decided about each other, under tags and sealed by the caller: the store knows
//! neither who nor what.

use redb::ReadableTable;

use super::error::StoreError;
use super::handle::Store;
use super::tables::{Tables, contact_key};

/// So many contacts an owner may have.
pub const MAX_CONTACTS: usize = 4096;

/// What became of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactStored {
    /// It is stored.
    Stored,
    /// The owner has [`MAX_CONTACTS`] others.
    Full,
}

impl Store {
    /// Stores what `owner` decided about `peer`, over what was there.
    pub async fn put_contact(
        &self,
        owner: [u8; 16],
        peer: [u8; 16],
        sealed: Vec<u8>,
    ) -> Result<ContactStored, StoreError> {
        let key = contact_key(owner, peer);
        self.write(move |tables| {
            if tables.contacts.get(&key)?.is_none() && count(tables, owner)? >= MAX_CONTACTS {
                return Ok(ContactStored::Full);
            }
            tables.contacts.insert(&key, sealed.as_slice())?;
            Ok(ContactStored::Stored)
        })
        .await
    }

    /// Forgets what `owner` decided about `peer`, if anything.
    pub async fn remove_contact(&self, owner: [u8; 16], peer: [u8; 16]) -> Result<(), StoreError> {
        let key = contact_key(owner, peer);
        self.write(move |tables| {
            tables.contacts.remove(&key)?;
            Ok(())
        })
        .await
    }
}

/// Forgets everything `owner` decided.
pub(super) fn remove_all_of(tables: &mut Tables<'_>, owner: [u8; 16]) -> Result<(), StoreError> {
    let (first, last) = (contact_key(owner, [0; 16]), contact_key(owner, [255; 16]));
    tables
        .contacts
        .retain_in::<&[u8; 32], _>(&first..=&last, |_, _| false)?;
    Ok(())
}

fn count(tables: &Tables<'_>, owner: [u8; 16]) -> Result<usize, StoreError> {
    let (first, last) = (contact_key(owner, [0; 16]), contact_key(owner, [255; 16]));
    Ok(tables.contacts.range::<&[u8; 32]>(&first..=&last)?.count())
}
