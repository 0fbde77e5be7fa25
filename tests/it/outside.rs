//! Proofs that somebody outside reaches the daemon: a code is good once, and only what comes from a
//! public address counts.

use serde_json::{Value, json};

use crate::operator::privcomm;
use crate::rig::{Answer, Place, Process, RawSocket, Setup, opcode};

/// An address that no router keeps to itself, as the tunnel would name it.
const PHONE: &str = "198.51.100.7";

async fn link(daemon: &Process) -> String {
    let output = privcomm(daemon, &["doctor", "--outside", "--json"]).await;
    assert!(output.status.success());
    let made: Value = serde_json::from_slice(&output.stdout).unwrap();
    made["link"].as_str().unwrap().to_owned()
}

async fn code(daemon: &Process) -> String {
    let link = link(daemon).await;
    link.split_once("/test#").unwrap().1.to_owned()
}

/// The request as it comes through a tunnel from `address`.
async fn post_from(address: &str, place: Place, path: &str, body: &Value) -> Answer {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCF-Connecting-IP: {address}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    place.say(request.as_bytes()).await.unwrap()
}

async fn begin(daemon: &Process, code: &str) -> Answer {
    let body = json!({ "code": code });
    daemon.place().post("/api/v1/outside", &body).await
}

#[tokio::test]
async fn what_is_proven_from_outside_is_shown_to_the_operator() {
    let daemon = Setup::lenient().spawn().await;
    let code = code(&daemon).await;
    let body = json!({ "code": code });
    let kit = post_from(PHONE, daemon.place(), "/api/v1/outside", &body).await;
    let kit = kit.with(200);
    let ways: Vec<_> = kit["relays"].as_array().unwrap().iter().collect();
    assert_eq!(
        (&ways[0]["over"], &ways[1]["over"]),
        (&json!("udp"), &json!("tcp"))
    );
    assert_eq!(ways.len(), 2);

    // A socket that never came in doesn't count, whatever is reported.
    let report = json!({ "code": code, "reached": ["http", "socket", "udp"] });
    let noted = post_from(PHONE, daemon.place(), "/api/v1/outside/report", &report).await;
    assert_eq!(noted.with(200), json!({ "from": "outside" }));
    let output = privcomm(&daemon, &["status", "--json"]).await;
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    let seen = &status["seen_outside"];
    assert!(
        seen["http"].is_string() && seen["udp"].is_string(),
        "{seen}"
    );
    assert!(seen["socket"].is_null() && seen["tcp"].is_null(), "{seen}");

    let shown = |output: std::process::Output| String::from_utf8(output.stdout).unwrap();
    let ports = shown(privcomm(&daemon, &["ports"]).await);
    assert!(ports.contains("listening, outside: seen "), "{ports}");
    let text = shown(privcomm(&daemon, &["doctor", "--only", "outside"]).await);
    assert!(text.contains("was reached from outside, seen "), "{text}");
    let text = shown(privcomm(&daemon, &["status"]).await);
    assert!(
        text.contains("\noutside   seen ") && text.contains(": pages, UDP\n"),
        "{text}"
    );
}

#[tokio::test]
async fn the_credentials_of_a_proof_are_good_at_the_relay_and_its_pass_at_the_socket() {
    let daemon = Setup::lenient().spawn().await;
    let code = code(&daemon).await;
    let kit = begin(&daemon, &code).await.with(200);
    let server = &kit["relays"][0]["ice_server"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let [url, name, credential] = [
        &server["urls"][0],
        &server["username"],
        &server["credential"],
    ]
    .map(text);
    let arguments = [
        "turn",
        "test",
        "--url",
        &url,
        "--user",
        &name,
        "--credential",
        &credential,
    ];
    let output = privcomm(&daemon, &arguments).await;
    assert!(output.status.success(), "{output:?}");

    let mut socket = RawSocket::open(daemon.place(), None).await;
    let pass = json!({ "type": "auth", "token": kit["socket_pass"] });
    let text = 0x80 | opcode::TEXT;
    socket.frame(text, pass.to_string().as_bytes()).await;
    socket.frame(0x80 | opcode::PING, b"?").await;
    let pong = Some((opcode::PONG, b"?".to_vec()));
    assert_eq!(socket.next().await, pong);
    let report = json!({ "code": code, "reached": ["socket"] });
    post_from(PHONE, daemon.place(), "/api/v1/outside/report", &report)
        .await
        .with(200);
    let output = privcomm(&daemon, &["status"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(": messages\n"), "{text}");
}

#[tokio::test]
async fn a_code_is_good_once_and_a_forged_one_never() {
    let daemon = Setup::lenient().spawn().await;
    let code = code(&daemon).await;
    // Not begun, so nothing can be reported with it.
    let report = json!({ "code": code, "reached": ["udp"] });
    let path = "/api/v1/outside/report";
    daemon
        .place()
        .post(path, &report)
        .await
        .refused(403, "forbidden");
    begin(&daemon, &code).await.with(200);
    begin(&daemon, &code).await.refused(403, "forbidden");
    for forged in ["", "0000-0000-0000", "7Q2M", "check.0", "🦊"] {
        begin(&daemon, forged).await.refused(403, "forbidden");
    }
}

#[tokio::test]
async fn what_comes_from_this_machine_says_nothing_of_the_outside() {
    let daemon = Setup::lenient().spawn().await;
    let code = code(&daemon).await;
    begin(&daemon, &code).await.with(200);
    let report = json!({ "code": code, "reached": ["http", "udp"] });
    let noted = daemon.place().post("/api/v1/outside/report", &report).await;
    assert_eq!(noted.with(200), json!({ "from": "near" }));
    let output = privcomm(&daemon, &["status"]).await;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("nobody seen since the start"), "{text}");
}

#[tokio::test]
async fn whoever_tries_codes_is_slowed_down() {
    let daemon = Setup::lenient().spawn().await;
    for _ in 0..20 {
        begin(&daemon, "0000-0000-0000")
            .await
            .refused(403, "forbidden");
    }
    let code = code(&daemon).await;
    begin(&daemon, &code).await.refused(429, "rate_limited");
    let body = json!({ "code": code });
    let other = post_from(PHONE, daemon.place(), "/api/v1/outside", &body).await;
    other.with(200);
}

#[tokio::test]
async fn a_ninth_link_ends_the_first() {
    let daemon = Setup::lenient().spawn().await;
    let first = code(&daemon).await;
    let mut last = String::new();
    for _ in 0..8 {
        last = code(&daemon).await;
    }
    begin(&daemon, &first).await.refused(403, "forbidden");
    begin(&daemon, &last).await.with(200);
}

#[tokio::test]
async fn the_page_may_run_only_what_is_served_beside_it() {
    let daemon = Setup::lenient().spawn().await;
    for (path, kind) in [
        ("/test", "text/html; charset=utf-8"),
        ("/test/", "text/html; charset=utf-8"),
        ("/test/page.js", "text/javascript; charset=utf-8"),
        ("/test/page.css", "text/css; charset=utf-8"),
    ] {
        let answer = daemon.place().get(path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some(kind))
        );
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
