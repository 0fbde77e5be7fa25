//! One request as its handler sees it.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use super::server::Site;
use crate::messenger::Operator;
use crate::wire::{Query, json};

/// How long a whole body may take to come: it is written by a command on the same machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// One request.
pub(super) struct Call {
    /// What handlers work with.
    pub(super) site: Arc<Site>,
    /// The parts of the path that the route names, decoded.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) request: Request<Incoming>,
    /// Bytes.
    pub(super) body_limit: usize,
    /// The user id of the process that asks, as far as the system told it.
    pub(super) uid: Option<u32>,
}

impl Call {
    /// What operators may do, done by whoever asks.
    pub(super) fn operator(&self) -> Operator {
        self.site.operator.for_user(self.uid)
    }

    /// The part of the path called `name`, as a `T`; `problem` says what is expected.
    pub(super) fn parameter<T: FromStr>(
        &self,
        name: &'static str,
        problem: &'static str,
    ) -> Result<T, Refusal> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(key, _)| key == name);
        found
            .and_then(|(_, value)| value.parse().ok())
            .ok_or(Refusal::Field {
                field: name,
                problem,
            })
    }

    /// The query string.
    pub(super) fn query(&self) -> Result<Query, Refusal> {
        let text = self.request.uri().query();
        text.map_or_else(|| Ok(Query::default()), |text| Ok(Query::parse(text)?))
    }

    /// The body as a `T`: strict JSON, and declared to be.
    pub(super) async fn json<T: DeserializeOwned>(self) -> Result<T, Refusal> {
        let (head, body) = self.request.into_parts();
        let kind = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        if kind != Some(b"application/json") {
            return Err(Refusal::NotJson);
        }
        let text = read(body, self.body_limit).await?;
        Ok(json::parse(&text)?)
    }
}

async fn read(body: Incoming, limit: usize) -> Result<Bytes, Refusal> {
    let whole = Limited::new(body, limit).collect();
    match tokio::time::timeout(PATIENCE, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge { limit }),
        Ok(Err(_)) => Err(Refusal::BodyBroken),
        Err(_) => Err(Refusal::BodyTooSlow),
    }
}
