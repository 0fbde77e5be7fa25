//! Credentials for the media relays, and the end of them (PROTOCOL.md §7.4).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::Messenger;
use super::error::Error;
use super::limits::count;
use super::scope::Member;
use crate::auth::{TurnSecret, turn_credentials};
use crate::base::{CallId, Private, Timestamp, UserId, random};
use crate::turn::Relay;
use crate::wire::body::{IceServer, TurnCredentials};

/// The media relays as the use cases know them.
#[derive(Debug)]
pub struct RelayAccess {
    /// The relay of this process, where it runs.
    pub relay: Option<Relay>,
    /// Every relay that members are told of, in the order in which they are told.
    pub places: Vec<RelayPlace>,
    /// What credentials are made with; every relay has it.
    pub secret: RelaySecret,
    /// How long credentials are good for.
    pub ttl: Duration,
}

/// What credentials are made with.
#[derive(Debug)]
pub struct RelaySecret {
    current: RwLock<TurnSecret>,
    keeping: Keeping,
}

/// Whose a relay's secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeping {
    /// This daemon's: it can make another.
    Own,
    /// Other relays' as well, out of a file that somebody gave to each.
    Shared,
}

impl RelaySecret {
    /// One that this daemon made and keeps.
    pub fn own(secret: TurnSecret) -> Self {
        Self {
            current: RwLock::new(secret),
            keeping: Keeping::Own,
        }
    }

    /// One of `turn.secret_file`.
    pub fn shared(secret: TurnSecret) -> Self {
        Self {
            current: RwLock::new(secret),
            keeping: Keeping::Shared,
        }
    }

    /// Whether this daemon may make another.
    pub(super) fn is_own(&self) -> bool {
        self.keeping == Keeping::Own
    }

    /// Makes every later credential with `secret`.
    pub(super) fn replace(&self, secret: TurnSecret) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = secret;
    }

    /// A credential that is good for `ttl`.
    pub(super) fn issue(&self, now: Timestamp, ttl: Duration) -> turn_credentials::Credentials {
        let secret = self.current.read().unwrap_or_else(PoisonError::into_inner);
        turn_credentials::issue(secret.as_bytes(), now, ttl, random::draw())
    }
}

/// Where one relay is. Cheap to clone; clones share whether it is known to be down.
#[derive(Debug, Clone)]
pub struct RelayPlace {
    /// Where clients reach it without credentials: `stun:` addresses.
    pub stun_urls: Vec<String>,
    /// Where clients reach it with credentials: `turn:` and `turns:` addresses.
    pub turn_urls: Vec<String>,
    is_down: Arc<AtomicBool>,
}

impl RelayPlace {
    /// A relay at these addresses, taken to be up.
    pub fn new(stun_urls: Vec<String>, turn_urls: Vec<String>) -> Self {
        Self {
            stun_urls,
            turn_urls,
            is_down: Arc::default(),
        }
    }

    /// Notes whether it answered when it was last asked. True when that is news.
    pub fn note(&self, answers: bool) -> bool {
        self.is_down.swap(!answers, Ordering::Relaxed) == answers
    }

    fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Relaxed)
    }

    /// How much this relay is for that call: another number for each pair, the same for everybody.
    fn weight(&self, call: CallId) -> u64 {
        let mut hasher = DefaultHasher::new();
        (call.as_bytes(), &self.turn_urls).hash(&mut hasher);
        hasher.finish()
    }
}

impl RelayAccess {
    /// The relays in the order in which clients should try them: the same for everybody at a time,
    /// because in the closed mode two clients must meet on one. As configured, or for a call by
    /// rendezvous hashing, which spreads calls and needs no memory of them; those known to be down
    /// last.
    fn places_for(&self, call: Option<CallId>) -> Vec<&RelayPlace> {
        let mut places: Vec<&RelayPlace> = self.places.iter().collect();
        if let Some(call) = call {
            places.sort_by_key(|place| std::cmp::Reverse(place.weight(call)));
        }
        places.sort_by_key(|place| place.is_down());
        places
    }

    /// Every address, in the order for everybody.
    pub(super) fn urls(&self) -> Vec<String> {
        let places = self.places_for(None);
        let stun = places.iter().flat_map(|place| &place.stun_urls);
        stun.chain(places.iter().flat_map(|place| &place.turn_urls))
            .cloned()
            .collect()
    }

    /// What clients are told of them, with these credentials.
    fn ice_servers(
        &self,
        call: Option<CallId>,
        username: &str,
        credential: &Private<String>,
    ) -> Vec<IceServer> {
        let places = self.places_for(call);
        let urls = |of: fn(&RelayPlace) -> &Vec<String>| -> Vec<String> {
            places.iter().copied().flat_map(of).cloned().collect()
        };
        let without = IceServer {
            urls: urls(|place| &place.stun_urls),
            username: None,
            credential: None,
        };
        let with = IceServer {
            urls: urls(|place| &place.turn_urls),
            username: Some(username.to_owned()),
            credential: Some(credential.clone()),
        };
        // A browser takes no server without an address.
        let mut servers = vec![without, with];
        servers.retain(|server| !server.urls.is_empty());
        servers
    }
}

