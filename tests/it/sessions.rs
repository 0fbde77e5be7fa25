//! WebSocket sessions from their first frame to their close code (PROTOCOL.md §3, §5).

use std::collections::HashSet;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::Message;

use crate::rig::{
    Appliance, Heard, Person, Place, RawSocket, Setup, Socket, opcode, soon, text_of,
};

/// The first byte of a frame that is whole.
const FIN: u8 = 0x80;

async fn open_with_header(person: &Person, path: &str) -> Result<Socket, u16> {
    let bearer = format!("Bearer {}", person.token());
    Socket::try_open(person.place(), path, &[("authorization", &bearer)]).await
}

async fn open_with_query(person: &Person) -> Socket {
    let path = format!("/ws?token={}", person.token());
    Socket::open(person.place(), &path).await
}

async fn expect_ready(socket: &mut Socket, person: &Person) {
    let ready = socket.expect("ready").await;
    assert_eq!(ready["user_id"], person.user());
}

#[tokio::test]
async fn a_session_opens_by_frame_by_header_and_by_query() {
    let appliance = Appliance::start().await;
    let mut anna = Person::join(appliance.place()).await;
    let (_socket, ready) = anna.arrive().await;
    assert_eq!(ready["heartbeat_interval"], 30);
    assert_eq!(ready["one_time_prekeys_remaining"], 0);
    assert!(ready["epoch"].is_u64());
    assert!(ready["server_time"].as_str().unwrap().ends_with('Z'));
    let mut by_header = open_with_header(&anna, "/ws").await.unwrap();
    expect_ready(&mut by_header, &anna).await;
    anna.log_in().await;
    let mut by_query = open_with_query(&anna).await;
    expect_ready(&mut by_query, &anna).await;
}

#[tokio::test]
async fn a_client_that_closes_is_answered() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    for token in [Some(anna.token()), None] {
        let mut socket = RawSocket::open(appliance.place(), token).await;
        socket
            .frame(FIN | opcode::CLOSE, &1000u16.to_be_bytes())
            .await;
        assert_eq!(socket.closed().await, Some(1000));
    }
}

#[tokio::test]
async fn a_token_in_a_query_is_good_once() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut first = open_with_query(&anna).await;
    expect_ready(&mut first, &anna).await;
    assert_eq!(open_with_query(&anna).await.closed().await, 1008);
    first.sync().await;
    // For everything else it is as good as before.
    anna.get("/api/v1/account").await.with(200);
    anna.connect().await.sync().await;
}

#[tokio::test]
async fn a_bad_token_ends_in_1008_or_in_401_where_it_came_in_the_header() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let place = appliance.place();
    let mut forged = anna.token().to_owned();
    // The middle of the claims.
    let at = forged.len() / 2;
    let other = if &forged[at..=at] == "A" { "B" } else { "A" };
    forged.replace_range(at..=at, other);
    for token in ["", "x", "a.b.c", &forged, &"x".repeat(5000)] {
        let mut by_frame = Socket::open(place, "/ws").await;
        by_frame.say(&json!({"type": "auth", "token": token})).await;
        assert_eq!(by_frame.closed().await, 1008);
        let mut by_query = Socket::open(place, &format!("/ws?token={token}")).await;
        assert_eq!(by_query.closed().await, 1008);
        let bearer = format!("Bearer {token}");
        let by_header = Socket::try_open(place, "/ws", &[("authorization", &bearer)]).await;
        assert_eq!(by_header.err(), Some(401));
        let answer = place.ask("GET", "/api/v1/account", Some(token), None).await;
        answer.refused(401, "unauthorized");
    }
    place
        .get("/api/v1/account")
        .await
        .refused(401, "unauthorized");
}

#[tokio::test]
async fn an_expired_token_opens_nothing() {
    let appliance = Setup::lenient().set("auth.token_ttl=1s").start().await;
    let anna = Person::join(appliance.place()).await;
    soon("the end of the token", async {
        while anna.get("/api/v1/account").await.status == 200 {}
    })
    .await;
    let answer = anna.get("/api/v1/account").await;
    answer.refused(401, "token_expired");
    assert_eq!(open_with_header(&anna, "/ws").await.err(), Some(401));
    assert_eq!(open_with_query(&anna).await.closed().await, 1008);
}

