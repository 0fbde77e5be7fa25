//! Members who asked to take part in presence. Nothing is kept of those who didn't.

use crate::base::UserId;

use super::accounts::Update;
use super::error::StoreError;
use super::handle::Store;
use super::tables::{PRESENCE, later_table};

impl Store {
    /// Whether `user` takes part.
    pub async fn takes_part(&self, user: UserId) -> Result<bool, StoreError> {
        self.read(move |snapshot| {
            let Some(presence) = later_table(snapshot.transaction(), PRESENCE)? else {
                return Ok(false);
            };
            Ok(presence.get(user.as_bytes())?.is_some())
        })
        .await
    }

    /// Lets `user` take part, or no longer.
    pub async fn set_takes_part(&self, user: UserId, takes: bool) -> Result<Update, StoreError> {
        self.write(move |tables| {
            if tables.account(user)?.is_none() {
                return Ok(Update::NoSuchUser);
            }
            if takes {
                tables.presence.insert(user.as_bytes(), ())?;
            } else {
                tables.presence.remove(user.as_bytes())?;
            }
            Ok(Update::Applied)
        })
        .await
    }
}
