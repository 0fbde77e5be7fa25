//! A process that relays media and does nothing else. It needs no state directory: who may use it
//! is said by credentials, which an appliance makes with the secret they share.

use super::banner::Notice;
use super::descriptors;
use super::error::ServeError;
use super::relay::{self, Media};
use super::role::Role;
use super::supervised::Supervised;
use crate::config::Config;

/// A media relay on its own, running.
#[derive(Debug)]
pub(super) struct RelayBox(Media);

impl RelayBox {
    /// Starts the relay and asks every listener once. When this returns, all of them answer.
    pub(super) async fn start(config: &Config) -> Result<Self, ServeError> {
        if !config.turn.enabled {
            return Err(ServeError::RelayDisabled);
        }
        let secret = relay::shared_secret(config)?.ok_or(ServeError::TurnSecretMissing)?;
        descriptors::raise(relay::connection_limits(config).in_all);
        let media = Media::start(config, Role::Relay, &secret)?;
        if !media.relay().check().await {
            return Err(ServeError::RelaySilent);
        }
        Ok(Self(media))
    }
}

impl Supervised for RelayBox {
    fn notice(&self) -> Notice<'_> {
        Notice {
            turn: self.0.addresses(),
            appliance: None,
        }
    }

    async fn failed(&self) {
        self.0.failed().await;
    }

    async fn stop(self) -> Result<(), ServeError> {
        self.0.stop_after_calls().await
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

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
        let relay = RelayBox::start(&config).await.unwrap();
        assert_eq!(relay.notice().turn.udp.len(), 1);
        assert_eq!(relay.notice().turn.udp, relay.notice().turn.tcp);
        relay.stop().await.unwrap();
    }

    #[tokio::test]
    async fn a_relay_on_its_own_needs_a_secret_and_to_be_switched_on() {
        let (_directory, mut config) = config("too short");
        let refused = RelayBox::start(&config).await.unwrap_err();
        assert!(matches!(refused, ServeError::TurnSecret { .. }));
        config.turn.secret_file = None;
        let refused = RelayBox::start(&config).await.unwrap_err();
        assert!(matches!(refused, ServeError::TurnSecretMissing));
        config.turn.enabled = false;
        let refused = RelayBox::start(&config).await.unwrap_err();
        assert!(matches!(refused, ServeError::RelayDisabled));
    }
}
