//! One row of the route table: where, what it does, and how much it may take.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::Method;

use super::call::Call;
use super::refusal::Refusal;
use super::reply::Response;

/// How long an answer may take to be made, unless its row says otherwise.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes that a body may have, unless its row says otherwise.
const BODY: usize = 64 * 1024;

/// What a handler comes to.
pub(super) type Outcome = Result<Response, Refusal>;

/// A handler at work.
pub(super) type Answer = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The answer of a handler that needs no waiting.
pub(super) fn at_once(outcome: Outcome) -> Answer {
    Box::pin(std::future::ready(outcome))
}

/// One row of the route table.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) method: Method,
    /// With `{names}` in braces, and without a slash at its end.
    pub(super) path: &'static str,
    pub(super) handler: fn(Call) -> Answer,
    /// Bytes that its body may have.
    pub(super) body: usize,
    /// How long its answer may take to be made.
    pub(super) patience: Duration,
}

impl Route {
    /// A row that only shows something.
    pub(super) const fn get(path: &'static str, handler: fn(Call) -> Answer) -> Self {
        Self::new(Method::GET, path, handler)
    }

    /// A row that does or makes something.
    pub(super) const fn post(path: &'static str, handler: fn(Call) -> Answer) -> Self {
        Self::new(Method::POST, path, handler)
    }

    /// A row of whatever method.
    pub(super) const fn new(
        method: Method,
        path: &'static str,
        handler: fn(Call) -> Answer,
    ) -> Self {
        Self {
            method,
            path,
            handler,
            body: BODY,
            patience: PATIENCE,
        }
    }
}
