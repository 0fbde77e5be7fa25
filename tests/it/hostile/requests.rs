//! Requests that HTTP doesn't allow, or that two servers might read differently.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Conversation, is_healthy};
use crate::rig::{Answer, Appliance, Place, Setup, soon};

/// Everything that comes back until the daemon ends the connection, to a client that has said all.
async fn whole_answer(place: Place, request: &[u8]) -> String {
    let mut stream = place.dial().await.unwrap();
    // The daemon may hang up in the middle of it.
    let _ = stream.write_all(request).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let _ = soon("the end", stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(answers: &str) -> Vec<&str> {
    let lines = answers.split("HTTP/1.").skip(1);
    lines.map(|line| line.get(2..5).unwrap()).collect()
}

#[tokio::test]
async fn what_is_no_request_ends_its_own_connection_only() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let mut others = Conversation::begin(place).await;
    let requests: [&[u8]; 16] = [
        b"\r\n",
        b"GET\r\n\r\n",
        b"GET /health\r\n",
        b"GET /health/live\r\n\r\n",
        b"GET /health/live HTTP/3.0\r\nHost: x\r\n\r\n",
        b"GET /health/live HTTP/1.1 \r\nHost: x\r\n\r\n",
        b"GET  /health/live HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /he\0alth HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nA: b\x07c\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nA\0B: c\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\n: c\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaaaaaaaaaaaa",
        b"\0\0\0\0\0\0\0\0\xff\xff\xff\xff",
    ];
    for request in requests {
        let answer = whole_answer(place, request).await;
        let is_refusal = answer.is_empty() || answer.starts_with("HTTP/1.1 400 ");
        assert!(is_refusal, "{}: {answer}", request.escape_ascii());
    }
    others.goes_on().await;
    is_healthy(place).await;
}

#[tokio::test]
async fn a_request_that_names_two_hosts_is_refused() {
    let appliance = Appliance::start().await;
    let status = async |head: &str| {
        let request = format!("GET /health/live HTTP/{head}\r\nConnection: close\r\n\r\n");
        let answers = whole_answer(appliance.place(), request.as_bytes()).await;
        statuses(&answers)[0].to_owned()
    };
    assert_eq!(status("1.1\r\nHost: x").await, "200");
    assert_eq!(status("1.0").await, "200");
    assert_eq!(status("1.1\r\nHost: x\r\nHost: y").await, "400");
}

#[tokio::test]
async fn a_request_smuggled_in_another_is_never_answered() {
    let appliance = Appliance::start().await;
    let smuggled = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        "Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}",
        "Content-Length: 2, 2\r\n\r\n{}",
        "Content-Length: +2\r\n\r\n{}",
        "Content-Length: 0x2\r\n\r\n{}",
        "Content-Length: 2 \0\r\n\r\n{}",
        "Content-Length: 18446744073709551618\r\n\r\n{}",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n",
    ] {
        let request = format!(
            "POST /api/v1/auth/challenge HTTP/1.1\r\nHost: x\r\n\
             Content-Type: application/json\r\n{framing}{smuggled}"
        );
        let answers = whole_answer(appliance.place(), request.as_bytes()).await;
        assert!(
            ["400"].starts_with(&statuses(&answers)),
            "{framing:?}: {answers}"
        );
    }
}

