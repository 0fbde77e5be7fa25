//! Barring a member and letting them in again, as the operator does.
//!
//! A suspended member keeps the account: they may log in again, read what waits for them and delete
//! the account; they may neither send nor call.

use super::Messenger;
use super::error::Error;
use crate::base::UserId;
use crate::hub::Farewell;
use crate::store::{Standing, Update};

impl Messenger {
    /// Bars `user`. When this returns, their tokens are refused, their session is closed with 4403,
    /// their calls are over, and so are their allocations and credentials at this box's relay.
    pub async fn suspend(&self, user: UserId) -> Result<(), Error> {
        self.set_standing(user, Standing::Suspended).await
    }

    /// Lets `user` in again; they have to log in anew.
    pub async fn resume(&self, user: UserId) -> Result<(), Error> {
        self.set_standing(user, Standing::Active).await
    }

    async fn set_standing(&self, user: UserId, standing: Standing) -> Result<(), Error> {
        let messenger = self.clone();
        Self::see_through(async move {
            // Held meanwhile, so that nobody loads another from what the store had before.
            let mailbox = messenger.mailbox(user).await?;
            let now = messenger.clock.now();
            let update = messenger.store.set_standing(user, standing, now).await?;
            if update == Update::NoSuchUser {
                return Err(Error::UserNotFound);
            }
            {
                let mut state = mailbox.lock();
                state.standing = standing;
                if standing == Standing::Suspended {
                    state.tokens_since = now;
                }
            }
            if standing == Standing::Suspended {
                messenger.close_session(user, Farewell::AccountGone);
                messenger.evict_from_relay(user).await;
            }
            Ok(())
        })
        .await
    }
}
