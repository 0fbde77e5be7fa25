//! A process that relays media and does nothing else. It needs no state directory: who may use it
//! is said by credentials, which an appliance makes with the secret they share.

use std::time::Duration;

use super::banner::Notice;
use super::descriptors;
use super::error::ServeError;
use super::metrics::{Exporter, RelayAlone};
use super::relay::{self, Media};
use super::role::Role;
use super::sockets::Sockets;
use super::supervised::Supervised;
use super::systemd::{self, Pulse};
use crate::base::Clock;
use crate::base::task::Tasks;
use crate::config::Config;
use crate::telemetry::Metrics;

/// How long answers in flight may take at the end.
const GOODBYES: Duration = Duration::from_secs(1);

/// A media relay on its own, running.
#[derive(Debug)]
pub(super) struct RelayBox {
    media: Media,
    exporter: Option<Exporter>,
    /// Of the exporter.
    tasks: Tasks,
}

impl RelayBox {
    /// Starts the relay and asks every listener once. When this returns, all of them answer.
    pub(super) async fn start(config: &Config, sockets: Sockets) -> Result<Self, ServeError> {
        if !config.turn.enabled {
            return Err(ServeError::RelayDisabled);
        }
        let secret = relay::shared_secret(config)?.ok_or(ServeError::TurnSecretMissing)?;
        descriptors::raise(relay::descriptors(config));
        let listener = Exporter::listen(config)?;
        let media = Media::start(config, Role::Relay, &secret, sockets.turn_tls)?;
        if !media.relay().check().await {
            return Err(ServeError::RelaySilent);
        }
        let tasks = Tasks::default();
        let figures = Metrics::new(RelayAlone {
            relay: media.relay().clone(),
            started: Clock::System.now(),
        });
        let exporter = listener
            .map(|listener| Exporter::start(listener, figures, config, &tasks))
            .transpose()?;
        Ok(Self {
            media,
            exporter,
            tasks,
        })
    }
}

impl Supervised for RelayBox {
    fn notice(&self) -> Notice<'_> {
        Notice {
            turn: self.media.addresses(),
            metrics: self.exporter.as_ref().map(Exporter::address),
            appliance: None,
        }
    }

    fn summary(&self) -> String {
        format!("calls on {}", self.media.addresses().summary())
    }

    async fn reload(&mut self, _: &Config) -> Result<(), ServeError> {
        self.media.reload_certificate().await;
        Ok(())
    }

    async fn feel_pulse(&self, period: Duration, report: impl Fn(Pulse)) {
        let round_trip = || async {
            let answers = self.media.relay().check().await;
            answers.then_some(()).ok_or(ServeError::RelaySilent)
        };
        systemd::feel(period, round_trip, report).await;
    }

    async fn failed(&self) {
        tokio::select! {
            () = self.media.failed() => {}
            () = self.tasks.stopping() => {}
        }
    }

    async fn stop(self) -> Result<(), ServeError> {
        let outcome = self.media.stop_after_calls().await;
        if let Some(exporter) = &self.exporter {
            exporter.stop(GOODBYES).await;
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    fn config(secret: &str) -> (TempDir, Config) {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, secret).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let mut config = Config::default();
        config.turn.secret_file = Some(path);
        config.turn.listen = Some(vec!["127.0.0.1:0".parse().unwrap()]);
        (directory, config)
    }

    #[tokio::test]
    async fn a_relay_on_its_own_runs_and_stops() {
        let (_directory, config) = config("a-secret-of-some-length");
        let relay = RelayBox::start(&config, Sockets::default()).await.unwrap();
        assert_eq!(relay.notice().turn.udp.len(), 1);
        assert_eq!(relay.notice().turn.udp, relay.notice().turn.tcp);
        relay.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_relay_on_its_own_shows_its_figures() {
        let (_directory, mut config) = config("a-secret-of-some-length");
        config.telemetry.metrics_listen = Some("127.0.0.1:0".parse().unwrap());
        let relay = RelayBox::start(&config, Sockets::default()).await.unwrap();
        let address = relay.notice().metrics.unwrap().to_string();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).await.unwrap();
        for sample in [
            "privcomm_relay_allocations 0",
            "privcomm_build_info{version=",
        ] {
            assert!(page.contains(sample), "{page}");
        }
        assert!(!page.contains("privcomm_messages"), "{page}");
        relay.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_relay_on_its_own_needs_a_secret_and_to_be_switched_on() {
        let (_directory, mut config) = config("too short");
        let refused = RelayBox::start(&config, Sockets::default())
            .await
            .unwrap_err();
        assert!(matches!(refused, ServeError::TurnSecret { .. }));
        config.turn.secret_file = None;
        let refused = RelayBox::start(&config, Sockets::default())
            .await
            .unwrap_err();
        assert!(matches!(refused, ServeError::TurnSecretMissing));
        config.turn.enabled = false;
        let refused = RelayBox::start(&config, Sockets::default())
            .await
            .unwrap_err();
        assert!(matches!(refused, ServeError::RelayDisabled));
    }
}
