//! The web client's files.

use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderMap,
    HeaderName, HeaderValue, IF_NONE_MATCH, VARY,
};

use super::{Outcome, Refusal, Request, Response, reply};
use crate::web::{self, Asset, Coding, Form};

/// Asked for anew each time, and nothing that is on the way may change a byte: they are compared.
const FRESH: HeaderValue = HeaderValue::from_static("no-cache, no-transform");
const OPENERS: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const FEATURES: HeaderName = HeaderName::from_static("permissions-policy");

/// `GET` of a file, by the path that was asked for.
pub(in super::super) fn file(call: &Request) -> Outcome {
    let path = call.request.uri().path();
    let path = match path.strip_suffix('/') {
        Some(shorter) if !shorter.is_empty() => shorter,
        _ => path,
    };
    let asset = web::at(path).ok_or(Refusal::NotFound)?;
    Ok(answer(&asset, call.headers()))
}

fn answer(asset: &Asset, headers: &HeaderMap) -> Response {
    let form = asset.form(&joined(headers, &ACCEPT_ENCODING));
    let mut response = if web::has_already(&joined(headers, &IF_NONE_MATCH), &form.tag) {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let kind = HeaderValue::from_static(asset.kind);
        reply::content(StatusCode::OK, kind, form.bytes.clone())
    };
    describe(asset, &form, response.headers_mut());
    response
}

/// What goes with a file, also where it isn't sent again: browsers take the headers of a 304 in place of
/// those that they kept.
fn describe(asset: &Asset, form: &Form, headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, FRESH);
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&form.tag) {
        headers.insert(ETAG, tag);
    }
    if form.coding != Coding::Identity {
        let coding = HeaderValue::from_static(form.coding.name());
        headers.insert(CONTENT_ENCODING, coding);
    }
    if asset.is_page {
        let policy = HeaderValue::from_static(web::CONTENT);
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(OPENERS, HeaderValue::from_static(web::OPENERS));
        headers.insert(FEATURES, HeaderValue::from_static(web::FEATURES));
    }
}

/// Every value of a list that may come in several headers.
fn joined(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join(",")
}
