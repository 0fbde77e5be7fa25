//! The account itself: what the server holds, relay credentials, its backup, its end.

use http::Method;

use super::client::blocking;
use super::device::Device;
use super::{Client, Error, ServerUrl, Settings, Vault, keys};
use crate::base::Secret;
use crate::e2ee::{Backup, RecoveryCode};
use crate::wire::body::{Account, DeleteRequest, TurnCredentials};

impl Client {
    /// Everything that the server holds about this account.
    pub async fn account(&self) -> Result<Account, Error> {
        keys::account(self.core()).await
    }

    /// Sees to the prekeys at the server. A connection does this by itself.
    pub async fn tend_keys(&self) -> Result<(), Error> {
        keys::tend(self.core()).await
    }

    /// Credentials for the media relays of calls.
    pub async fn turn_credentials(&self) -> Result<TurnCredentials, Error> {
        let core = self.core();
        core.with_token(|token| async move {
            let path = "/api/v1/turn-credentials";
            core.api.get(path, Some(&token.text)).await
        })
        .await
    }

    /// Everything that it takes to have the account again on another device: a file, and the code
    /// that opens it. Who has both is the account's owner.
    ///
    /// No session is in it, and no message. Takes a good part of a second.
    pub async fn backup(&self) -> Result<(RecoveryCode, Vec<u8>), Error> {
        self.core()
            .step(|device| {
                let code = RecoveryCode::new(Secret::random());
                let file = device.backup()?.seal(&code, &mut Secret::random)?;
                Ok((code, file))
            })
            .await
    }

    /// The account of a backup, in a vault of its own. Contacts are as they were; sessions begin
    /// anew, and what was under way in old ones is lost.
    pub async fn restore(
        vault: Vault,
        file: Vec<u8>,
        code: RecoveryCode,
        settings: Settings,
    ) -> Result<Self, Error> {
        let clock = settings.clock.clone();
        let moved = settings.server.clone();
        let device = blocking(move || {
            if Device::open(vault.clone(), clock.clone())?.is_some() {
                return Err(Error::OtherAccount);
            }
            let backup = Backup::open(&file, &code)?;
            let server = match moved {
                Some(server) => server,
                None => ServerUrl::parse(backup.origin.as_str())?,
            };
            Device::restore(vault, clock, server, &backup)
        });
        let client = Self::of_device(device.await?, &settings)?;
        // Others begin sessions with what the server hands out: those prekeys are gone.
        client.tend_keys().await?;
        Ok(client)
    }

    /// Deletes the account at the server, then everything that is kept here. There is no way back.
    ///
    /// Close the inbox before.
    pub async fn delete(self) -> Result<(), Error> {
        let core = self.core();
        let proof = core.login.proof(&core.api).await?;
        let request = &DeleteRequest {
            nonce: proof.nonce,
            signature: proof.signature,
            phone_hash: proof.phone_hash,
        };
        let () = core
            .with_token(|token| async move {
                let (path, token) = ("/api/v1/account", Some(token.text.as_str()));
                core.api.send(Method::DELETE, path, token, request).await
            })
            .await?;
        core.step(Device::forget_all).await
    }
}
