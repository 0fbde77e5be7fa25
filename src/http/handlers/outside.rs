//! Proofs that this server is reached from outside, and the page that makes them.

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue};

use super::{Outcome, Request, Response, reply};
use crate::web::{Asset, POLICY};

/// Proxies may not rewrite it: its bytes are compared.
const UNTOUCHED: HeaderValue = HeaderValue::from_static("no-store, no-transform");

/// `POST /api/v1/outside`
pub(in super::super) async fn begin(call: Request) -> Outcome {
    let visitor = call.visitor();
    let _waiting = visitor.knock()?;
    Ok(reply::ok(&visitor.begin_proof(&call.json().await?)?))
}

/// `POST /api/v1/outside/report`
pub(in super::super) async fn report(call: Request) -> Outcome {
    let visitor = call.visitor();
    let _waiting = visitor.knock()?;
    Ok(reply::ok(&visitor.report_proof(&call.json().await?)?))
}

/// `GET /test`, and what it loads.
pub(in super::super) fn page(asset: &'static Asset) -> Response {
    let kind = HeaderValue::from_static(asset.kind);
    let mut response = reply::content(StatusCode::OK, kind, asset.bytes.into());
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static(POLICY);
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(CACHE_CONTROL, UNTOUCHED);
    response
}
