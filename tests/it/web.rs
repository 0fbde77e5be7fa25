//! The web client's files: what they are is known, they are sent once, and nothing tampers with them.

use std::fmt::Write as _;

use serde_json::Value;

use crate::operator::privcomm;
use crate::rig::{Answer, Place, Process, Setup};

/// A request for a file with these headers.
async fn ask(place: Place, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for (name, value) in headers {
        write!(request, "{name}: {value}\r\n").unwrap();
    }
    request.push_str("\r\n");
    place.say(request.as_bytes()).await.unwrap()
}

/// What `privcomm web hashes --json` lists.
async fn files(daemon: &Process) -> Vec<Value> {
    let output = privcomm(daemon, &["web", "hashes", "--json"]).await;
    assert!(output.status.success());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["files"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_file_that_is_listed_is_served_as_it_is_listed() {
    let daemon = Setup::lenient().spawn().await;
    let files = files(&daemon).await;
    assert!(files.iter().any(|file| file["path"] == "/test"));
    for file in files {
        let path = file["path"].as_str().unwrap();
        let answer = daemon.place().get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("content-type"), file["media_type"].as_str());
        let digest = file["sha256"].as_str().unwrap();
        let tag = format!("\"{digest}\"");
        assert_eq!(answer.header("etag"), Some(tag.as_str()), "{path}");
        let length = answer.header("content-length").unwrap().to_owned();
        assert_eq!(length, file["bytes"].to_string(), "{path}");
        let cached = answer.header("cache-control");
        assert_eq!(cached, Some("no-cache, no-transform"), "{path}");
        assert!(varies_with_encoding(&answer), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    }
}

/// Whether caches are told that the answer depends on `Accept-Encoding`.
fn varies_with_encoding(answer: &Answer) -> bool {
    let named = answer.header("vary").unwrap_or_default().split(',');
    named
        .map(str::trim)
        .any(|name| name.eq_ignore_ascii_case("accept-encoding"))
}

#[tokio::test]
async fn a_file_that_somebody_has_is_not_sent_again() {
    let daemon = Setup::lenient().spawn().await;
    let place = daemon.place();
    let tag = place.get("/test").await.header("etag").unwrap().to_owned();
    for held in [tag.clone(), format!("\"other\", W/{tag}")] {
        let answer = ask(place, "GET", "/test", &[("If-None-Match", &held)]).await;
        assert_eq!((answer.status, answer.text().as_str()), (304, ""));
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
        // A browser takes the headers of this in place of those it kept.
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("script-src 'self'"), "{policy}");
    }
    let answer = ask(place, "GET", "/test", &[("If-None-Match", "\"other\"")]).await;
    assert_eq!(answer.status, 200);
    let head = ask(place, "HEAD", "/test", &[("If-None-Match", &tag)]).await;
    assert_eq!(
        (head.status, head.header("etag")),
        (304, Some(tag.as_str()))
    );
}

#[tokio::test]
async fn pages_can_run_nothing_but_what_is_served_here() {
    let daemon = Setup::lenient().spawn().await;
    let answer = daemon.place().get("/test").await;
    let policy = answer.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.split("; ").any(|own| own == part), "{part}");
    }
    assert!(
        !policy.contains("unsafe") && !policy.contains("http"),
        "{policy}"
    );
    let openers = answer.header("cross-origin-opener-policy");
    assert_eq!(openers, Some("same-origin"));
    let owners = answer.header("cross-origin-resource-policy");
    assert_eq!(owners, Some("same-origin"));
    let features = answer.header("permissions-policy").unwrap();
    assert!(features.starts_with("microphone=(self), camera=(self), "));
    let script = daemon.place().get("/test/page.js").await;
    let policy = script.header("content-security-policy").unwrap();
    assert_eq!(policy, "default-src 'none'; frame-ancestors 'none'");
}

#[tokio::test]
async fn there_is_nothing_beside_the_files() {
    let daemon = Setup::lenient().spawn().await;
    for path in [
        "/app",
        "/app/",
        "/app/no.js",
        "/app/../web/mod.rs",
        "/app/%2e%2e/mod.rs",
        "/app/..%2fmod.rs",
        "/app//model.js",
        "/app/test.js",
        "/model.js",
        "//",
    ] {
        daemon.place().get(path).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn switched_off_there_is_no_client_but_the_test_page() {
    let daemon = Setup::lenient().set("server.web=false").spawn().await;
    for path in ["/", "/i", "/c", "/sw.js", "/app/model.js"] {
        daemon.place().get(path).await.refused(404, "not_found");
    }
    assert_eq!(daemon.place().get("/test").await.status, 200);
}