#[tokio::test]
async fn nothing_but_auth_is_heard_first() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut hasty = Socket::open(appliance.place(), "/ws").await;
    hasty.send(&bert, "too soon").await;
    hasty
        .say(&json!({"type": "auth", "token": anna.token()}))
        .await;
    assert_eq!(hasty.closed().await, 1008);
    assert_eq!(bert.waiting().await.len(), 0);
    for text in [
        "",
        "x",
        "{}",
        "[]",
        r#"{"type":"auth"}"#,
        r#"{"type":"auth","token":7}"#,
    ] {
        let mut socket = Socket::open(appliance.place(), "/ws").await;
        socket.say_message(Message::text(text)).await;
        assert_eq!(socket.closed().await, 1008, "{text}");
    }
    let mut binary = Socket::open(appliance.place(), "/ws").await;
    binary.say_message(Message::binary(vec![1])).await;
    assert_eq!(binary.closed().await, 1003);
}

#[tokio::test]
async fn a_named_session_is_the_tokens_own() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let own = format!("/ws/{}", anna.user());
    let mut socket = open_with_header(&anna, &own).await.unwrap();
    expect_ready(&mut socket, &anna).await;
    let others = format!("/ws/{}", bert.user());
    let mut wrong = open_with_header(&anna, &others).await.unwrap();
    assert_eq!(wrong.closed().await, 1008);
    let mut wrong = Socket::open(appliance.place(), &others).await;
    wrong
        .say(&json!({"type": "auth", "token": anna.token()}))
        .await;
    assert_eq!(wrong.closed().await, 1008);
    socket.sync().await;
    assert_eq!(open_with_header(&anna, "/ws/x").await.err(), Some(400));
}

#[tokio::test]
async fn a_page_of_another_origin_opens_nothing() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let own = place.origin();
    for (origin, outcome) in [
        (own.as_str(), None),
        ("https://evil.example", Some(403)),
        ("null", Some(403)),
    ] {
        let socket = Socket::try_open(place, "/ws", &[("origin", origin)]).await;
        assert_eq!(socket.err(), outcome, "{origin}");
    }
}

#[tokio::test]
async fn a_new_session_replaces_the_old_and_gets_what_it_left() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut old = bert.connect().await;
    anna.post_message(&bert, "one").await.with(202);
    anna.post_message(&bert, "two").await.with(202);
    let (message, _) = old.message().await;
    old.ack([&message["message_id"]]).await;
    old.sync().await;
    let mut new = bert.connect().await;
    assert_eq!(old.closed().await, 4409);
    assert_eq!(new.message().await.1, "two");
    anna.post_message(&bert, "three").await.with(202);
    assert_eq!(new.message().await.1, "three");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_racing_connects_one_survives_and_nothing_is_lost() {
    const MESSAGES: usize = 200;
    let setup = Setup::lenient().set("messages.queue_stranger_messages=1000");
    let appliance = setup.start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut racers = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let bert = bert.clone();
        racers.spawn(async move { race(&bert).await });
    }
    let mut from = anna.connect().await;
    for number in 0..MESSAGES {
        from.send(&bert, &number.to_string()).await;
        from.expect("message_accepted").await;
    }
    let mut seen = HashSet::new();
    for _ in 0..99 {
        let (texts, survivor) = soon("a racer", racers.join_next()).await.unwrap().unwrap();
        assert!(survivor.is_none());
        seen.extend(texts);
    }
    from.send(&bert, "end").await;
    let (texts, survivor) = soon("the survivor", racers.join_next())
        .await
        .unwrap()
        .unwrap();
    seen.extend(texts);
    survivor.unwrap().sync().await;
    let missing = (0..MESSAGES).find(|number| !seen.contains(&number.to_string()));
    assert_eq!(missing, None);
}

/// Connects, reads and acknowledges until it is replaced, or until the end: then it survived.
async fn race(person: &Person) -> (Vec<String>, Option<Socket>) {
    let mut socket = Socket::open(person.place(), "/ws").await;
    socket
        .say(&json!({"type": "auth", "token": person.token()}))
        .await;
    let mut texts = Vec::new();
    loop {
        match socket.hear().await {
            Heard::Frame(frame) if frame["type"] == "encrypted_message" => {
                texts.push(text_of(&frame));
                socket.ack([&frame["message_id"]]).await;
                if texts.last().is_some_and(|text| text == "end") {
                    return (texts, Some(socket));
                }
            }
            Heard::Frame(_) => {}
            Heard::Closed(code) => {
                assert_eq!(code, 4409);
                return (texts, None);
            }
            Heard::Broken => panic!("a racer's socket broke"),
        }
    }
}

