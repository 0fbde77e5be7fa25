//! Upkeep of the prekeys (E2EE.md §12): at every connect, and when the server says that they run low.

use http::Method;

use super::Error;
use super::core::Core;
use super::device::{Age, Upkeep};
use crate::wire::Code;
use crate::wire::body::{Account, KeyStatus, KeyUpload};

/// Makes what the server has into what it should have.
pub(super) async fn tend(core: &Core) -> Result<(), Error> {
    loop {
        let account = account(core).await?;
        let upkeep = core.step(move |device| device.tend(&account)).await?;
        let Upkeep::Upload(upload, age) = upkeep else {
            return Ok(());
        };
        match put(core, &upload).await {
            // Where it will never take these, others are made instead.
            Ok(_)
            | Err(Error::Refused {
                code: Code::InvalidField | Code::InvalidKey | Code::InvalidSignature,
                ..
            }) => {}
            Err(error) => return Err(error),
        }
        core.step(|device| device.uploaded()).await?;
        if age == Age::New {
            return Ok(());
        }
    }
}

/// Everything that the server holds about the account.
pub(super) async fn account(core: &Core) -> Result<Account, Error> {
    let api = &core.api;
    core.with_token(|token| async move { api.get("/api/v1/account", Some(&token.text)).await })
        .await
}

async fn put(core: &Core, upload: &KeyUpload) -> Result<KeyStatus, Error> {
    let api = &core.api;
    core.with_token(|token| async move {
        api.send(Method::PUT, "/api/v1/keys", Some(&token.text), upload)
            .await
    })
    .await
}
