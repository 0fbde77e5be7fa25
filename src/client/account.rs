//! The account itself: what the server holds, relay credentials, its end.

use http::Method;

use super::{Client, Error, keys};
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
        core.step(super::device::Device::forget_all).await
    }
}
