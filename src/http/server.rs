//! The running server: listeners that accept, connections that are served, and an orderly end.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::appliance::Appliance;
use super::connection::{self, Ending, Manners};
use super::docs::Pages;
use super::guard::Guard;
use super::origin::{Origin, Origins};
use super::router::Router;
use super::routes::{Docs, WebClient, routes};
use super::traffic::{Figures, Traffic};
use crate::base::task::Tasks;
use crate::config::{Limits, ListenAddress, Server as Settings};
use crate::messenger::Messenger;
use crate::net::{Capacity, InvalidNetwork, Listener, TrustedProxies};
use crate::ws::Door;

/// How long a use case may take once its request is complete.
const HANDLING: Duration = Duration::from_secs(30);

/// Connections that are told at once that there is no place for them; beyond it they are closed
/// without a word.
const FAREWELLS: usize = 64;

/// A setting that the server can't work with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// In `server.trusted_proxies`.
    #[error("server.trusted_proxies: {0}")]
    Proxy(#[from] InvalidNetwork),
    /// In `server.public_url` or `server.cors_origins`.
    #[error("{key}: expected an origin like https://chat.example.org, not {value:?}")]
    Origin {
        /// The setting.
        key: &'static str,
        /// What it says.
        value: String,
    },
    /// The route table contradicts itself: a fault of the program.
    #[error("two routes are in each other's way")]
    Routes,
}

/// The running server.
pub struct Server {
    addresses: Vec<ListenAddress>,
    capacity: Capacity,
    traffic: Arc<Traffic>,
    ending: Ending,
    service: Service,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// What a new connection gets: the way in and how it has to behave. Those that stand keep theirs.
#[derive(Clone)]
struct Service(Arc<RwLock<(Guard, Manners)>>);

impl Service {
    fn new(guard: Guard, manners: Manners) -> Self {
        Self(Arc::new(RwLock::new((guard, manners))))
    }

    fn current(&self) -> (Guard, Manners) {
        let current = self.0.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    fn replace(&self, guard: Guard, manners: Manners) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (guard, manners);
    }
}

/// Serves the API, the WebSocket's door and the pages about them at `listeners`. The server stops
/// when `tasks` does, or when it is told to; a panic in it stops `tasks`.
///
/// Must be called inside a tokio runtime.
pub fn serve(
    listeners: Vec<Listener>,
    messenger: Messenger,
    door: Door,
    settings: &Settings,
    limits: &Limits,
    tasks: &Tasks,
) -> Result<Server, Error> {
    let tasks = tasks.child();
    let addresses = addresses(&listeners);
    let guard = build(&addresses, messenger, door, settings, limits, &tasks)?;
    let capacity = Capacity::new(
        settings.max_connections,
        settings.max_connections_per_address,
    );
    let manners = Manners::new(limits);
    Ok(Server::start(listeners, &guard, manners, &capacity, tasks))
}

/// The way in to a site at `addresses`, as the settings have it.
fn build(
    addresses: &[ListenAddress],
    messenger: Messenger,
    door: Door,
    settings: &Settings,
    limits: &Limits,
    tasks: &Tasks,
) -> Result<Guard, Error> {
    let own = parse("server.public_url", settings.public_url.as_slice())?;
    let foreign = parse("server.cors_origins", &settings.cors_origins)?;
    let allowed = foreign.iter().filter_map(Origin::header).collect();
    let proxies = TrustedProxies::parse(&settings.trusted_proxies)?;
    let docs = if settings.docs {
        Docs::Served
    } else {
        Docs::Off
    };
    let client = if settings.web {
        WebClient::Served
    } else {
        WebClient::Off
    };
    let table = routes(docs, client);
    let site = Appliance {
        messenger,
        door,
        origins: Origins::new(own.into_iter().chain(foreign), addresses),
        pages: (docs == Docs::Served).then(|| Pages::of(&table, limits)),
        tasks: tasks.clone(),
    };
    let router = Router::new(site, table, limits).ok_or(Error::Routes)?;
    let patience = limits.body_timeout.saturating_add(HANDLING);
    Ok(Guard::new(router, proxies, allowed, patience))
}

fn parse(key: &'static str, origins: &[String]) -> Result<Vec<Origin>, Error> {
    let read = |value: &String| {
        Origin::parse(value).ok_or_else(|| Error::Origin {
            key,
            value: value.clone(),
        })
    };
    origins.iter().map(read).collect()
}

fn addresses(listeners: &[Listener]) -> Vec<ListenAddress> {
    let address = |listener: &Listener| listener.address().clone();
    listeners.iter().map(address).collect()
}

impl Server {
    /// Accepts at `listeners` and serves what `guard` answers.
    pub(super) fn start(
        listeners: Vec<Listener>,
        guard: &Guard,
        manners: Manners,
        capacity: &Capacity,
        tasks: Tasks,
    ) -> Self {
        let server = Self {
            addresses: addresses(&listeners),
            capacity: capacity.clone(),
            traffic: guard.traffic().clone(),
            ending: Ending {
                tasks,
                abandon: CancellationToken::new(),
            },
            service: Service::new(guard.clone(), manners),
        };
        let farewells = Capacity::new(FAREWELLS, FAREWELLS);
        for listener in listeners {
            let entrance = Entrance {
                service: server.service.clone(),
                capacity: capacity.clone(),
                farewells: farewells.clone(),
                ending: server.ending.clone(),
            };
            let tasks = &server.ending.tasks;
            tasks.spawn("http listener", entrance.accept(listener));
        }
        server
    }

