//! The running server: listeners that accept, connections that are served, and an orderly end.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio_util::sync::CancellationToken;

use super::appliance::Appliance;
use super::connection::{self, Ending, Manners};
use super::docs::Pages;
use super::guard::Guard;
use super::origin::{Origin, Origins};
use super::router::Router;
use super::routes::{Docs, routes};
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
#[derive(Debug)]
pub struct Server {
    addresses: Vec<ListenAddress>,
    capacity: Capacity,
    traffic: Arc<Traffic>,
    ending: Ending,
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
    let own = parse("server.public_url", settings.public_url.as_slice())?;
    let foreign = parse("server.cors_origins", &settings.cors_origins)?;
    let allowed = foreign.iter().filter_map(Origin::header).collect();
    let proxies = TrustedProxies::parse(&settings.trusted_proxies)?;
    let docs = if settings.docs {
        Docs::Served
    } else {
        Docs::Off
    };
    let table = routes(docs);
    let site = Appliance {
        messenger,
        door,
        origins: Origins::new(own.into_iter().chain(foreign), &addresses(&listeners)),
        pages: (docs == Docs::Served).then(|| Pages::of(&table, limits)),
        tasks: tasks.clone(),
    };
    let router = Router::new(site, table, limits).ok_or(Error::Routes)?;
    let guard = guard(router, proxies, allowed, limits);
    let capacity = Capacity::new(
        settings.max_connections,
        settings.max_connections_per_address,
    );
    Ok(Server::start(
        listeners,
        &guard,
        Manners::new(limits),
        &capacity,
        tasks,
    ))
}

fn guard(
    router: Router<Appliance>,
    proxies: TrustedProxies,
    allowed: Vec<HeaderValue>,
    limits: &Limits,
) -> Guard {
    let patience = limits.body_timeout.saturating_add(HANDLING);
    Guard::new(router, proxies, allowed, patience)
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
        };
        let farewells = Capacity::new(FAREWELLS, FAREWELLS);
        for listener in listeners {
            let entrance = Entrance {
                guard: guard.clone(),
                manners,
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
    guard: Guard,
    manners: Manners,
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
        let traffic = self.guard.traffic();
        if let Some(permit) = self.capacity.admit(self.guard.accountable(peer)) {
            traffic.accepted.increment();
            let (guard, ending) = (self.guard.clone(), self.ending.clone());
            let serving = connection::serve(stream, peer, permit, guard, self.manners, ending);
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
