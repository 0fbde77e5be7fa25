//! The media relay at work. Its tasks are its own, because the calls on it may go on when
//! everything else has stopped.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use super::{TurnAddresses, encryption, settings, tls};
use crate::auth::TurnSecret;
use crate::base::Clock;
use crate::base::task::Tasks;
use crate::config::Config;
use crate::net::Tls;
use crate::serve::error::ServeError;
use crate::serve::role::Role;
use crate::turn::Relay;

/// How long its tasks may take to end.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// A media relay and its tasks.
#[derive(Debug)]
pub(in crate::serve) struct Media {
    relay: Relay,
    addresses: TurnAddresses,
    certified_name: Option<String>,
    tls: Option<Tls>,
    drain_timeout: Duration,
    tasks: Tasks,
}

impl Media {
    /// Starts the relay. When this returns, it listens. `inherited` are sockets for TLS, in place of
    /// those that are configured.
    pub(in crate::serve) fn start(
        config: &Config,
        role: Role,
        secret: &TurnSecret,
        inherited: Vec<Arc<TcpListener>>,
    ) -> Result<Self, ServeError> {
        let tasks = Tasks::default();
        let tls = tls(config, &inherited)?;
        let settings = settings(config, role, secret, encryption(tls.as_ref(), inherited))?;
        let relay = Relay::start(settings, Clock::System, &tasks)?;
        let names = tls.as_ref().map(|(_, tls)| tls.names()).unwrap_or_default();
        let tls = tls.map(|(_, tls)| tls);
        if let Some(tls) = tls.clone() {
            let stopping = tasks.clone();
            tasks.spawn("turn certificate", async move {
                tokio::select! {
                    () = stopping.stopping() => {}
                    () = tls.follow() => {}
                }
            });
        }
        Ok(Self {
            addresses: TurnAddresses::of(&relay),
            relay,
            tls,
            certified_name: names.into_iter().next(),
            drain_timeout: config.turn.drain_timeout,
            tasks,
        })
    }

    pub(in crate::serve) fn relay(&self) -> &Relay {
        &self.relay
    }

    pub(in crate::serve) fn addresses(&self) -> &TurnAddresses {
        &self.addresses
    }

    /// Looks at once whether there is a new certificate.
    pub(in crate::serve) async fn reload_certificate(&self) {
        if let Some(tls) = &self.tls {
            tls.reload().await;
        }
    }

    /// A name that its certificate is for.
    pub(super) fn certified_name(&self) -> Option<&str> {
        self.certified_name.as_deref()
    }

    /// Resolves when a part of it failed.
    pub(in crate::serve) async fn failed(&self) {
        self.tasks.stopping().await;
    }

    /// Lets nobody new in.
    pub(in crate::serve) async fn drain(&self) {
        self.relay.drain().await;
    }

    /// Stops at once, whoever talks.
    pub(in crate::serve) async fn stop(self) -> Result<(), ServeError> {
        self.tasks.stop();
        let ended = self.tasks.join(LEFTOVERS).await;
        match self.tasks.failed() {
            Some(part) => Err(ServeError::Failed(part)),
            None if ended => Ok(()),
            None => Err(ServeError::Unfinished),
        }
    }

    /// Stops when nobody talks any more, at the latest after `turn.drain_timeout`.
    pub(in crate::serve) async fn stop_after_calls(self) -> Result<(), ServeError> {
        self.drain().await;
        let calls = self.relay.figures().allocations;
        if calls > 0 && !self.drain_timeout.is_zero() {
            tracing::info!(
                allocations = calls,
                "waiting up to {:?} for calls to end; a second signal ends them",
                self.drain_timeout
            );
        }
        tokio::select! {
            () = self.relay.emptied() => {}
            () = tokio::time::sleep(self.drain_timeout) => {}
            () = self.tasks.stopping() => {}
        }
        self.stop().await
    }
}