    /// Where it listens, with real ports.
    pub fn addresses(&self) -> &[ListenAddress] {
        &self.addresses
    }

    /// Serves connections that come from now on by other settings. Where it listens and how many
    /// connections there may be stays as it is.
    pub fn change(
        &self,
        messenger: Messenger,
        door: Door,
        settings: &Settings,
        limits: &Limits,
    ) -> Result<(), Error> {
        let tasks = &self.ending.tasks;
        let guard = build(&self.addresses, messenger, door, settings, limits, tasks)?;
        let guard = guard.counting(self.traffic.clone());
        self.service.replace(guard, Manners::new(limits));
        Ok(())
    }

    /// How many connections there are, WebSockets included.
    pub fn connections(&self) -> usize {
        self.capacity.taken()
    }

    /// What was counted so far.
    pub fn figures(&self) -> Figures {
        self.traffic.read(self.connections())
    }

    /// The places for connections, for others to count.
    pub fn capacity(&self) -> &Capacity {
        &self.capacity
    }

    /// Accepts nothing more, lets requests in flight finish for at most `patience`, and ends the
    /// rest. True when nothing had to be cut off. WebSockets are their door's to close.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.ending.tasks.stop();
        let finished = self.ending.tasks.join(patience).await;
        self.ending.abandon.cancel();
        finished
    }
}

/// What a listener needs for every connection.
struct Entrance {
    service: Service,
    capacity: Capacity,
    farewells: Capacity,
    ending: Ending,
}

impl Entrance {
    async fn accept(self, listener: Listener) {
        loop {
            tokio::select! {
                biased;
                () = self.ending.tasks.stopping() => return,
                (stream, peer) = listener.accept() => self.admit(stream, peer),
            }
        }
    }

    fn admit(&self, stream: crate::net::Stream, peer: crate::net::Remote) {
        let tasks = &self.ending.tasks;
        let (guard, manners) = self.service.current();
        let traffic = guard.traffic();
        if let Some(permit) = self.capacity.admit(guard.accountable(peer)) {
            traffic.accepted.increment();
            let ending = self.ending.clone();
            let serving = connection::serve(stream, peer, permit, guard, manners, ending);
            tasks.spawn_guest("http connection", serving);
            return;
        }
        traffic.turned_away.increment();
        if let Some(permit) = self.farewells.admit(None) {
            tasks.spawn_guest("http farewell", async move {
                connection::turn_away(stream).await;
                drop(permit);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_is_no_origin_is_named() {
        for value in ["*", "chat.example.org", "https://chat.example.org/app"] {
            let error = parse("server.cors_origins", &[value.to_owned()]).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("server.cors_origins") && text.contains(value),
                "{text}"
            );
        }
    }
}
