//! The page's own server, where an address is configured.

use std::time::Duration;

use super::super::error::ServeError;
use crate::base::task::Tasks;
use crate::config::{Config, ListenAddress};
use crate::http::{self, Server};
use crate::net::Listener;
use crate::telemetry::Metrics;

/// Serves the page until it is stopped.
#[derive(Debug)]
pub(in crate::serve) struct Exporter {
    server: Server,
    address: ListenAddress,
}

impl Exporter {
    /// Listens at the configured address, if there is one: before anything runs, so that a taken
    /// port is found out at once.
    pub(in crate::serve) fn listen(config: &Config) -> Result<Option<Listener>, ServeError> {
        let address = config.telemetry.metrics_listen.map(ListenAddress::Tcp);
        let listener = address.map(|address| Listener::bind(&address));
        listener.transpose().map_err(ServeError::Metrics)
    }

    /// Serves `metrics` on `listener`.
    pub(in crate::serve) fn start(
        listener: Listener,
        metrics: Metrics,
        config: &Config,
        tasks: &Tasks,
    ) -> Result<Self, ServeError> {
        let address = listener.address().clone();
        let server = http::serve_metrics(listener, metrics, &config.limits, tasks)?;
        Ok(Self { server, address })
    }

    /// Where it listens, with the real port.
    pub(in crate::serve) const fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// Lets answers in flight finish for at most `patience`.
    pub(in crate::serve) async fn stop(&self, patience: Duration) {
        self.server.stop(patience).await;
    }
}
