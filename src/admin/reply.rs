//! What goes back: JSON, problems (RFC 9457), and the headers that everything carries.

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Response as HttpResponse, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::refusal::Refusal;
use crate::wire::admin::{Refused, VERSION, VERSION_HEADER};
use crate::wire::code::retry_after_seconds;
use crate::wire::{Problem, RequestId, request_id};

/// A response whose body is at hand.
pub(super) type Response = HttpResponse<Full<Bytes>>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// `200` with `value` as JSON.
pub(super) fn ok<T: Serialize>(value: &T) -> Response {
    content(StatusCode::OK, JSON, encode(value))
}

/// `200` with `text`, of the media type `kind`.
pub(super) fn text(kind: HeaderValue, text: String) -> Response {
    content(StatusCode::OK, kind, text.into())
}

/// `refusal` as the answer to the request `id`.
pub(super) fn refusal(refusal: &Refusal, id: &RequestId) -> Response {
    let problem = Problem {
        retry_after: refusal.retry_after().map(retry_after_seconds),
        errors: refusal.fields(),
        ..Problem::new(refusal.code(), refusal.to_string(), id.as_str())
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let refused = Refused {
        problem,
        trouble: refusal.trouble(),
    };
    let mut response = content(status, PROBLEM, encode(&refused));
    if let Refusal::MethodNotAllowed { allow } = refusal
        && let Ok(allow) = HeaderValue::from_str(allow)
    {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

/// Adds what every response carries.
pub(super) fn dress(response: &mut Response, id: &RequestId) {
    let headers = response.headers_mut();
    headers.insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(request_id::HEADER, id);
    }
}

fn content(status: StatusCode, kind: HeaderValue, body: Bytes) -> Response {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn encode<T: Serialize>(value: &T) -> Bytes {
    #[expect(clippy::expect_used, reason = "no map has a key that isn't a string")]
    serde_json::to_vec(value)
        .expect("every body is JSON")
        .into()
}
