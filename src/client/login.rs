//! Tokens: asked for with a signature, used until they are about to lapse (PROTOCOL.md §3).

use std::time::Duration;

use http::Method;
use tokio::time::Instant;

use super::api::Api;
use super::backoff::believed;
use super::record::Profile;
use super::{Error, ServerUrl};
use crate::base::{Private, UserId};
use crate::e2ee::{Handle, Identity};
use crate::wire::binary;
use crate::wire::body::{ChallengeRequest, ChallengeResponse, TokenRequest, TokenResponse};

/// How long before its end a token isn't used any more.
const MARGIN: Duration = Duration::from_secs(30);

/// A token, and how long it is good for.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) text: Private<String>,
    pub(super) user: UserId,
    until: Instant,
}

impl Token {
    pub(super) fn is_good(&self) -> bool {
        Instant::now() < self.until
    }
}

/// Who logs in where.
#[derive(Debug, Clone)]
pub(super) struct Login {
    server: ServerUrl,
    handle: Handle,
    identity: Identity,
}

impl Login {
    pub(super) fn of(profile: &Profile) -> Self {
        Self {
            server: profile.server.clone(),
            handle: profile.handle.clone(),
            identity: profile.identity.clone(),
        }
    }

    /// A nonce, as it came and as bytes.
    pub(super) async fn challenge(&self, api: &Api) -> Result<(String, [u8; 32]), Error> {
        let body = ChallengeRequest {
            phone_hash: self.handle.as_str().to_owned().into(),
        };
        let path = "/api/v1/auth/challenge";
        let answer: ChallengeResponse = api.send(Method::POST, path, None, &body).await?;
        let nonce = binary::decode_fixed(&answer.nonce);
        let nonce = nonce.map_err(|_| Error::Foreign("another nonce"))?;
        Ok((answer.nonce, nonce))
    }

    /// A fresh nonce and what the identity key says to it.
    pub(super) async fn proof(&self, api: &Api) -> Result<TokenRequest, Error> {
        let (text, nonce) = self.challenge(api).await?;
        let origin = self.server.origin();
        let signature = self.identity.sign_login(origin, &self.handle, &nonce);
        Ok(TokenRequest {
            phone_hash: self.handle.as_str().to_owned().into(),
            nonce: text.into(),
            signature: binary::encode(&signature),
        })
    }

    pub(super) async fn token(&self, api: &Api) -> Result<Token, Error> {
        let proof = self.proof(api).await?;
        let asked = Instant::now();
        let path = "/api/v1/auth/token";
        let answer: TokenResponse = api.send(Method::POST, path, None, &proof).await?;
        let life = believed(answer.expires_in).saturating_sub(MARGIN);
        Ok(Token {
            text: answer.token,
            user: answer.user_id,
            until: asked + life,
        })
    }
}
