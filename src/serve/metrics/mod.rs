//! The figures of every room on one page: what is counted where it happens is given its name, its
//! unit and a sentence here. docs/metrics.md lists the families and how they hang together.
//!
//! Labels are words that stand in the program, which their type sees to: no name, id or address can
//! become one. Reading takes the rooms' short locks, one look at the disk and none at its contents.

mod accounts;
mod calls;
mod doors;
mod exporter;
mod messages;
mod process;
mod push;
mod relay;
mod store;
mod transports;

use std::sync::Arc;

use async_trait::async_trait;

pub(super) use exporter::Exporter;

use crate::base::{Clock, Timestamp};
use crate::http::Server;
use crate::messenger::Messenger;
use crate::store::Store;
use crate::telemetry::{Family, Source};
use crate::turn::Relay;
use crate::ws::Door;

/// The rooms whose figures are shown.
pub(super) struct Rooms {
    pub(super) store: Store,
    pub(super) messenger: Messenger,
    pub(super) relay: Option<Relay>,
    pub(super) server: Arc<Server>,
    pub(super) door: Door,
    pub(super) clock: Clock,
    /// When the daemon started.
    pub(super) started: Timestamp,
}

#[async_trait]
impl Source for Rooms {
    async fn families(&self) -> Vec<Family> {
        let stored = self.store.figures().await.ok();
        let now = self.clock.now();
        let used = self.messenger.figures();
        let work = self.store.work();
        let backlog = self.store.backlog();
        let (served, sockets) = (self.server.figures(), self.door.figures());
        let relayed = self.relay.as_ref().map(Relay::figures).unwrap_or_default();
        [
            process::build(),
            messages::families(&used, &work, stored.as_ref(), backlog, now),
            accounts::families(&used, stored.as_ref(), sockets.too_many_frames),
            doors::families(&served, &sockets),
            calls::families(&used),
            push::families(&self.messenger.push_figures().unwrap_or_default()),
            vec![relay::credentials(used.turn_credentials)],
            relay::families(&relayed),
            store::families(&self.store, &work, stored.as_ref()),
            process::families(self.started).await,
        ]
        .concat()
    }
}

/// The relay on its own, where there is nothing else to show.
pub(super) struct RelayAlone {
    pub(super) relay: Relay,
    /// When the process started.
    pub(super) started: Timestamp,
}

#[async_trait]
impl Source for RelayAlone {
    async fn families(&self) -> Vec<Family> {
        [
            process::build(),
            relay::families(&self.relay.figures()),
            process::families(self.started).await,
        ]
        .concat()
    }
}

/// With `value` where it is known: a figure that can't be read is missing, not zero.
fn known(family: Family, value: Option<u64>) -> Family {
    match value {
        Some(value) => family.is(value),
        None => family,
    }
}
