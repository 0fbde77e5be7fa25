use super::*;

/// A request whose header block, start line and empty line included, is so many bytes long.
fn block(length: usize) -> String {
    let bare = "GET /who HTTP/1.1\r\nx: \r\n\r\n".len();
    format!(
        "GET /who HTTP/1.1\r\nx: {}\r\n\r\n",
        "a".repeat(length - bare)
    )
}

#[tokio::test]
async fn a_header_block_may_be_as_long_as_the_limit_and_no_longer() {
    let rig = Rig::start().await;
    assert_eq!(rig.ask(block(4096)).await.status, 200);
    let mut client = rig.connect().await;
    client.send(block(4097)).await;
    let reply = client.reply().await;
    assert_eq!(reply.status, 431);
    reply.is_problem("payload_too_large");
    client.ends().await;
}

#[tokio::test]
async fn as_many_fields_are_read_as_the_limit_and_no_more() {
    let rig = Rig::start().await;
    let fields = |count: usize| format!("GET /who HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(count));
    assert_eq!(rig.ask(fields(8)).await.status, 200);
    let reply = rig.ask(fields(9)).await;
    assert_eq!(reply.status, 431);
    reply.is_problem("payload_too_large");
}

#[tokio::test(start_paused = true)]
async fn a_header_block_that_does_not_come_in_time_ends_the_connection() {
    let rig = Rig::start().await;
    let started = tokio::time::Instant::now();
    let mut client = rig.connect().await;
    client.send("GET /who HTTP/1.1\r\nx-slow: ").await;
    client.ends().await;
    assert!(started.elapsed() >= Duration::from_secs(10));
    assert!(started.elapsed() < Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_block_that_trickles_in_gets_no_more_time() {
    let rig = Rig::start().await;
    let started = tokio::time::Instant::now();
    let mut client = rig.connect().await;
    client.send("GET /who HTTP/1.1\r\nx: ").await;
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(3)) => client.send("a").await,
            came = client.more() => break assert!(!came),
        }
    }
    assert!(started.elapsed() < Duration::from_secs(11));
}

#[tokio::test(start_paused = true)]
async fn a_pause_between_requests_may_be_longer_than_a_header_block() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client.send(get("/who")).await;
    client.reply().await;
    tokio::time::sleep(Duration::from_secs(50)).await;
    client.send(get("/who")).await;
    assert_eq!(client.reply().await.status, 200);
    let paused = tokio::time::Instant::now();
    client.ends().await;
    assert!(paused.elapsed() >= Duration::from_secs(59));
    assert!(paused.elapsed() < Duration::from_secs(62));
}

#[tokio::test]
async fn requests_that_come_at_once_are_answered_in_order() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client
        .send(
            [
                get("/items/1"),
                json_request("POST", "/echo", "[2]"),
                get("/nowhere"),
                get("/items/4"),
            ]
            .concat(),
        )
        .await;
    assert_eq!(client.reply().await.json(), json!(1));
    assert_eq!(client.reply().await.json(), json!([2]));
    client.reply().await.is_problem("not_found");
    assert_eq!(client.reply().await.json(), json!(4));
}

#[tokio::test]
async fn two_lengths_and_length_with_chunks_are_refused() {
    let rig = Rig::start().await;
    for fields in [
        "content-length: 2\r\ncontent-length: 3\r\n",
        "content-length: -1\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: gzip\r\n",
    ] {
        let reply = rig
            .ask(format!(
                "POST /echo HTTP/1.1\r\ncontent-type: application/json\r\n{fields}\r\n{{}}"
            ))
            .await;
        assert_eq!(reply.status, 400, "{fields}");
        reply.is_problem("invalid_field");
    }
}

#[tokio::test]
async fn what_is_no_request_is_told_so_and_the_connection_ends() {
    let rig = Rig::start().await;
    for bytes in [
        "nonsense\r\n\r\n",
        "GET /who HTTP/9.9\r\n\r\n",
        "GET /who HTTP/1.1\r\nno colon\r\n\r\n",
        "G\0T / HTTP/1.1\r\n\r\n",
        "GET /who HTTP/1.1\r\nbad name: x\r\n\r\n",
    ] {
        let mut client = rig.connect().await;
        client.send(bytes).await;
        let reply = client.reply().await;
        assert_eq!(reply.status, 400, "{bytes:?}");
        reply.is_problem("invalid_field");
        client.ends().await;
    }
}

#[tokio::test]
async fn nonsense_after_requests_takes_nothing_from_their_answers() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client.send(get("/items/1")).await;
    assert_eq!(client.reply().await.json(), json!(1));
    client
        .send([&get("/items/2"), &get("/nowhere"), "nonsense\r\n\r\n"].concat())
        .await;
    assert_eq!(client.reply().await.json(), json!(2));
    client.reply().await.is_problem("not_found");
    client.reply().await.is_problem("invalid_field");
    client.ends().await;
}
