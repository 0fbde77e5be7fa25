//! Barring a member and letting them in again, as the operator does.
//!
//! A suspended member keeps the account: they may log in again, read what waits for them and delete
//! the account; they may neither send nor call. Their socket is closed when it happens, and so are
//! their tokens worth nothing: what they do after is done as somebody who is suspended.

use super::Messenger;
use super::error::Error;
use crate::base::{Timestamp, UserId};
use crate::hub::Farewell;
use crate::store::{Account, Change, Changed, Deed, Standing, Suspension};

/// Whether a member may act. Asked whenever they do, so that a suspension ends by itself, to the
/// moment, with nobody at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bar {
    /// They may.
    None,
    /// They may from then on.
    Until(Timestamp),
    /// They may when an operator says so.
    Lasting,
}

impl Bar {
    /// Whether it keeps them from acting at `now`.
    pub(super) fn holds(self, now: Timestamp) -> bool {
        match self {
            Self::None => false,
            Self::Until(end) => now < end,
            Self::Lasting => true,
        }
    }

    /// What a suspension amounts to.
    pub(super) fn of(suspension: &Suspension) -> Self {
        suspension.until.map_or(Self::Lasting, Self::Until)
    }
}

impl Messenger {
    /// Bars `user` for good. When this returns, their tokens are refused, their session is closed with
    /// 4403, their calls are over, and so are their allocations and credentials at this box's relay.
    pub async fn suspend(&self, user: UserId) -> Result<(), Error> {
        let suspension = Suspension {
            since: self.clock.now(),
            until: None,
            reason: None,
        };
        let deed = self.operator().deed("user suspend", None, None);
        self.bar(user, suspension, deed).await
    }

    /// Lets `user` in again; they have to log in anew.
    pub async fn resume(&self, user: UserId) -> Result<(), Error> {
        let deed = self.operator().deed("user resume", None, None);
        self.unbar(user, deed).await
    }

    /// Bars `user` as `suspension` says.
    pub(super) async fn bar(
        &self,
        user: UserId,
        suspension: Suspension,
        deed: Deed,
    ) -> Result<(), Error> {
        let messenger = self.clone();
        Self::see_through(async move {
            // Held meanwhile, so that nobody loads another from what the store had before.
            let mailbox = messenger.mailbox(user).await?;
            let _changing = mailbox.changing.lock().await;
            let (bar, since) = (Bar::of(&suspension), suspension.since);
            let change = Change::Suspend(user, suspension);
            found(messenger.store.operate(change, deed).await?)?;
            {
                let mut state = mailbox.lock();
                state.bar = bar;
                state.tokens_since = state.tokens_since.max(since);
            }
            messenger.close_session(user, Farewell::AccountGone);
            messenger.evict_from_relay(user).await;
            Ok(())
        })
        .await
    }

    /// Lets `user` in again.
    pub(super) async fn unbar(&self, user: UserId, deed: Deed) -> Result<(), Error> {
        let messenger = self.clone();
        Self::see_through(async move {
            let mailbox = messenger.mailbox(user).await?;
            let _changing = mailbox.changing.lock().await;
            let change = Change::Resume(user);
            found(messenger.store.operate(change, deed).await?)?;
            let mut state = mailbox.lock();
            state.bar = Bar::None;
            messenger.reconsider(user, &state);
            Ok(())
        })
        .await
    }

    /// What keeps the owner of an account from acting.
    pub(super) async fn load_bar(&self, account: &Account) -> Result<Bar, Error> {
        if account.standing == Standing::Active {
            return Ok(Bar::None);
        }
        let suspension = self.store.suspension(account.user).await?;
        Ok(suspension.as_ref().map_or(Bar::Lasting, Bar::of))
    }
}

/// Somebody was there to be changed.
pub(super) fn found(changed: Changed) -> Result<(), Error> {
    match changed {
        Changed::Done => Ok(()),
        Changed::Missing => Err(Error::UserNotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_ends_with_its_time_and_not_before() {
        let at = Timestamp::from_millis;
        assert!(Bar::Until(at(10)).holds(at(9)));
        assert!(!Bar::Until(at(10)).holds(at(10)));
        assert!(Bar::Lasting.holds(at(u64::MAX)));
        assert!(!Bar::None.holds(at(0)));
    }
}