#[tokio::test]
async fn two_unanswered_pings_end_a_session() {
    let setup = Setup::lenient().set("limits.heartbeat=100ms");
    let appliance = setup.start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut socket = RawSocket::open(appliance.place(), Some(anna.token())).await;
    let mut pings = 0;
    // Whoever answers stays.
    while pings < 8 {
        let (kind, payload) = socket.next().await.unwrap();
        if kind == opcode::PING {
            socket.frame(FIN | opcode::PONG, &payload).await;
            pings += 1;
        }
    }
    bert.post_message(&anna, "still there").await.with(202);
    let (kind, _) = socket.next().await.unwrap();
    assert!(kind == opcode::TEXT || kind == opcode::PING);
    let mut unanswered = usize::from(kind == opcode::PING);
    while let Some((kind, _)) = socket.next().await {
        unanswered += usize::from(kind == opcode::PING);
    }
    assert!((2..=3).contains(&unanswered), "{unanswered}");
    // What it was sent wasn't acknowledged.
    assert_eq!(anna.waiting().await.len(), 1);
}

/// Sends what breaks the protocol and gives the code of the daemon's close frame.
async fn breach(place: Place, person: &Person, bytes: &[u8]) -> Option<u16> {
    let mut socket = RawSocket::open(place, Some(person.token())).await;
    socket.write(bytes).await;
    socket.closed().await
}

#[tokio::test]
async fn a_breach_of_the_protocol_ends_its_own_session_with_its_code() {
    let appliance = Appliance::start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    let place = appliance.place();
    let (mut bystander, mut other) = (bert.connect().await, carl.connect().await);
    let long = [
        &[0x81, 0xff][..],
        &(256 * 1024 + 1_u64).to_be_bytes(),
        &[0; 4],
    ]
    .concat();
    let endless = [&[0x81, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 4]].concat();
    let long_ping = [&[0x89, 0xfe, 0, 126][..], &[0; 4 + 126]].concat();
    for (what, bytes, code) in [
        ("binary", &[0x82, 0x81, 0, 0, 0, 0, 7][..], 1003),
        ("no UTF-8", &[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28], 1007),
        ("cut UTF-8", &[0x81, 0x81, 0, 0, 0, 0, 0xe2], 1007),
        ("unmasked", &[0x81, 0x02, b'{', b'}'], 1002),
        ("nothing to continue", &[0x80, 0x81, 0, 0, 0, 0, b'x'], 1002),
        ("a fragmented ping", &[0x09, 0x80, 0, 0, 0, 0], 1002),
        ("a long ping", &long_ping, 1002),
        ("a reserved opcode", &[0x83, 0x80, 0, 0, 0, 0], 1002),
        ("a reserved bit", &[0xc1, 0x80, 0, 0, 0, 0], 1002),
        ("too long", &long, 1009),
        ("endless", &endless, 1009),
    ] {
        assert_eq!(breach(place, &anna, bytes).await, Some(code), "{what}");
        other.send(&bert, what).await;
        let (message, text) = bystander.message().await;
        assert_eq!(text, what);
        bystander.ack([&message["message_id"]]).await;
    }
}