impl Member {
    /// A name and password for the media relays. The name says nothing of whose it is, because it
    /// travels in clear. With the id of a call, both its parties are told the relays in the order
    /// that is that call's.
    pub fn turn_credentials(&self, call: Option<CallId>) -> Result<TurnCredentials, Error> {
        let messenger = self.messenger();
        let now = messenger.clock.now();
        count(&messenger.limits.turn_credentials, self.user(), now)?;
        let access = messenger.relay.as_ref().ok_or(Error::NotFound(
            "the media relay is switched off on this server",
        ))?;
        let issued = access.secret.issue(now, access.ttl);
        if let Some(relay) = &access.relay {
            let expires = now.saturating_add(access.ttl);
            relay.remember(&issued.username, self.user(), expires);
        }
        // Only now, so that an eviction meanwhile either knows this name or is seen here.
        self.check_standing()?;
        messenger.counters.turn_credentials.increment();
        let credential = Private(issued.credential);
        let ice_servers = access.ice_servers(call, &issued.username, &credential);
        Ok(TurnCredentials {
            urls: ice_servers
                .iter()
                .flat_map(|server| server.urls.clone())
                .collect(),
            ice_servers,
            username: issued.username,
            credential,
            ttl: access.ttl.as_secs(),
        })
    }

    /// Whether this member may call.
    fn check_standing(&self) -> Result<(), Error> {
        if self.is_revoked() {
            return Err(Error::TokenExpired);
        }
        let now = self.messenger().clock.now();
        if self.mailbox().lock().bar.holds(now) {
            return Err(Error::Suspended);
        }
        Ok(())
    }
}

impl Messenger {
    /// Ends the allocations of `user` on this box's relay, and refuses the credentials that they
    /// still have there. Relays elsewhere know no users: what was given out for them ends when it
    /// expires.
    pub(super) async fn evict_from_relay(&self, user: UserId) {
        if let Some(relay) = self.relay.as_ref().and_then(|access| access.relay.as_ref()) {
            relay.evict(user).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(count: usize) -> RelayAccess {
        let place = |number| {
            RelayPlace::new(
                vec![format!("stun:r{number}.example")],
                vec![format!("turn:r{number}.example")],
            )
        };
        RelayAccess {
            relay: None,
            places: (0..count).map(place).collect(),
            secret: RelaySecret::shared(TurnSecret::new([7; 32])),
            ttl: Duration::from_hours(1),
        }
    }

    fn order(access: &RelayAccess, call: Option<CallId>) -> Vec<String> {
        let places = access.places_for(call);
        places.iter().map(|it| it.turn_urls[0].clone()).collect()
    }

    #[test]
    fn relays_come_as_configured_and_those_that_are_down_last() {
        let access = access(3);
        let urls = ["turn:r0.example", "turn:r1.example", "turn:r2.example"];
        assert_eq!(order(&access, None), urls);
        assert!(access.places[0].note(false));
        assert!(!access.places[0].note(false));
        assert_eq!(order(&access, None), [urls[1], urls[2], urls[0]]);
        assert!(access.places[0].note(true));
        assert_eq!(order(&access, None), urls);
    }

    #[test]
    fn a_call_has_an_order_of_its_own_and_calls_are_spread() {
        let access = access(4);
        let mut first = [0; 4];
        for _ in 0..1_000 {
            let call = CallId::random();
            let order = order(&access, Some(call));
            assert_eq!(order, self::order(&access, Some(call)));
            let names: Vec<&String> = order.iter().collect();
            let position = (0..4).find(|number| *names[0] == format!("turn:r{number}.example"));
            first[position.unwrap()] += 1;
        }
        // Each is expected 250 times, give or take 14.
        assert!(
            first.iter().all(|count| (150..350).contains(count)),
            "{first:?}"
        );
    }

    #[test]
    fn a_call_keeps_its_relay_when_another_goes_down() {
        let access = access(3);
        for _ in 0..100 {
            let call = Some(CallId::random());
            let before = order(&access, call);
            let last = access.places.iter().find(|it| it.turn_urls[0] == before[2]);
            last.unwrap().note(false);
            assert_eq!(order(&access, call), before);
            last.unwrap().note(true);
        }
    }

    #[test]
    fn a_server_without_an_address_is_not_told() {
        let mut access = access(1);
        let credential = Private("secret".to_owned());
        assert_eq!(access.ice_servers(None, "name", &credential).len(), 2);
        access.places[0].stun_urls.clear();
        let servers = access.ice_servers(None, "name", &credential);
        assert_eq!(servers.len(), 1);
        assert_eq!(servers[0].username.as_deref(), Some("name"));
    }
}
