use super::*;

#[tokio::test]
async fn requests_are_counted_by_pattern_and_connections_as_they_come() {
    let rig = Rig::with(limits(), 1).await;
    let mut client = rig.connect().await;
    for path in ["/items/4711", "/items/x", "/items/4712/", "/nowhere/4713"] {
        client.send(get(path)).await;
        client.reply().await;
    }
    let mut second = rig.connect().await;
    second.reply().await.is_problem("capacity");
    let figures = rig.server.figures();
    let kinds = figures.latencies.iter();
    let kinds = kinds.map(|kind| (kind.route, kind.class, kind.micros.count()));
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [
            ("/items/{id}", "2xx", 2),
            ("/items/{id}", "4xx", 1),
            ("unmatched", "4xx", 1)
        ]
    );
    assert_eq!((figures.connections, figures.accepted), (1, 1));
    assert_eq!(figures.turned_away, 1);
}

#[tokio::test]
async fn a_route_is_found_with_and_without_a_slash_at_its_end() {
    let rig = Rig::start().await;
    for path in ["/items/7", "/items/7/", "/items/%37", "/items/7?x=1"] {
        let reply = rig.ask(get(path)).await;
        assert_eq!(reply.json(), json!(7), "{path}");
        reply.is_dressed();
    }
}

#[tokio::test]
async fn nothing_is_anywhere_else() {
    let rig = Rig::start().await;
    for path in [
        "/",
        "//",
        "/nowhere",
        "/items",
        "/items/7/8",
        "/who//",
        "/WHO",
        "/%ff",
        "/items/%ff",
    ] {
        let reply = rig.ask(get(path)).await;
        assert_eq!(reply.status, 404, "{path}");
        reply.is_problem("not_found");
    }
}

#[tokio::test]
async fn another_method_is_told_which_there_are() {
    let rig = Rig::start().await;
    let reply = rig.ask("DELETE /echo HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(
        (reply.status, &reply.headers["allow"]),
        (
            405u16.try_into().unwrap(),
            &HeaderValue::from_static("POST, PUT, OPTIONS")
        )
    );
    reply.is_problem("method_not_allowed");
    let reply = rig.ask("BREW /who HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(reply.headers["allow"], "GET, HEAD, OPTIONS");
    reply.is_problem("method_not_allowed");
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client
        .send("HEAD /who HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    let (status, headers) = client.head().await;
    assert_eq!(
        (status.as_u16(), &headers["content-length"]),
        (200, &HeaderValue::from_static("11"))
    );
    client.ends().await;
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let rig = Rig::start().await;
    let reply = rig.ask(get("/items/seven")).await;
    reply.is_problem("invalid_field");
    assert_eq!(reply.json()["errors"][0]["field"], "id");
}

#[tokio::test]
async fn a_member_needs_a_token() {
    let rig = Rig::start().await;
    let with = |token: &str| format!("GET /member HTTP/1.1\r\nhost: x\r\n{token}\r\n");
    for token in [
        "",
        "authorization: Bearer wrong\r\n",
        "authorization: Basic sesame\r\n",
    ] {
        let reply = rig.ask(with(token)).await;
        assert_eq!(reply.status, 401);
        assert_eq!(reply.headers["www-authenticate"], "Bearer");
        reply.is_problem("unauthorized");
    }
    let reply = rig.ask(with("authorization: Bearer sesame\r\n")).await;
    assert_eq!(reply.json(), json!("ali"));
}

#[tokio::test]
async fn a_panic_in_a_handler_is_answered_and_harms_nobody_else() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client.send(get("/panic")).await;
    let reply = client.reply().await;
    assert_eq!(reply.status, 500);
    reply.is_problem("internal");
    client.send(get("/items/1")).await;
    assert_eq!(client.reply().await.json(), json!(1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_never_made_is_given_up() {
    let rig = Rig::start().await;
    let reply = rig.ask(get("/gate")).await;
    assert_eq!(reply.status, 503);
    assert_eq!(reply.headers["retry-after"], "1");
    reply.is_problem("capacity");
}

#[tokio::test]
async fn a_clients_own_request_id_is_kept_when_it_is_valid() {
    let rig = Rig::start().await;
    let with = |id: &str| format!("GET /nowhere HTTP/1.1\r\nx-request-id: {id}\r\n\r\n");
    let reply = rig.ask(with("abc.D_9-")).await;
    assert_eq!(reply.headers["x-request-id"], "abc.D_9-");
    reply.is_problem("not_found");
    let reply = rig.ask(with("a b")).await;
    assert_ne!(reply.headers["x-request-id"], "a b");
    reply.is_problem("not_found");
}

#[tokio::test]
async fn a_trusted_proxy_speaks_for_others() {
    let rig = Rig::start().await;
    assert_eq!(rig.ask(get("/who")).await.json(), json!("127.0.0.1"));
    let request = "GET /who HTTP/1.1\r\nx-forwarded-for: 192.0.2.1, 203.0.113.9\r\n\r\n";
    assert_eq!(rig.ask(request).await.json(), json!("203.0.113.9"));
    let request =
        "GET /who HTTP/1.1\r\nx-forwarded-for: 192.0.2.1\r\ncf-connecting-ip: 203.0.113.8\r\n\r\n";
    assert_eq!(rig.ask(request).await.json(), json!("203.0.113.8"));
}

#[tokio::test]
async fn pages_of_configured_origins_may_call_and_others_may_not() {
    let rig = Rig::start().await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS /echo HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\n\
             access-control-request-headers: authorization\r\n\r\n"
        )
    };
    let ours = rig.ask(preflight("https://app.example.net")).await;
    assert_eq!(ours.status, 200);
    assert_eq!(
        ours.headers["access-control-allow-origin"],
        "https://app.example.net"
    );
    assert!(
        !ours
            .headers
            .contains_key("access-control-allow-credentials")
    );
    ours.is_dressed();
    let foreign = rig.ask(preflight("https://evil.example")).await;
    assert!(!foreign.headers.contains_key("access-control-allow-origin"));
    let request = "GET /who HTTP/1.1\r\norigin: https://app.example.net\r\n\r\n";
    let reply = rig.ask(request).await;
    assert_eq!(
        reply.headers["access-control-allow-origin"],
        "https://app.example.net"
    );
    let exposed = reply.headers["access-control-expose-headers"]
        .to_str()
        .unwrap();
    assert!(exposed.contains("x-request-id") && exposed.contains("retry-after"));
}