#[tokio::test]
async fn fragments_make_one_frame_within_the_limit_of_one() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = RawSocket::open(appliance.place(), Some(anna.token())).await;
    for (first, part) in [
        (opcode::TEXT, &br#"{"type":"#[..]),
        (opcode::CONTINUATION, br#""ping","#),
        (FIN | opcode::CONTINUATION, br#""t":7}"#),
    ] {
        socket.frame(first, part).await;
    }
    let pong = loop {
        let (_, payload) = socket.next().await.unwrap();
        let frame: Value = serde_json::from_slice(&payload).unwrap();
        if frame["type"] == "pong" {
            break frame;
        }
    };
    assert_eq!(pong["t"], 7);
    socket.frame(opcode::TEXT, &vec![b' '; 200 * 1024]).await;
    socket
        .frame(FIN | opcode::CONTINUATION, &vec![b' '; 100 * 1024])
        .await;
    assert_eq!(socket.closed().await, Some(1009));
}

#[tokio::test]
async fn a_frame_of_the_largest_size_is_read() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = anna.connect().await;
    let bare = json!({"type": "ping", "t": ""}).to_string().len();
    let t = "x".repeat(256 * 1024 - bare);
    socket.say(&json!({"type": "ping", "t": t})).await;
    assert_eq!(socket.expect("pong").await["t"], t);
    socket.say(&json!({"type": "ping", "t": t + "x"})).await;
    assert_eq!(socket.closed().await, 1009);
}

#[tokio::test]
async fn too_many_frames_end_a_session() {
    let setup = Setup::lenient()
        .set("limits.frames=1/1h")
        .set("limits.frames_burst=10");
    let appliance = setup.start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut socket = anna.connect().await;
    for number in 0..10 {
        socket.say(&json!({"type": "ping", "t": number})).await;
        assert_eq!(socket.expect("pong").await["t"], number);
    }
    socket.say(&json!({"type": "ping"})).await;
    assert_eq!(socket.closed().await, 4429);
    // Each socket has its own allowance, and pings of the WebSocket count too.
    let mut other = bert.connect().await;
    for _ in 0..11 {
        other.say_message(Message::Ping(Vec::new().into())).await;
    }
    assert_eq!(other.closed().await, 4429);
}

#[tokio::test]
async fn whoever_does_not_authenticate_in_time_is_sent_away() {
    let setup = Setup::lenient().set("limits.auth_timeout=200ms");
    let appliance = setup.start().await;
    let anna = Person::join(appliance.place()).await;
    let mut silent = Socket::open(appliance.place(), "/ws").await;
    assert_eq!(silent.closed().await, 1008);
    // Half a frame is no frame, and a ping is no token.
    let mut slow = RawSocket::open(appliance.place(), None).await;
    slow.frame(FIN | opcode::PING, b"?").await;
    slow.write(&[0x81, 0x85]).await;
    assert_eq!(slow.closed().await, Some(1008));
    anna.connect().await.sync().await;
}

#[tokio::test]
async fn a_waiting_room_holds_so_many_of_one_address() {
    let setup = Setup::lenient()
        .set("limits.unauthenticated_per_address=20")
        .set("limits.auth_timeout=10m");
    let appliance = setup.start().await;
    let place = appliance.place();
    let anna = Person::join(place).await;
    let mut waiting = Vec::new();
    for _ in 0..20 {
        waiting.push(Socket::open(place, "/ws").await);
    }
    assert_eq!(Socket::try_open(place, "/ws", &[]).await.err(), Some(503));
    assert_eq!(
        Socket::try_open(place, "/ws?token=x", &[]).await.err(),
        Some(503)
    );
    // Another address has places of its own, and whoever is known needs none.
    let elsewhere = [("cf-connecting-ip", "192.0.2.7")];
    assert!(Socket::try_open(place, "/ws", &elsewhere).await.is_ok());
    let mut known = open_with_header(&anna, "/ws").await.unwrap();
    expect_ready(&mut known, &anna).await;
    // Whoever authenticates or leaves makes room.
    let mut first = waiting.pop().unwrap();
    first
        .say(&json!({"type": "auth", "token": anna.token()}))
        .await;
    expect_ready(&mut first, &anna).await;
    waiting.push(Socket::open(place, "/ws").await);
    waiting.pop().unwrap().leave().await;
    soon("a free place", async {
        while Socket::try_open(place, "/ws", &[]).await.is_err() {}
    })
    .await;
}

#[tokio::test]
async fn sigterm_tells_clients_to_come_back_and_ends_in_five_seconds() {
    let process = Setup::lenient().spawn().await;
    let [anna, bert] = Person::crowd(process.place()).await;
    let mut socket = anna.connect().await;
    let mut waiting = Socket::open(process.place(), "/ws").await;
    // Neither somebody who doesn't read nor an idle or a half request holds it up.
    let deaf = RawSocket::open(process.place(), Some(bert.token())).await;
    let idle = process.place().dial().await.unwrap();
    let mut half = process.place().dial().await.unwrap();
    half.write_all(b"POST /api/v1/messages HTTP/1.1\r\n")
        .await
        .unwrap();
    let id = socket.send(&bert, "safe").await;
    let receipt = socket.expect("message_accepted").await;
    assert_eq!(receipt["message_id"], id);
    let asked = std::time::Instant::now();
    process.signal(Signal::TERM);
    assert_eq!(socket.closed().await, 1012);
    assert_eq!(waiting.closed().await, 1012);
    let setup = process.setup().clone();
    let (status, said) = process.wait().await;
    assert_eq!(status.code(), Some(0), "{said}");
    let took = asked.elapsed();
    assert!(took < std::time::Duration::from_secs(5), "{took:?}");
    drop((deaf, idle, half));
    let again = setup.start().await;
    let mut bert = bert;
    bert.move_to(again.place());
    assert_eq!(bert.connect().await.message().await.1, "safe");
}

#[tokio::test]
async fn half_of_a_connection_is_none() {
    let appliance = Appliance::start().await;
    let [anna, bert] = Person::crowd(appliance.place()).await;
    let mut half = RawSocket::open(appliance.place(), Some(bert.token())).await;
    let (_, ready) = half.next().await.unwrap();
    assert!(String::from_utf8(ready).unwrap().contains("ready"));
    let mut stream = half.into_stream();
    // It will say nothing more, though it could still hear.
    stream.shutdown().await.unwrap();
    soon("the end of the session", async {
        let mut rest = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await
    })
    .await
    .unwrap();
    anna.post_message(&bert, "for later").await.with(202);
    assert_eq!(bert.connect().await.message().await.1, "for later");
}

#[tokio::test]
async fn a_ping_is_answered_with_what_came_with_it() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = anna.connect().await;
    let deep = json!({"a": [1, null, {"b": "\u{1f600}\u{0}"}]});
    for t in [json!(1), json!("x"), json!(1.5e300), deep, json!(null)] {
        socket.say(&json!({"type": "ping", "t": t})).await;
        assert_eq!(socket.expect("pong").await["t"], t);
    }
    socket.say(&json!({"type": "ping"})).await;
    assert_eq!(socket.expect("pong").await, json!({"type": "pong"}));
}

