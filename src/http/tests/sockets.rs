use super::*;

fn opening(fields: &str) -> String {
    format!("GET /socket HTTP/1.1\r\nhost: x\r\n{fields}\r\n")
}

const RIGHT: &str = "upgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-version: 13\r\n\
    sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn an_upgraded_connection_is_handed_over_with_what_was_read_ahead() {
    let rig = Rig::with(limits(), 1).await;
    let mut client = rig.connect().await;
    client.send(opening(RIGHT) + "early").await;
    let (status, headers) = client.head().await;
    assert_eq!(status, 101);
    assert_eq!(
        headers["sec-websocket-accept"],
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
    assert_eq!(headers["upgrade"], "websocket");
    client.send(" late").await;
    while client.unread.len() < 10 {
        assert!(client.more().await);
    }
    assert_eq!(client.unread, b"early late");
    assert_eq!(rig.server.connections(), 1, "the place went along");
    drop(client);
    while rig.server.connections() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_connection_has_no_keep_alive_of_ours() {
    let rig = Rig::start().await;
    let mut client = rig.connect().await;
    client.send(opening(RIGHT)).await;
    assert_eq!(client.head().await.0, 101);
    tokio::time::sleep(Duration::from_hours(1)).await;
    client.send("still here").await;
    while client.unread.len() < 10 {
        assert!(client.more().await);
    }
}

#[tokio::test]
async fn what_is_no_opening_is_told_what_would_be() {
    let rig = Rig::start().await;
    for fields in [
        String::new(),
        RIGHT.replace("13", "8"),
        RIGHT.replace("websocket\r", "h2c\r"),
        RIGHT.replace("Upgrade", "close"),
    ] {
        let reply = rig.ask(opening(&fields)).await;
        assert_eq!(reply.status, 426, "{fields}");
        assert_eq!(reply.headers["sec-websocket-version"], "13");
        assert_eq!(reply.headers["upgrade"], "websocket");
        reply.is_problem("invalid_field");
    }
    let reply = rig.ask(opening(&RIGHT.replace("dGhl", ""))).await;
    assert_eq!(reply.status, 400);
    reply.is_problem("invalid_field");
}
