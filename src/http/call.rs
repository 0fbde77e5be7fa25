//! One request as its handler sees it.

use std::str::FromStr;
use std::sync::Arc;

use http::header::{AUTHORIZATION, HeaderMap};
use http::{Request, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use serde::de::DeserializeOwned;

use super::body::{self, Allowance};
use super::refusal::Refusal;
use crate::net::{Permit, Remote};
use crate::wire::{Query, RequestId};

/// Where a request came from; it travels in the request's extensions.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    /// Whose address counts.
    pub(super) remote: Remote,
    /// The connection's place, for a protocol that takes the connection over.
    pub(super) permit: Arc<Permit>,
    /// The name of the request.
    pub(super) id: RequestId,
}

/// The parts of a path that its route names, decoded.
pub(super) type Parameters = Vec<(String, String)>;

/// One request to the site `S`.
pub(super) struct Call<S> {
    /// What handlers work with.
    pub(super) site: Arc<S>,
    /// Where it came from.
    pub(super) arrival: Arrival,
    /// The parts of the path that the route names.
    pub(super) parameters: Parameters,
    /// The request itself.
    pub(super) request: Request<Incoming>,
    /// How much body may come.
    pub(super) allowance: Allowance,
}

impl<S> Call<S> {
    /// The part of the path called `name`, as a `T`; `problem` says what is expected.
    pub(super) fn parameter<T: FromStr>(
        &self,
        name: &'static str,
        problem: &'static str,
    ) -> Result<T, Refusal> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| value.parse().ok())
            .ok_or(Refusal::Field {
                field: name,
                problem,
            })
    }

    /// The query string.
    pub(super) fn query(&self) -> Result<Query, Refusal> {
        self.request
            .uri()
            .query()
            .map_or_else(|| Ok(Query::default()), |text| Ok(Query::parse(text)?))
    }

    /// The body as a `T`.
    pub(super) async fn json<T: DeserializeOwned>(self) -> Result<T, Refusal> {
        let (head, body) = self.request.into_parts();
        body::read_json(&head.headers, body, self.allowance).await
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    pub(super) fn version(&self) -> Version {
        self.request.version()
    }

    /// The connection itself, once the answer with status 101 is out.
    pub(super) fn upgrade(&mut self) -> OnUpgrade {
        hyper::upgrade::on(&mut self.request)
    }
}

/// What a request says to prove who sent it.
#[derive(PartialEq, Eq)]
pub(super) enum Bearer<'a> {
    /// There is no `Authorization` header.
    Absent,
    /// A bearer token (RFC 6750 §2.1).
    Token(&'a str),
    /// Another scheme, a token that can't be one, or more than one header.
    Unusable,
}

impl<'a> Bearer<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => value
                .to_str()
                .ok()
                .and_then(token)
                .map_or(Self::Unusable, Self::Token),
            (Some(_), Some(_)) => Self::Unusable,
        }
    }
}

fn token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    let is_token = !token.is_empty()
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    (scheme.eq_ignore_ascii_case("bearer") && is_token).then_some(token)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let value = |text: &&str| HeaderValue::from_str(text).unwrap();
        values
            .iter()
            .map(|text| (AUTHORIZATION, value(text)))
            .collect()
    }

    #[test]
    fn a_bearer_token_is_found_whatever_the_case_of_its_scheme() {
        for value in ["Bearer a.b-c_d", "bearer a.b-c_d", "BEARER  a.b-c_d"] {
            assert!(Bearer::of(&headers(&[value])) == Bearer::Token("a.b-c_d"));
        }
    }

    #[test]
    fn anything_else_is_unusable() {
        assert!(Bearer::of(&HeaderMap::new()) == Bearer::Absent);
        for value in ["Bearer", "Bearer ", "Basic YTpi", "Bearer a b", "a.b.c", ""] {
            assert!(
                Bearer::of(&headers(&[value])) == Bearer::Unusable,
                "{value}"
            );
        }
        assert!(Bearer::of(&headers(&["Bearer a", "Bearer b"])) == Bearer::Unusable);
    }

    proptest! {
        #[test]
        fn any_header_is_survived(value in proptest::collection::vec(0x20u8..=0xff, 0..60)) {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                Bearer::of(&HeaderMap::from_iter([(AUTHORIZATION, value)]));
            }
        }
    }
}
