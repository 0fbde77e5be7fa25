use super::*;

/// A JSON string of so many bytes in all.
fn text(length: usize) -> String {
    format!("\"{}\"", "a".repeat(length - 2))
}

#[tokio::test]
async fn a_body_may_be_as_long_as_its_route_allows_and_no_longer() {
    let rig = Rig::start().await;
    for (method, limit) in [("POST", 40), ("PUT", 80)] {
        let reply = rig.ask(json_request(method, "/echo", &text(limit))).await;
        assert_eq!(reply.status, 200, "{method}");
        let reply = rig
            .ask(json_request(method, "/echo", &text(limit + 1)))
            .await;
        assert_eq!(reply.status, 413, "{method}");
        reply.is_problem("payload_too_large");
    }
}

fn chunked(chunks: &[&str]) -> String {
    let chunks: Vec<_> = chunks
        .iter()
        .map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len()))
        .collect();
    format!(
        "POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        chunks.concat()
    )
}

#[tokio::test]
async fn a_body_in_chunks_has_the_same_limit() {
    let rig = Rig::start().await;
    let fitting = "a".repeat(19);
    let reply = rig.ask(chunked(&["\"", &fitting, &fitting, "\""])).await;
    assert_eq!(reply.json(), json!("a".repeat(38)));
    let reply = rig.ask(chunked(&["\"", &fitting, &fitting, "a\""])).await;
    assert_eq!(reply.status, 413);
    reply.is_problem("payload_too_large");
}

#[tokio::test]
async fn a_huge_body_gets_its_answer_before_the_connection_ends() {
    let rig = Rig::start().await;
    let reply = rig.post("/echo", &text(900_000)).await;
    reply.is_problem("payload_too_large");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_in_time_is_given_up() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client
        .send("POST /echo HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n\"slo")
        .await;
    let reply = client.reply().await;
    assert_eq!(reply.status, 408);
    reply.is_problem("request_timeout");
}

#[tokio::test]
async fn a_body_must_say_that_it_is_json() {
    let rig = Rig::start().await;
    for kind in [
        "",
        "content-type: text/plain\r\n",
        "content-type: application/xml\r\n",
    ] {
        let reply = rig
            .ask(format!(
                "POST /echo HTTP/1.1\r\n{kind}content-length: 2\r\n\r\n{{}}"
            ))
            .await;
        assert_eq!(reply.status, 415, "{kind}");
        reply.is_problem("unsupported_media_type");
    }
    let kind = "content-type: Application/JSON; charset=utf-8";
    let reply = rig
        .ask(format!(
            "POST /echo HTTP/1.1\r\n{kind}\r\ncontent-length: 2\r\n\r\n{{}}"
        ))
        .await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn a_body_must_be_strict_json() {
    let rig = Rig::start().await;
    for body in [
        "",
        "{",
        "{\"a\":1,\"a\":2}",
        "[1]x",
        "\u{feff}{}",
        &"[".repeat(17),
    ] {
        let reply = rig.post("/echo", body).await;
        assert_eq!(reply.status, 400, "{body}");
        reply.is_problem("invalid_json");
    }
}

#[tokio::test]
async fn broken_chunks_are_a_broken_body() {
    let rig = Rig::start().await;
    let reply = rig
        .ask("POST /echo HTTP/1.1\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")
        .await;
    assert_eq!(reply.status, 400);
    reply.is_problem("invalid_json");
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_continue() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client
        .send("POST /echo HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n")
        .await;
    assert_eq!(client.head().await.0, 100);
    client.send("{}").await;
    assert_eq!(client.reply().await.status, 200);
}
