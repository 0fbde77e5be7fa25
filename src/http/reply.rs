//! What goes back: JSON, problems (RFC 9457), pages, and the headers that everything carries.

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use super::refusal::Refusal;
use crate::wire::Problem;
use crate::wire::code::retry_after_seconds;
use crate::wire::request_id::{self, RequestId};

/// A response whose body is at hand.
pub(super) type Response = http::Response<Full<Bytes>>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// What every response carries unless its handler chose otherwise: nothing is cached, framed,
/// sniffed or run.
const DEFAULTS: [(HeaderName, HeaderValue); 5] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// `value` as JSON.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    content(status, JSON, encode(value))
}

/// `200` with `value` as JSON.
pub(super) fn ok<T: Serialize>(value: &T) -> Response {
    json(StatusCode::OK, value)
}

/// `204`.
pub(super) fn no_content() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// `body` of the given type.
pub(super) fn content(status: StatusCode, kind: HeaderValue, body: Bytes) -> Response {
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

/// `of` as the answer to the request `id`.
pub(super) fn refusal(of: &Refusal, id: &RequestId) -> Response {
    problem(of, id).0
}

/// The answer, and its body once more.
fn problem(refusal: &Refusal, id: &RequestId) -> (Response, Bytes) {
    let problem = Problem {
        status: refusal.status(),
        retry_after: refusal.retry_after().map(retry_after_seconds),
        errors: refusal.fields(),
        ..Problem::new(refusal.code(), refusal.to_string(), id.as_str())
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = encode(&problem);
    let mut response = content(status, PROBLEM, body.clone());
    hints(refusal, &problem, response.headers_mut());
    (response, body)
}

/// The headers that tell programs what to do about it.
fn hints(refusal: &Refusal, problem: &Problem, headers: &mut HeaderMap) {
    if let Some(seconds) = problem.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if problem.status == 401 {
        let scheme = HeaderValue::from_static("Bearer");
        headers.insert(header::WWW_AUTHENTICATE, scheme);
    }
    match refusal {
        Refusal::MethodNotAllowed { allow } => {
            if let Ok(allow) = HeaderValue::from_str(allow) {
                headers.insert(header::ALLOW, allow);
            }
        }
        Refusal::NoWebSocket => {
            let (upgrade, version) = ("websocket", "13");
            headers.insert(header::UPGRADE, HeaderValue::from_static(upgrade));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(
                header::SEC_WEBSOCKET_VERSION,
                HeaderValue::from_static(version),
            );
        }
        _ => {}
    }
}

/// Adds what every response carries.
pub(super) fn dress(response: &mut Response, id: &RequestId) {
    let headers = response.headers_mut();
    for (name, value) in DEFAULTS {
        headers.entry(name).or_insert(value);
    }
    if let Ok(id) = HeaderValue::from_str(id.as_str()) {
        headers.insert(request_id::HEADER, id);
    }
}

/// `refusal` as the last bytes of a connection on which no request can be answered.
pub(super) fn whole(of: &Refusal) -> Vec<u8> {
    let id = RequestId::random();
    let (mut response, body) = problem(of, &id);
    dress(&mut response, &id);
    let status = response.status();
    let mut bytes = format!(
        "HTTP/1.1 {} {}\r\ncontent-length: {}\r\nconnection: close\r\n",
        status.as_str(),
        status.canonical_reason().unwrap_or_default(),
        body.len()
    )
    .into_bytes();
    for (name, value) in response.headers() {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    bytes
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::wire::{Code, JsonError};

    fn read(of: &Refusal) -> (Problem, HeaderMap) {
        let (response, body) = problem(of, &RequestId::random());
        let problem = serde_json::from_slice(&body).unwrap();
        (problem, response.into_parts().0.headers)
    }

    #[test]
    fn a_wrong_member_is_named() {
        let (problem, _) = read(&Refusal::Json(JsonError::Field {
            field: "one_time_prekeys[3].key_id".to_owned(),
            problem: "this member is missing",
        }));
        assert_eq!(problem.code, Code::InvalidField);
        assert_eq!(problem.errors[0].field, "one_time_prekeys[3].key_id");
    }

    #[test]
    fn a_refusal_tells_programs_what_to_do() {
        let allow = "GET, HEAD".to_owned();
        let (_, headers) = read(&Refusal::MethodNotAllowed { allow });
        assert_eq!(headers[header::ALLOW], "GET, HEAD");
        let (_, headers) = read(&Refusal::NoToken);
        assert_eq!(headers[header::WWW_AUTHENTICATE], "Bearer");
        let (problem, headers) = read(&Refusal::Overdue);
        assert_eq!(headers[header::RETRY_AFTER], "1");
        assert_eq!(problem.retry_after, Some(1));
    }

    #[test]
    fn a_wait_is_never_rounded_down() {
        assert_eq!(retry_after_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(retry_after_seconds(Duration::from_secs(2)), 2);
    }
}
