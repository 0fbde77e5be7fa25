use proptest::prelude::*;

use super::*;

/// Sends `bytes`, waits for the server's last word, and checks that it still serves others.
fn survives(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let rig = Rig::start().await;
        let mut client = rig.connect().await;
        let _ = client.stream.write_all(bytes).await;
        let _ = client.stream.shutdown().await;
        while client.more().await {}
        check_answers(&client.unread);
        assert_eq!(rig.ask(get("/items/3")).await.json(), json!(3));
        assert!(rig.server.stop(Duration::from_mins(5)).await);
    });
}

/// Whatever was answered has a request id; what comes after an upgrade is no answer.
fn check_answers(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let answers = text.split("HTTP/1.").skip(1);
    for answer in answers.take_while(|answer| !answer.starts_with("1 101")) {
        let is_whole = answer.contains("\r\nx-request-id: ") || answer.starts_with("1 100");
        assert!(is_whole, "{answer}");
    }
}

/// Pieces that real requests are made of, and some that they aren't.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::sample::select(vec![
            "GET ",
            "POST ",
            "PUT ",
            "HEAD ",
            "OPTIONS ",
            "/who",
            "/echo",
            "/socket",
            "/items/%",
            "*",
            " HTTP/1.1",
            " HTTP/1.0",
            "\r\n",
            "\r\n\r\n",
            "\n",
            "\0",
            "host: x",
            "content-length: 5",
            "content-length: 99999999999999999999",
            "transfer-encoding: chunked",
            "5\r\nhello\r\n",
            "ffffffffffffffff\r\n",
            "content-type: application/json",
            "upgrade: websocket",
            "connection: upgrade",
            "sec-websocket-version: 13",
            "authorization: Bearer sesame",
            "origin: null",
            "expect: 100-continue",
            "x-request-id: é",
            "{\"a\":",
            "[[[[",
            ": ",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        survives(&bytes);
    }

    #[test]
    fn anything_that_looks_like_a_request_is_survived(pieces in proptest::collection::vec(piece(), 0..25)) {
        survives(&pieces.concat());
    }
}
