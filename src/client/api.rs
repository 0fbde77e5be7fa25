//! The REST side of a server (PROTOCOL.md §4): one connection for each request, one deadline for it.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::backoff::believed;
use super::dial::Dialer;
use super::{Error, ServerUrl};
use crate::e2ee::{Bundle, BundleFields};
use crate::wire::{Problem, binary, body, json};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// More than any answer has: a page of messages.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;

/// Asks one server. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Api {
    dialer: Dialer,
}

impl Api {
    pub(super) const fn new(dialer: Dialer) -> Self {
        Self { dialer }
    }

    pub(super) const fn url(&self) -> &ServerUrl {
        self.dialer.url()
    }

    pub(super) const fn dialer(&self) -> &Dialer {
        &self.dialer
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        token: Option<&str>,
    ) -> Result<T, Error> {
        self.ask(Method::GET, path, token, Bytes::new()).await
    }

    pub(super) async fn send<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &B,
    ) -> Result<T, Error> {
        #[expect(clippy::expect_used, reason = "no map has a key that isn't a string")]
        let body = serde_json::to_vec(body).expect("every body is JSON");
        self.ask(method, path, token, body.into()).await
    }

    /// What it takes to write to somebody for the first time, checked: by user id, or by handle.
    pub(super) async fn bundle(&self, token: &str, whom: &str) -> Result<Bundle, Error> {
        let path = format!("/api/v1/keys/{whom}");
        let bundle: body::Bundle = self.get(&path, Some(token)).await?;
        checked(&bundle)
    }

    pub(super) async fn delete(&self, path: &str, token: &str) -> Result<(), Error> {
        self.ask(Method::DELETE, path, Some(token), Bytes::new())
            .await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Bytes,
    ) -> Result<T, Error> {
        let exchange = self.exchange(method, path, token, body);
        let (status, body) = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| Error::Unreachable(io::ErrorKind::TimedOut.into()))??;
        if status.is_success() {
            // An answer without a body is that of a `T` that needs none.
            let body: &[u8] = if body.is_empty() { b"null" } else { &body };
            return json::parse(body).map_err(|_| Error::Foreign("another body"));
        }
        match json::parse::<Problem>(&body) {
            Ok(problem) => Err(Error::Refused {
                code: problem.code,
                detail: problem.detail,
                retry_after: problem.retry_after.map(believed),
            }),
            // A proxy on the way, which speaks for a server that it doesn't reach.
            Err(_) if status.is_server_error() => {
                let detail = format!("HTTP status {}", status.as_u16());
                Err(Error::Unreachable(io::Error::other(detail)))
            }
            Err(_) => Err(Error::Foreign("another kind of refusal")),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), Error> {
        let stream = self.dialer.dial().await.map_err(Error::Unreachable)?;
        let broken = |error: hyper::Error| Error::Unreachable(io::Error::other(error));
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.url().authority());
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body));
        let request = request.map_err(|_| Error::Foreign("a token that is no header"))?;
        let talk = async {
            let response = sender.send_request(request).await.map_err(broken)?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await;
            let body = body.map_err(|_| Error::Foreign("an answer that breaks off"))?;
            Ok((head.status, body.to_bytes()))
        };
        tokio::pin!(talk, connection);
        tokio::select! {
            biased;
            outcome = talk.as_mut() => outcome,
            // The connection may end a moment before its last answer is taken out.
            _ = connection => talk.await,
        }
    }
}

fn checked(bundle: &body::Bundle) -> Result<Bundle, Error> {
    const BINARY: Error = Error::Foreign("a bundle with other binary members");
    let identity: [u8; 32] = binary::decode_fixed(&bundle.identity_key).map_err(|_| BINARY)?;
    let one_time = match &bundle.one_time_prekey {
        None => None,
        Some(prekey) => {
            let key = binary::decode_fixed(&prekey.public_key).map_err(|_| BINARY)?;
            Some((prekey.key_id, key))
        }
    };
    let fields = BundleFields {
        user: bundle.user_id,
        identity_key: &identity,
        signed_prekey: binary::decode_fixed(&bundle.signed_prekey).map_err(|_| BINARY)?,
        prekey_signature: binary::decode_fixed(&bundle.prekey_signature).map_err(|_| BINARY)?,
        one_time_prekey: one_time,
    };
    Ok(Bundle::check(&fields)?)
}
