//! Views of the messenger that offer only what their holder may do.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::Messenger;
use super::collect::MOST_LISTED;
use super::deliver::Posted;
use super::error::Error;
use super::limits::count;
use super::mailbox::Mailbox;
use super::prekeys::key_status;
use super::queue::Waiter;
use crate::auth::Claims;
use crate::base::{MessageId, Timestamp, UserId};
use crate::config::{self, RegistrationMode};
use crate::ratelimit::{Address, Limiter};
use crate::wire::binary;
use crate::wire::body::{
    Account, AccountPatch, MessagesResponse, RegisterResponse, SendRequest, SendResponse,
    ServerInfo, WaitingMessage,
};

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// An address, its own or the one that a trusted proxy vouches for.
    Address(IpAddr),
    /// This machine, through a Unix socket.
    Local,
}

impl Peer {
    fn address(self) -> Address {
        match self {
            Self::Address(address) => Address::from(address),
            Self::Local => Address::from(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        }
    }
}

/// What became of a registration.
#[derive(Debug)]
pub enum Registration {
    /// There is a new account.
    Created(RegisterResponse),
    /// There was one before, with this identity or now with it.
    Known(RegisterResponse),
}

/// Somebody without a token.
pub struct Visitor {
    pub(super) messenger: Messenger,
    peer: Peer,
}

impl Visitor {
    pub(super) fn new(messenger: Messenger, peer: Peer) -> Self {
        Self { messenger, peer }
    }

    /// What anybody may know of this daemon.
    pub fn server(&self) -> ServerInfo {
        let settings = &self.messenger.settings;
        let rules = self.messenger.rules();
        ServerInfo {
            name: "privcomm".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            origin: settings.origins.first().cloned().unwrap_or_default(),
            handle_salt: binary::encode(&self.messenger.secrets.handle_salt),
            registration: match rules.registration {
                RegistrationMode::Open => "open",
                RegistrationMode::Invite => "invite",
                RegistrationMode::Closed => "closed",
            }
            .to_owned(),
            features: self.messenger.features(),
            dialects: vec!["privcomm.v1".to_owned(), "mvchat.v1".to_owned()],
            limits: self.messenger.told_limits(&rules.limits),
            epoch: self.messenger.epoch,
        }
    }

    /// A place in the waiting room for a connection that hasn't authenticated yet.
    pub fn knock(&self) -> Result<Knock, Error> {
        self.messenger.waiting.enter(self.peer.address())
    }

    /// Where they are.
    pub(super) const fn peer(&self) -> Peer {
        self.peer
    }

    pub(super) fn count(&self, limiter: &Limiter<Address>) -> Result<(), Error> {
        count(limiter, self.peer.address(), self.messenger.clock.now())
    }
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").finish_non_exhaustive()
    }
}

/// Somebody with a token that is good.
#[derive(Clone)]
pub struct Member {
    messenger: Messenger,
    mailbox: Arc<Mailbox>,
    claims: Claims,
}

impl Member {
    pub(super) fn new(messenger: Messenger, mailbox: Arc<Mailbox>, claims: Claims) -> Self {
        Self {
            messenger,
            mailbox,
            claims,
        }
    }

    /// Who.
    pub fn user(&self) -> UserId {
        self.claims.user
    }

    /// Whether the account is gone, or its tokens were revoked since this one was looked at.
    pub(super) fn is_revoked(&self) -> bool {
        let state = self.mailbox.lock();
        let since = state.tokens_since.max(self.messenger.token_key.since());
        state.is_gone || self.claims.issued_at <= since
    }

    /// Sends a message; returns when it is safe.
    pub async fn send(&self, request: SendRequest) -> Result<SendResponse, Error> {
        let (answer, safe) = oneshot::channel();
        let posted = Posted {
            id: request.id,
            recipient: request.recipient_id,
            payload: request.payload.0.into(),
        };
        self.messenger
            .deliver(&self.mailbox, posted, Waiter::Request(answer))
            .await?;
        // The waiter goes unheard when the message was deleted before it was safe.
        let receipt = safe.await.unwrap_or(Err(Error::UserNotFound))?;
        Ok(SendResponse {
            message_id: receipt.message_id,
            status: receipt.status,
            timestamp: receipt.timestamp,
        })
    }

    /// One page of what waits, oldest first. Reading deletes nothing. An `after` that no longer
    /// waits means from the start.
    pub async fn messages(
        &self,
        limit: Option<usize>,
        after: Option<MessageId>,
    ) -> Result<MessagesResponse, Error> {
        let limit = limit.unwrap_or(MOST_LISTED);
        if !(1..=MOST_LISTED).contains(&limit) {
            return Err(Error::field("limit", "expected 1 to 100"));
        }
        let page = self.messenger.list(&self.mailbox, limit, after).await?;
        let messages = page.letters.into_iter().map(|letter| WaitingMessage {
            message_id: letter.message_id,
            sender_id: letter.sender,
            payload: String::from_utf8_lossy(&letter.payload).into_owned().into(),
            timestamp: letter.timestamp,
        });
        Ok(MessagesResponse {
            messages: messages.collect(),
            more: page.more,
        })
    }

    /// These messages arrived safely. Returns when they are deleted for good.
    pub async fn acknowledge(&self, ids: &[MessageId]) -> Result<(), Error> {
        if ids.len() > crate::wire::frame::MAX_ACKED {
            return Err(Error::field("message_ids", "expected at most 1000 ids"));
        }
        let stored = self.messenger.take_acknowledged(&self.mailbox, ids);
        if !stored.is_empty() {
            self.messenger.store.remove(self.user(), stored).await?;
        }
        Ok(())
    }

