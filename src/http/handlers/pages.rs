//! The API described: for programs, and for people.

use super::{Outcome, Refusal, Request};

/// `GET /openapi.json`
pub(in super::super) fn openapi(call: &Request) -> Outcome {
    let pages = call.site.pages.as_ref().ok_or(Refusal::NotFound)?;
    Ok(pages.openapi())
}

/// `GET /docs` and `/redoc`
pub(in super::super) fn docs(call: &Request) -> Outcome {
    let pages = call.site.pages.as_ref().ok_or(Refusal::NotFound)?;
    Ok(pages.docs())
}
