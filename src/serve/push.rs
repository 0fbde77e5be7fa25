//! Notifications: the key that is made when they are first switched on, and the rooms that don't know
//! each other.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::error::ServeError;
use crate::auth::Secrets;
use crate::base::Clock;
use crate::config::Config;
use crate::messenger::Vault;
use crate::net::Secured;
use crate::push::{Connection, Push, Reach, Secure, Settings, VapidKey};

/// Services keep what they can't deliver for four weeks at most.
const LONGEST_TTL: Duration = Duration::from_hours(4 * 7 * 24);
/// How long one attempt may take, from the look-up of the name to the status.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait before the second attempt.
const BACKOFF: Duration = Duration::from_secs(5);

/// Notifications, where they are switched on. A key is made and kept if there is none yet.
pub(super) fn start(
    config: &Config,
    mut secrets: Secrets,
    vault: &dyn Vault,
    clock: &Clock,
) -> Result<(Secrets, Option<Push>), ServeError> {
    if !config.push.enabled {
        return Ok((secrets, None));
    }
    let tls = Secured::new(config.push.authorities.as_deref())
        .map_err(|error| ServeError::Push(error.to_string()))?;
    let key = key(&mut secrets, vault)?;
    let push = Push::new(settings(config)?, key, Arc::new(Tls(tls)), clock.clone());
    Ok((secrets, Some(push)))
}

/// The key that is kept, or one that is kept from now on.
fn key(secrets: &mut Secrets, vault: &dyn Vault) -> Result<VapidKey, ServeError> {
    let unusable = |why: String| ServeError::Push(why);
    if secrets.vapid_key.is_none() {
        secrets.vapid_key = VapidKey::draw();
        vault
            .keep(secrets)
            .map_err(|error| unusable(format!("the key can't be kept: {error}")))?;
    }
    let kept = secrets.vapid_key.as_ref();
    let kept = kept.ok_or_else(|| unusable("the system has no randomness".to_owned()))?;
    VapidKey::read(kept).map_err(|error| unusable(format!("vapid_key in the secrets: {error}")))
}

fn settings(config: &Config) -> Result<Settings, ServeError> {
    let networks = config.push.allowed_networks.iter().map(|text| text.parse());
    let subject = config.server.public_url.as_ref();
    Ok(Settings {
        reach: Reach {
            hosts: config.push.allowed_hosts.clone(),
            networks: networks.collect::<Result<_, _>>()?,
        },
        subject: subject.filter(|url| url.starts_with("https://")).cloned(),
        ttl: config.messages.retention.min(LONGEST_TTL),
        pause: config.push.pause,
        patience: PATIENCE,
        backoff: BACKOFF,
    })
}

/// TLS as the push room asks for it.
#[derive(Debug)]
struct Tls(Secured);

#[async_trait]
impl Secure for Tls {
    async fn secure(&self, stream: TcpStream, name: &str) -> io::Result<Box<dyn Connection>> {
        Ok(Box::new(self.0.connect(stream, name).await?))
    }
}