#[tokio::test]
async fn the_body_of_a_refused_request_is_not_taken_for_the_next_one() {
    let appliance = Appliance::start().await;
    let smuggled = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    for (line, status) in [
        ("POST /api/v1/messages", "401"),
        ("POST /nowhere", "404"),
        ("DELETE /api/v1/register", "405"),
        ("GET /ws", "426"),
    ] {
        let length = smuggled.len();
        let request =
            format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{smuggled}");
        let answers = whole_answer(appliance.place(), request.as_bytes()).await;
        assert_eq!(statuses(&answers), [status], "{line}");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_each_by_itself() {
    let appliance = Appliance::start().await;
    let one = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    let paths = [
        "/health/live",
        "/nowhere",
        "/api/v1/account",
        "/health/live",
    ];
    let request: String = paths.map(one).concat().repeat(50);
    let answers = whole_answer(appliance.place(), request.as_bytes()).await;
    assert_eq!(statuses(&answers), ["200", "404", "401", "200"].repeat(50));
}

#[tokio::test]
async fn a_path_is_matched_as_it_is_written() {
    let appliance = Appliance::start().await;
    for target in [
        "/%68ealth/live",
        "/docs/../health/live",
        "//health/live",
        "/health//live",
        "/HEALTH/live",
        "/health/live%00",
        "/health/live%2f",
        "/health/live//",
        "/health/live;a=b",
        "/api/v1/server/../account",
        "/.",
        "/%",
        "/\u{e4}",
    ] {
        appliance
            .place()
            .get(target)
            .await
            .refused(404, "not_found");
    }
    for target in [
        "/health/live",
        "/health/live/",
        "/health/live?token=x&a=%20",
        "http://somewhere.example/health/live",
    ] {
        appliance.place().get(target).await.with(200);
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_refused_with_those_it_has() {
    let appliance = Appliance::start().await;
    for (method, path, has) in [
        ("DELETE", "/health", "GET"),
        ("GET", "/api/v1/register", "POST"),
        ("PUT", "/api/v1/messages", "POST"),
        ("POST", "/ws", "GET"),
        ("TRACE", "/health/live", "GET"),
        ("BREW", "/api/v1/server", "GET"),
        ("get", "/api/v1/server", "GET"),
    ] {
        let answer = appliance.place().ask(method, path, None, None).await;
        answer.refused(405, "method_not_allowed");
        assert!(answer.header("allow").unwrap().contains(has));
    }
}

/// A request whose header block, the start line included, has so many bytes.
fn block(bytes: usize) -> String {
    let (start, end) = ("GET /health/live HTTP/1.1\r\nHost: x\r\nx: ", "\r\n\r\n");
    format!(
        "{start}{}{end}",
        "a".repeat(bytes - start.len() - end.len())
    )
}

#[tokio::test]
async fn a_header_block_may_be_as_large_as_its_limits_and_no_larger() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    place.say(block(16_384).as_bytes()).await.unwrap().with(200);
    for bytes in [16_385, 17_000, 100_000, 5_000_000] {
        let answer = whole_answer(place, block(bytes).as_bytes()).await;
        // One that is far too large may be cut off before its writer has listened.
        let is_refusal = answer.is_empty() || answer.starts_with("HTTP/1.1 431 ");
        assert!(is_refusal, "{bytes}: {answer}");
    }
    let fields = |count: usize| {
        format!(
            "GET /health/live HTTP/1.1\r\n{}\r\n",
            "a: b\r\n".repeat(count)
        )
    };
    place.say(fields(64).as_bytes()).await.unwrap().with(200);
    let refused = place.say(fields(65).as_bytes()).await.unwrap();
    assert_eq!(refused.status, 431);
}

#[tokio::test]
async fn a_request_id_that_is_no_id_is_replaced() {
    let appliance = Appliance::start().await;
    let ask = async |id: &str| {
        let request = format!("GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Request-Id: {id}\r\n\r\n");
        let answer = appliance.place().say(request.as_bytes()).await.unwrap();
        answer.refused(404, "not_found");
        answer.header("x-request-id").unwrap().to_owned()
    };
    let longest = "a".repeat(64);
    assert_eq!(ask(&longest).await, longest);
    for wrong in ["", "a b", "<script>", "é", &"a".repeat(65)] {
        assert_ne!(ask(wrong).await, wrong);
    }
}

#[tokio::test]
async fn whoever_sends_a_header_too_slowly_is_hung_up_on() {
    let setup = Setup::lenient().set("limits.header_timeout=200ms");
    let appliance = setup.start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mut crowd = Vec::new();
    for _ in 0..100 {
        let mut stream = appliance.place().dial().await.unwrap();
        stream
            .write_all(b"GET /health HTTP/1.1\r\nx: ")
            .await
            .unwrap();
        crowd.push(stream);
    }
    others.goes_on().await;
    for mut stream in crowd {
        let _ = stream.write_all(b"a").await;
        let mut rest = Vec::new();
        let _ = soon("the end", stream.read_to_end(&mut rest)).await;
        assert!(rest.is_empty());
    }
}

#[tokio::test]
async fn whoever_sends_a_body_too_slowly_is_told_and_hung_up_on() {
    let setup = Setup::lenient().set("limits.body_timeout=200ms");
    let appliance = setup.start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mut stream = appliance.place().dial().await.unwrap();
    let head = "POST /api/v1/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                Content-Length: 1000\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = soon("an answer", Answer::read(&mut stream)).await.unwrap();
    answer.refused(408, "request_timeout");
    let mut rest = Vec::new();
    let _ = soon("the end", stream.read_to_end(&mut rest)).await;
    assert!(rest.is_empty());
    others.goes_on().await;
}

#[tokio::test]
async fn connections_that_say_nothing_or_vanish_cost_nobody_their_own() {
    let setup = Setup::lenient().set("limits.header_timeout=200ms");
    let appliance = setup.start().await;
    let place = appliance.place();
    let mut others = Conversation::begin(place).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(place.dial().await.unwrap());
        let mut gone = place.dial().await.unwrap();
        gone.write_all(b"POST /api/v1/register HTTP/1.1\r\nHost: x\r\nContent-Le")
            .await
            .unwrap();
    }
    others.goes_on().await;
    for mut stream in silent {
        assert_eq!(soon("the end", stream.read(&mut [0])).await.unwrap_or(0), 0);
    }
    is_healthy(place).await;
}

#[tokio::test]
async fn beyond_capacity_strangers_are_told_and_sessions_stand() {
    let setup = Setup::lenient().set("server.max_connections=16");
    let appliance = setup.start().await;
    let place = appliance.place();
    let mut others = Conversation::begin(place).await;
    let mut crowd = Vec::new();
    for _ in 0..20 {
        crowd.push(place.dial().await.unwrap());
    }
    let mut last = crowd.pop().unwrap();
    let answer = soon("an answer", Answer::read(&mut last)).await.unwrap();
    assert_eq!(answer.status, 503);
    assert_eq!(answer.json()["code"], "capacity");
    others.goes_on().await;
    drop(crowd);
}