    /// Everything the daemon holds of this member.
    pub async fn account(&self) -> Result<Account, Error> {
        let store = &self.messenger.store;
        let account = store
            .account(self.user())
            .await?
            .ok_or(Error::TokenExpired)?;
        let keys = store
            .key_status(self.user())
            .await?
            .ok_or(Error::TokenExpired)?;
        let presence = store.takes_part(self.user()).await?;
        let state = self.mailbox.lock();
        Ok(Account {
            user_id: account.user,
            identity_key: binary::encode(&account.identity_key),
            registration_id: account.registration_id,
            public_name: account.public_name.map(Into::into),
            member_since: Timestamp::of_day(account.member_since).date(),
            last_seen: Timestamp::of_day(account.last_seen).date(),
            suspended: state.bar.holds(self.messenger.clock.now()),
            queued_messages: state.queue.len(),
            queued_bytes: state.queue.bytes(),
            keys: key_status(&keys, self.messenger.clock.now()),
            contacts: state.contacts.len(),
            presence,
        })
    }

    /// Changes the public name, and whether this member takes part in presence.
    pub async fn patch_account(&self, patch: AccountPatch) -> Result<Account, Error> {
        self.count_change()?;
        let name = patch.public_name.map(|name| {
            let name = name.map(|name| check_public_name(&name));
            name.transpose()
        });
        if let Some(name) = name.transpose()? {
            let store = &self.messenger.store;
            store.set_public_name(self.user(), name).await?;
        }
        if let Some(takes) = patch.presence {
            let (messenger, mailbox) = (self.messenger.clone(), self.mailbox.clone());
            let change = async move { messenger.set_takes_part(&mailbox, takes).await };
            Messenger::see_through(change).await?;
        }
        self.account().await
    }

    /// Counts a change that this member asks for.
    pub(super) fn count_change(&self) -> Result<(), Error> {
        let limiter = &self.messenger.limits.account_changes;
        count(limiter, self.user(), self.messenger.clock.now())
    }

    pub(super) fn messenger(&self) -> &Messenger {
        &self.messenger
    }

    pub(super) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    pub(super) fn claims(&self) -> &Claims {
        &self.claims
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").finish_non_exhaustive()
    }
}

fn check_public_name(name: &str) -> Result<String, Error> {
    let name = name.trim();
    let length = name.chars().count();
    if (1..=64).contains(&length) && !name.chars().any(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(Error::field(
            "public_name",
            "expected 1 to 64 characters, none of them control",
        ))
    }
}

/// Connections that haven't authenticated yet and are about to, counted in all and by address.
#[derive(Debug)]
pub(super) struct WaitingRoom {
    inside: Arc<Mutex<std::collections::HashMap<Address, usize>>>,
    most: AtomicUsize,
    most_per_address: AtomicUsize,
}

impl WaitingRoom {
    pub(super) fn new(limits: &config::Limits) -> Self {
        Self {
            inside: Arc::default(),
            most: AtomicUsize::new(limits.unauthenticated_connections),
            most_per_address: AtomicUsize::new(limits.unauthenticated_per_address),
        }
    }

    /// Has other places from now on. Nobody who is inside has to leave.
    pub(super) fn change(&self, limits: &config::Limits) {
        self.most.store(limits.unauthenticated_connections, Relaxed);
        self.most_per_address
            .store(limits.unauthenticated_per_address, Relaxed);
    }

    /// Whether anybody could come in.
    pub(super) fn has_room(&self) -> bool {
        let inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.values().sum::<usize>() < self.most.load(Relaxed)
    }

    fn enter(&self, address: Address) -> Result<Knock, Error> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if inside.values().sum::<usize>() >= self.most.load(Relaxed) {
            return Err(Error::Capacity(
                "too many connections are authenticating; try again",
            ));
        }
        let here = inside.entry(address).or_default();
        if *here >= self.most_per_address.load(Relaxed) {
            return Err(Error::Capacity(
                "too many of your connections are authenticating",
            ));
        }
        *here += 1;
        drop(inside);
        Ok(Knock {
            inside: self.inside.clone(),
            address,
        })
    }
}

/// A place in the waiting room, given up on drop.
pub struct Knock {
    inside: Arc<Mutex<std::collections::HashMap<Address, usize>>>,
    address: Address,
}

impl Knock {
    /// From where whoever waits came.
    pub(super) const fn address(&self) -> Address {
        self.address
    }
}

impl Drop for Knock {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = inside.get_mut(&self.address) {
            *here -= 1;
            if *here == 0 {
                inside.remove(&self.address);
            }
        }
    }
}

impl fmt::Debug for Knock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Knock").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Address {
        Address::from(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn the_waiting_room_is_bounded_in_all_and_by_address() {
        let room = WaitingRoom::new(&config::Limits {
            unauthenticated_connections: 3,
            unauthenticated_per_address: 2,
            ..config::Limits::default()
        });
        let first = room.enter(address(1)).unwrap();
        let _second = room.enter(address(1)).unwrap();
        assert!(room.enter(address(1)).is_err());
        let _third = room.enter(address(2)).unwrap();
        assert!(room.enter(address(3)).is_err());
        drop(first);
        assert!(room.enter(address(3)).is_ok());
    }

    #[test]
    fn a_public_name_is_short_and_printable() {
        assert_eq!(check_public_name(" Anna ").unwrap(), "Anna");
        assert!(check_public_name(&"ä".repeat(64)).is_ok());
        assert!(check_public_name(&"ä".repeat(65)).is_err());
        assert!(check_public_name("  ").is_err());
        assert!(check_public_name("a\nb").is_err());
    }
}