#[tokio::test]
async fn a_frame_that_is_not_understood_is_answered_and_the_session_goes_on() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = anna.connect().await;
    for (text, code) in [
        ("", "invalid_json"),
        ("{", "invalid_json"),
        ("{} {}", "invalid_json"),
        (r#"{"type":"ping","type":"ping"}"#, "invalid_json"),
        (r#"{"type":"ping","t":{"a":1,"a":2}}"#, "invalid_json"),
        ("[]", "invalid_field"),
        ("7", "invalid_field"),
        ("{}", "invalid_field"),
        (r#"{"type":7}"#, "invalid_field"),
        (r#"{"type":"teleport"}"#, "invalid_field"),
        (r#"{"type":"ready"}"#, "invalid_field"),
        (r#"{"type":"ack"}"#, "invalid_field"),
        (r#"{"type":"ack","message_ids":"x"}"#, "invalid_field"),
        (r#"{"type":"ack","message_ids":["x"]}"#, "invalid_field"),
        (r#"{"type":"encrypted_message"}"#, "invalid_field"),
        (
            r#"{"type":"call_offer","recipient_id":"x"}"#,
            "invalid_field",
        ),
    ] {
        socket.say_message(Message::text(text)).await;
        let error = socket.refused(code).await;
        assert_eq!(error["type"], "error", "{text}");
        socket.sync().await;
    }
    let deep = format!(
        r#"{{"type":"ping","t":{}{}}}"#,
        "[".repeat(16),
        "]".repeat(16)
    );
    socket.say_message(Message::text(deep)).await;
    socket.refused("invalid_json").await;
    socket
        .say(&json!({"type": "teleport", "id": "my-id"}))
        .await;
    assert_eq!(socket.refused("invalid_field").await["id"], "my-id");
}

#[tokio::test]
async fn what_a_client_calls_itself_changes_nothing() {
    let appliance = Appliance::start().await;
    let [anna, bert, carl] = Person::crowd(appliance.place()).await;
    let mut from = anna.connect().await;
    let mut to = bert.connect().await;
    from.say(&json!({
        "type": "encrypted_message",
        "recipient_id": bert.user(),
        "payload": "aGk=",
        "sender_id": carl.user(),
        "message_id": "16fd2706-8baf-433b-82eb-8c7fada847da",
        "timestamp": "1970-01-01T00:00:00.000Z",
        "unknown": {"is": "ignored"},
    }))
    .await;
    let (message, _) = to.message().await;
    assert_eq!(message["sender_id"], anna.user());
    assert_ne!(
        message["message_id"],
        "16fd2706-8baf-433b-82eb-8c7fada847da"
    );
    assert!(!message["timestamp"].as_str().unwrap().starts_with("1970"));
    assert_eq!(message.as_object().unwrap().len(), 5);
}

#[tokio::test]
async fn a_second_signal_is_not_kept_waiting() {
    let process = Setup::lenient().spawn().await;
    let [anna, bert] = Person::crowd(process.place()).await;
    // Somebody who doesn't answer the close frame, and so would be waited for a little.
    let mut deaf = RawSocket::open(process.place(), Some(bert.token())).await;
    let mut socket = anna.connect().await;
    process.signal(Signal::INT);
    assert_eq!(socket.closed().await, 1012);
    assert_eq!(deaf.closed().await, Some(1012));
    let asked = std::time::Instant::now();
    process.signal(Signal::INT);
    let (status, said) = process.wait().await;
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(asked.elapsed() < std::time::Duration::from_secs(2));
}
