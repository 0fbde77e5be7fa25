//! Keys that an operator may replace while the daemon runs: the one that signs tokens, and the secret
//! of the media relay. A new key is on disk before anything is made with it.

use std::fmt;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::operator::{Operator, OperatorError};
use crate::auth::{Secrets, TokenKey, TurnSecret};
use crate::base::{Secret, Timestamp, random};
use crate::hub::Farewell;
use crate::wire::people::{KeyRotated, SecretRotated};

/// Where the keys of this daemon outlive it.
pub trait Vault: fmt::Debug + Send + Sync {
    /// Keeps these keys in place of those that were kept before: durably, and wholly or not at all.
    fn keep(&self, secrets: &Secrets) -> io::Result<()>;
}

/// The keys as the vault has them. One rotation at a time.
#[derive(Debug)]
pub(super) struct Safe {
    vault: Arc<dyn Vault>,
    kept: tokio::sync::Mutex<Secrets>,
}

impl Safe {
    pub(super) fn new(vault: Arc<dyn Vault>, kept: Secrets) -> Self {
        Self {
            vault,
            kept: tokio::sync::Mutex::new(kept),
        }
    }

    /// Keeps what `change` makes of the keys.
    pub(super) async fn change(
        &self,
        change: impl FnOnce(&mut Secrets),
    ) -> Result<(), OperatorError> {
        let mut kept = self.kept.lock().await;
        let mut changed = kept.clone();
        change(&mut changed);
        let (vault, written) = (self.vault.clone(), changed.clone());
        let writing = tokio::task::spawn_blocking(move || vault.keep(&written)).await;
        let writing = writing.unwrap_or_else(|_| Err(io::Error::other("the writer failed")));
        writing.map_err(|error| OperatorError::NotKept(error.to_string()))?;
        *kept = changed;
        Ok(())
    }
}

/// The key that signs tokens now.
#[derive(Debug)]
pub(super) struct CurrentKey(RwLock<(TokenKey, Timestamp)>);

impl CurrentKey {
    pub(super) fn new(key: TokenKey) -> Self {
        Self(RwLock::new((key, Timestamp::default())))
    }

    pub(super) fn current(&self) -> TokenKey {
        let key = self.0.read().unwrap_or_else(PoisonError::into_inner);
        key.0.clone()
    }

    /// Tokens issued until then are dead: also those that were looked at with the key before, and
    /// whose requests are under way.
    pub(super) fn since(&self) -> Timestamp {
        self.0.read().unwrap_or_else(PoisonError::into_inner).1
    }

    fn replace(&self, key: TokenKey, now: Timestamp) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = (key, now);
    }
}

impl Operator {
    /// Signs tokens with a new key. Every token is worth nothing when this returns, and every session
    /// is closed with 1008; clients log in anew.
    pub async fn rotate_token_key(&self) -> Result<KeyRotated, OperatorError> {
        let operator = self.clone();
        see_through(async move {
            let messenger = &operator.messenger;
            let key = TokenKey::new(Secret::random());
            messenger
                .safe
                .change(|secrets| secrets.token_key = key.clone())
                .await?;
            messenger.token_key.replace(key, messenger.clock.now());
            let sessions = u64::try_from(messenger.hub.len()).unwrap_or(u64::MAX);
            messenger.close_sessions(Farewell::Revoked);
            let deed = operator.deed("token rotate-key", None, None);
            messenger.store.note(deed).await?;
            Ok(KeyRotated { sessions })
        })
        .await
    }

    /// Gives the media relay a new secret. Credentials of the old one are worth nothing from then on,
    /// unless they are to be honoured until they expire.
    pub async fn rotate_turn_secret(&self, old: Old) -> Result<SecretRotated, OperatorError> {
        let operator = self.clone();
        see_through(async move { operator.replace_turn_secret(old).await }).await
    }

    async fn replace_turn_secret(&self, old: Old) -> Result<SecretRotated, OperatorError> {
        let messenger = &self.messenger;
        let access = messenger.relay.as_ref();
        let off = super::Error::NotFound("the media relay is switched off");
        let access = access.ok_or(off)?;
        if !access.secret.is_own() {
            return Err(OperatorError::SharedSecret);
        }
        let secret = TurnSecret::new(random::draw());
        messenger
            .safe
            .change(|secrets| secrets.turn_secret = secret.clone())
            .await?;
        // First, so that nobody is given anything made with the old one that outlasts it.
        access.secret.replace(secret.clone());
        let now = messenger.clock.now();
        let old_until = match old {
            Old::Ends => None,
            // Names say whole seconds, rounded up.
            Old::Lapses => Some(now.saturating_add(access.ttl + Duration::from_secs(1))),
        };
        if let Some(relay) = &access.relay {
            let secret = crate::turn::TurnSecret::new(secret.as_bytes().to_vec());
            relay.rotate(secret, old_until);
        }
        let note = old_until.map(|until| format!("the old one until {until}"));
        messenger
            .store
            .note(self.deed("turn rotate-secret", None, note))
            .await?;
        Ok(SecretRotated { old_until })
    }
}

/// What becomes of credentials that were made with the secret before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// They are worth nothing any more.
    Ends,
    /// They are honoured until they expire.
    Lapses,
}

/// Runs a change to its end, even if the command that asked for it goes away.
pub(super) async fn see_through<T: Send + 'static>(
    change: impl Future<Output = Result<T, OperatorError>> + Send + 'static,
) -> Result<T, OperatorError> {
    let ended = tokio::spawn(change).await;
    ended.unwrap_or(Err(OperatorError::Refused(super::Error::Internal)))
}
