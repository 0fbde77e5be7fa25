//! Credentials for the media relay, and the end of them (PROTOCOL.md §7.4).

use std::time::Duration;

use super::Messenger;
use super::error::Error;
use super::limits::count;
use super::scope::Member;
use crate::auth::{TurnSecret, turn_credentials};
use crate::base::{Private, UserId, random};
use crate::turn::Relay;
use crate::wire::body::{IceServer, TurnCredentials};

/// The media relay as the use cases know it.
#[derive(Debug)]
pub struct RelayAccess {
    /// The relay itself.
    pub relay: Relay,
    /// Where clients reach it without credentials: `stun:` addresses.
    pub stun_urls: Vec<String>,
    /// Where clients reach it with credentials: `turn:` addresses.
    pub turn_urls: Vec<String>,
    /// What credentials are made with.
    pub secret: TurnSecret,
    /// How long they are good for.
    pub ttl: Duration,
}

impl Member {
    /// A name and password for the media relay. The name says nothing of whose it is, because it
    /// travels in clear.
    pub fn turn_credentials(&self) -> Result<TurnCredentials, Error> {
        let messenger = self.messenger();
        let now = messenger.clock.now();
        count(&messenger.limits.turn_credentials, self.user(), now)?;
        let access = messenger.relay.as_ref().ok_or(Error::NotFound(
            "the media relay is switched off on this server",
        ))?;
        let secret = access.secret.as_bytes();
        let issued = turn_credentials::issue(secret, now, access.ttl, random::draw());
        let expires = now.saturating_add(access.ttl);
        access
            .relay
            .remember(&issued.username, self.user(), expires);
        let credential = Private(issued.credential);
        Ok(TurnCredentials {
            urls: access
                .stun_urls
                .iter()
                .chain(&access.turn_urls)
                .cloned()
                .collect(),
            ice_servers: vec![
                IceServer {
                    urls: access.stun_urls.clone(),
                    username: None,
                    credential: None,
                },
                IceServer {
                    urls: access.turn_urls.clone(),
                    username: Some(issued.username.clone()),
                    credential: Some(credential.clone()),
                },
            ],
            username: issued.username,
            credential,
            ttl: access.ttl.as_secs(),
        })
    }
}

impl Messenger {
    /// Ends the allocations of `user` and refuses the credentials they still have.
    pub(super) async fn evict_from_relay(&self, user: UserId) {
        if let Some(access) = &self.relay {
            access.relay.evict(user).await;
        }
    }
}
