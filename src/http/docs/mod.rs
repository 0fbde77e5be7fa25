//! The description of the API as files: one for programs, one page for people.
//!
//! The page is made here, once, from the description: no script runs in it and nothing is loaded
//! from anywhere, which its policy (CSP) also says.

mod page;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use sha2::{Digest, Sha256};

use super::openapi;
use super::reply::{self, Response};
use super::route::{Route, Site};
use crate::config::Limits;

/// The style of the page, which its policy names by hash.
const STYLE: &str = include_str!("page.css");

/// Both files.
#[derive(Debug)]
pub(super) struct Pages {
    openapi: Bytes,
    docs: Bytes,
    policy: Option<HeaderValue>,
}

impl Pages {
    /// The description of `routes`.
    pub(super) fn of<S: Site>(routes: &[Route<S>], limits: &Limits) -> Self {
        let description = openapi::describe(routes, limits);
        Self {
            openapi: description.to_string().into(),
            docs: page::render(&description, STYLE).into(),
            policy: HeaderValue::from_str(&policy()).ok(),
        }
    }

    /// `/openapi.json`
    pub(super) fn openapi(&self) -> Response {
        let kind = HeaderValue::from_static("application/json");
        reply::content(StatusCode::OK, kind, self.openapi.clone())
    }

    /// `/docs`
    pub(super) fn docs(&self) -> Response {
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        let mut response = reply::content(StatusCode::OK, kind, self.docs.clone());
        if let Some(policy) = &self.policy {
            let headers = response.headers_mut();
            headers.insert(CONTENT_SECURITY_POLICY, policy.clone());
        }
        response
    }
}

fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::super::routes::{Docs, WebClient, routes};
    use super::*;

    async fn page() -> (String, Response) {
        let pages = Pages::of(&routes(Docs::Served, WebClient::Served), &Limits::default());
        let response = pages.docs();
        let text = response
            .clone()
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes();
        (String::from_utf8(text.into()).unwrap(), response)
    }

    #[tokio::test]
    async fn the_page_shows_every_route() {
        let (page, _) = page().await;
        for route in routes(Docs::Served, WebClient::Served) {
            let place = format!(
                r#"<b class="{0}">{1}</b> <code>{2}</code>"#,
                route.method.as_str().to_lowercase(),
                route.method,
                openapi::template(route.path)
            );
            assert!(page.contains(&place), "{place}");
            let summary = route.about.summary.replace('\'', "&#39;");
            assert!(page.contains(&summary), "{summary}");
        }
    }

    #[tokio::test]
    async fn the_page_shows_every_schema_frame_and_code() {
        let (page, _) = page().await;
        let description =
            openapi::describe(&routes(Docs::Served, WebClient::Served), &Limits::default());
        for name in description["components"]["schemas"]
            .as_object()
            .unwrap()
            .keys()
        {
            assert!(page.contains(&format!(r#"id="schema-{name}""#)), "{name}");
        }
        for code in crate::wire::Code::ALL {
            assert!(page.contains(&format!("<code>{}</code>", code.as_str())));
        }
        for frame in ["encrypted_message", "queue_drained", "call_state", "4409"] {
            assert!(page.contains(&format!("<code>{frame}</code>")), "{frame}");
        }
    }

    #[tokio::test]
    async fn every_link_of_the_page_leads_somewhere_in_it() {
        let (page, _) = page().await;
        for link in page.split("href=\"").skip(1) {
            let target = link.split('"').next().unwrap();
            if let Some(id) = target.strip_prefix('#') {
                assert!(page.contains(&format!("id=\"{id}\"")), "{target}");
            } else {
                assert_eq!(target, "/openapi.json");
            }
        }
    }

    #[tokio::test]
    async fn the_page_runs_nothing_and_loads_nothing() {
        let (page, response) = page().await;
        for word in [
            "<script",
            "javascript:",
            "http://",
            "https://",
            " style=",
            " onclick=",
        ] {
            assert!(!page.contains(word), "{word}");
        }
        let style = page.split("<style>").nth(1).unwrap();
        let style = style.split("</style>").next().unwrap();
        let hash = STANDARD.encode(Sha256::digest(style));
        let policy = response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.contains(&format!("style-src 'sha256-{hash}'")));
        assert!(policy.starts_with("default-src 'none'"));
    }
}
