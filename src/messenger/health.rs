//! Whether every part really works, asked now, or within the last second: the question costs a
//! write, and anybody may ask it.

use std::time::Duration;

use tokio::time::Instant;

use super::Messenger;
use crate::wire::body::{Health, HealthChecks, HealthStatus};

/// How long a part may take to show that it works.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(1);

/// The last answer and when it was found. Whoever asks while it is being found waits for it.
pub(super) type LastHealth = tokio::sync::Mutex<Option<(Instant, Health)>>;

impl Messenger {
    /// Writes through the database, asks the relay for an answer, and looks for a free place for a
    /// new socket.
    pub async fn health(&self) -> Health {
        let mut last = self.last_health.lock().await;
        if let Some((found, health)) = &*last
            && found.elapsed() < FRESH
        {
            return health.clone();
        }
        let health = self.examine().await;
        *last = Some((Instant::now(), health.clone()));
        health
    }

    async fn examine(&self) -> Health {
        let store = async {
            let checked = tokio::time::timeout(PATIENCE, self.store.check()).await;
            status(matches!(checked, Ok(Ok(()))))
        };
        let turn = async {
            match self.relay.as_ref().and_then(|access| access.relay.as_ref()) {
                Some(relay) => status(relay.check().await),
                None => HealthStatus::Off,
            }
        };
        let (store, turn) = tokio::join!(store, turn);
        let checks = HealthChecks {
            store,
            websocket: status(self.waiting.has_room()),
            turn,
        };
        let parts = [checks.store, checks.websocket, checks.turn];
        Health {
            status: status(!parts.contains(&HealthStatus::Degraded)),
            checks,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

const fn status(works: bool) -> HealthStatus {
    if works {
        HealthStatus::Healthy
    } else {
        HealthStatus::Degraded
    }
}
