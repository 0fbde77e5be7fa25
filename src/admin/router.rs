//! From method and path to a handler, and from its refusal to an answer.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::{Method, Request};
use hyper::body::Incoming;

use super::call::Call;
use super::refusal::Refusal;
use super::reply::{self, Response};
use super::route::{Outcome, Route};
use super::server::Site;
use crate::wire::{RequestId, query};

/// The route table, ready to be asked.
pub(super) struct Router {
    site: Arc<Site>,
    paths: matchit::Router<Vec<Route>>,
}

impl Router {
    /// A router of `table`. None: two rows have the same method and path, or paths that exclude each
    /// other.
    pub(super) fn new(site: Site, table: Vec<Route>) -> Option<Self> {
        let mut places: Vec<(&'static str, Vec<Route>)> = Vec::new();
        for route in table {
            match places.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, rows)) if rows.iter().any(|row| row.method == route.method) => {
                    return None;
                }
                Some((_, rows)) => rows.push(route),
                None => places.push((route.path, vec![route])),
            }
        }
        let mut paths = matchit::Router::new();
        for (path, rows) in places {
            paths.insert(path, rows).ok()?;
        }
        Some(Self {
            site: Arc::new(site),
            paths,
        })
    }

    /// The answer to `request`, whatever it is, of a process of the user `uid`.
    pub(super) async fn respond(&self, request: Request<Incoming>, uid: Option<u32>) -> Response {
        let id = RequestId::of(request.headers());
        let method = request.method().clone();
        let mut pattern = "-";
        let outcome = self.dispatch(request, uid, &mut pattern).await;
        let mut response = outcome.unwrap_or_else(|refusal| reply::refusal(&refusal, &id));
        reply::dress(&mut response, &id);
        let (method, status) = (method.as_str(), response.status().as_u16());
        tracing::debug!(method, route = pattern, status, "operator's request");
        response
    }

    async fn dispatch(
        &self,
        request: Request<Incoming>,
        uid: Option<u32>,
        pattern: &mut &'static str,
    ) -> Outcome {
        let path = request.uri().path();
        let path = path.strip_suffix('/').unwrap_or(path);
        let found = self.paths.at(path).map_err(|_| Refusal::NotFound)?;
        let route = choose(found.value, request.method())?;
        *pattern = route.path;
        let decoded = found.params.iter().map(|(key, value)| {
            let value = query::decode(value).ok_or(Refusal::NotFound)?;
            Ok((key.to_owned(), value))
        });
        let call = Call {
            parameters: decoded.collect::<Result<_, Refusal>>()?,
            site: Arc::clone(&self.site),
            request,
            body_limit: route.body,
            uid,
        };
        let answer = AssertUnwindSafe((route.handler)(call)).catch_unwind();
        match tokio::time::timeout(route.patience, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_panic)) => {
                tracing::error!(route = route.path, "a handler of the admin socket panicked");
                Err(Refusal::Panicked)
            }
            Err(_elapsed) => Err(Refusal::Overdue),
        }
    }
}

fn choose<'a>(rows: &'a [Route], method: &Method) -> Result<&'a Route, Refusal> {
    let found = rows.iter().find(|row| row.method == *method);
    found.ok_or_else(|| {
        let allowed: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
        Refusal::MethodNotAllowed {
            allow: allowed.join(", "),
        }
    })
}
