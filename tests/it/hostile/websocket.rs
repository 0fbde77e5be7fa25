//! Handshakes and frames below JSON (RFC 6455).

use tokio::io::AsyncReadExt;

use super::{Conversation, is_healthy};
use crate::rig::{Answer, Appliance, Person, Place, RawSocket, Setup, Socket, fresh_id, soon};

const FIN: u8 = 0x80;
const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// First bytes and payloads.
type Frames<'a> = &'a [(u8, &'a [u8])];

/// A socket that is authenticated and has heard `ready`.
async fn ready(person: &Person) -> RawSocket {
    let mut socket = RawSocket::open(person.place(), Some(person.token())).await;
    let (opcode, text) = socket.next().await.unwrap();
    assert_eq!(opcode, TEXT);
    assert!(String::from_utf8(text).unwrap().contains("\"ready\""));
    socket
}

async fn handshake(place: Place, fields: &str) -> Answer {
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\n{fields}\r\n",
        place.address()
    );
    place.say(request.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn a_handshake_that_is_none_is_told_how_to_make_one() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let version = "Sec-WebSocket-Version: 13\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    for fields in [
        String::new(),
        format!("{version}{key}"),
        format!("{upgrade}{key}"),
        format!("{upgrade}{key}Sec-WebSocket-Version: 12\r\n"),
        format!("{upgrade}{key}Sec-WebSocket-Version: 8, 13\r\n"),
        format!("{upgrade}{key}{version}{version}"),
        format!("Upgrade: h2c\r\nConnection: Upgrade\r\n{version}{key}"),
        format!("Upgrade: websocket\r\nConnection: close\r\n{version}{key}"),
    ] {
        let answer = handshake(place, &fields).await;
        answer.refused(426, "invalid_field");
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
    }
    for key in [
        "",
        "Sec-WebSocket-Key: \r\n",
        "Sec-WebSocket-Key: c2hvcnQ=\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    ] {
        let answer = handshake(place, &format!("{upgrade}{version}{key}")).await;
        answer.refused_field("invalid_field", "Sec-WebSocket-Key");
    }
}

#[tokio::test]
async fn pages_of_other_origins_get_no_socket() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let anna = Person::join(place).await;
    let bearer = format!("Bearer {}", anna.token());
    for origin in [
        "null",
        "",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
    ] {
        let headers = [("origin", origin), ("authorization", bearer.as_str())];
        let refused = Socket::try_open(place, "/ws", &headers).await;
        assert_eq!(refused.unwrap_err(), 403, "{origin}");
    }
    let own = place.origin();
    let headers = [("origin", own.as_str()), ("authorization", bearer.as_str())];
    assert!(Socket::try_open(place, "/ws", &headers).await.is_ok());
}

#[tokio::test]
async fn a_broken_frame_closes_its_session_with_the_right_code_and_harms_nobody() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    let ping = br#"{"type":"ping"}"#.as_slice();
    let broken: [(&str, Frames<'_>, u16); 15] = [
        ("reserved bit 1", &[(FIN | 0x40 | TEXT, ping)], 1002),
        ("reserved bit 2", &[(FIN | 0x20 | TEXT, ping)], 1002),
        ("reserved bit 3", &[(FIN | 0x10 | TEXT, ping)], 1002),
        ("reserved opcode", &[(FIN | 3, ping)], 1002),
        ("reserved control opcode", &[(FIN | 0xb, b"")], 1002),
        ("fragmented ping", &[(PING, b"")], 1002),
        ("fragmented close", &[(CLOSE, b"")], 1002),
        ("long ping", &[(FIN | PING, &[0; 126])], 1002),
        (
            "continuation of nothing",
            &[(FIN | CONTINUATION, ping)],
            1002,
        ),
        (
            "a start within a message",
            &[(TEXT, ping), (FIN | TEXT, ping)],
            1002,
        ),
        ("binary", &[(FIN | BINARY, b"\0\x01")], 1003),
        (
            "binary in pieces",
            &[(BINARY, b"\0"), (FIN | CONTINUATION, b"")],
            1003,
        ),
        ("not UTF-8", &[(FIN | TEXT, b"{\"\xff\"}")], 1007),
        ("a surrogate", &[(FIN | TEXT, b"\xed\xa0\x80")], 1007),
        (
            "UTF-8 cut short",
            &[(TEXT, b"\xe2\x82"), (FIN | CONTINUATION, b"x")],
            1007,
        ),
    ];
    for (what, frames, code) in broken {
        let mut socket = ready(&mallory).await;
        for (first, payload) in frames {
            socket.frame(*first, payload).await;
        }
        assert_eq!(socket.closed().await, Some(code), "{what}");
    }
    others.goes_on().await;
}

#[tokio::test]
async fn an_unmasked_frame_closes_its_session() {
    let appliance = Appliance::start().await;
    let mallory = Person::join(appliance.place()).await;
    let mut socket = ready(&mallory).await;
    socket.write(b"\x81\x0f{\"type\":\"ping\"}").await;
    assert_eq!(socket.closed().await, Some(1002));
}

#[tokio::test]
async fn text_may_be_cut_inside_of_a_character() {
    let appliance = Appliance::start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = ready(&anna).await;
    socket.frame(TEXT, b"{\"type\":\"ping\",\"t\":\"\xe2").await;
    socket.frame(FIN | PING, b"between").await;
    socket.frame(CONTINUATION, b"\x82").await;
    socket.frame(CONTINUATION, b"").await;
    socket.frame(FIN | CONTINUATION, b"\xac\"}").await;
    let mut heard = Vec::new();
    while heard.len() < 2 {
        let (opcode, payload) = socket.next().await.unwrap();
        let text = String::from_utf8(payload).unwrap();
        if opcode == PONG || text.contains("pong") {
            heard.push((opcode, text));
        }
    }
    heard.sort();
    assert_eq!(heard[1], (PONG, "between".to_owned()));
    assert!(heard[0].1.contains("\"€\""), "{heard:?}");
}

#[tokio::test]
async fn a_frame_may_be_as_large_as_its_limit_and_no_larger_in_one_piece_or_many() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    let limit = 256 * 1024;
    let text = |length: usize| {
        let mut text = br#"{"type":"ping","t":"x"}"#.to_vec();
        text.resize(length, b' ');
        text
    };
    let mut socket = ready(&mallory).await;
    socket.frame(FIN | TEXT, &text(limit)).await;
    while !String::from_utf8(socket.next().await.unwrap().1)
        .unwrap()
        .contains("pong")
    {}
    socket.frame(FIN | TEXT, &text(limit + 1)).await;
    assert_eq!(socket.closed().await, Some(1009));
    let mut socket = ready(&mallory).await;
    socket.frame(TEXT, &text(limit)).await;
    socket.frame(CONTINUATION, b" ").await;
    assert_eq!(socket.closed().await, Some(1009));
    others.goes_on().await;
}

#[tokio::test]
async fn a_length_that_nobody_could_send_is_refused_before_it_is_waited_for() {
    let appliance = Appliance::start().await;
    let mallory = Person::join(appliance.place()).await;
    for length in [1_u64 << 20, 1 << 40, u64::MAX >> 1, u64::MAX] {
        let mut socket = ready(&mallory).await;
        let mut head = vec![FIN | TEXT, 0xff];
        head.extend(length.to_be_bytes());
        head.extend([0; 4]);
        socket.write(&head).await;
        let code = socket.closed().await;
        assert!(matches!(code, Some(1002 | 1009)), "{length}: {code:?}");
    }
}

#[tokio::test]
async fn close_frames_of_every_kind_end_only_their_own_session() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    let payloads: [&[u8]; 9] = [
        b"",
        b"\x03",
        b"\x03\xe8",
        b"\x03\xe8bye",
        b"\x03\xe8\xff\xfe",
        &[0, 0],
        &[0x03, 0xed],
        &[0xff, 0xff],
        &[0x03, 0xe8, 0xed, 0xa0, 0x80],
    ];
    for payload in payloads {
        let mut socket = ready(&mallory).await;
        socket.frame(FIN | CLOSE, payload).await;
        // Whatever it says, the daemon takes its leave and hangs up.
        while socket.next().await.is_some() {}
    }
    others.goes_on().await;
}

#[tokio::test]
async fn thousands_of_tiny_pieces_are_one_message_and_disturb_nobody() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    let mut socket = ready(&mallory).await;
    socket.frame(TEXT, br#"{"type":"ping","#).await;
    for _ in 0..50 {
        socket
            .write(&[CONTINUATION, 0x80, 0, 0, 0, 0].repeat(100))
            .await;
        others.goes_on().await;
    }
    socket.frame(FIN | CONTINUATION, br#""t":"end"}"#).await;
    loop {
        let (_, payload) = socket.next().await.unwrap();
        if String::from_utf8(payload).unwrap().contains("\"end\"") {
            break;
        }
    }
}

#[tokio::test]
async fn pieces_without_end_close_their_session_before_and_after_it_stands() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    let waiting = RawSocket::open(mallory.place(), None).await;
    for mut socket in [waiting, ready(&mallory).await] {
        socket.frame(TEXT, b"{").await;
        for _ in 0..60 {
            socket
                .write(&[CONTINUATION, 0x80, 0, 0, 0, 0].repeat(1000))
                .await;
        }
        assert_eq!(socket.closed().await, Some(1009));
    }
    others.goes_on().await;
}

#[tokio::test]
async fn pings_count_as_frames() {
    let setup = Setup::lenient().set("limits.frames=1/1h");
    let appliance = setup.set("limits.frames_burst=50").start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    for opcode in [PING, PONG] {
        let mut socket = ready(&mallory).await;
        for _ in 0..60 {
            socket.frame(FIN | opcode, b"").await;
        }
        assert_eq!(socket.closed().await, Some(4429));
    }
    others.goes_on().await;
}

#[tokio::test]
async fn a_socket_that_does_not_answer_pings_is_given_up() {
    let setup = Setup::lenient().set("limits.heartbeat=200ms");
    let appliance = setup.start().await;
    let anna = Person::join(appliance.place()).await;
    let mut socket = ready(&anna).await;
    while socket.next().await.is_some() {}
}

#[tokio::test]
async fn before_it_is_authenticated_a_socket_hears_nothing_and_is_closed_in_time() {
    let setup = Setup::lenient().set("limits.auth_timeout=300ms");
    let appliance = setup.start().await;
    let place = appliance.place();
    let anna = Person::join(place).await;
    let user = anna.user();
    for first in [
        r#"{"type":"ping","t":1}"#.to_owned(),
        r#"{"type":"auth"}"#.to_owned(),
        r#"{"type":"auth","token":""}"#.to_owned(),
        r#"{"type":"auth","token":"x","token":"x"}"#.to_owned(),
        r#"{"type":"auth","token":7}"#.to_owned(),
        format!(r#"{{"type":"auth","token":"{}x"}}"#, anna.token()),
        format!(r#"{{"type":"encrypted_message","recipient_id":"{user}","payload":"aGk="}}"#),
        "{".to_owned(),
    ] {
        let mut socket = RawSocket::open(place, None).await;
        socket.frame(FIN | TEXT, first.as_bytes()).await;
        let (opcode, payload) = socket.next().await.unwrap();
        assert_eq!(
            (opcode, &payload[..2]),
            (CLOSE, &1008_u16.to_be_bytes()[..]),
            "{first}"
        );
    }
    let mut silent = RawSocket::open(place, None).await;
    assert_eq!(silent.closed().await, Some(1008));
    let mut pinging = RawSocket::open(place, None).await;
    for _ in 0..200 {
        pinging.frame(FIN | PING, b"").await;
    }
    assert_eq!(pinging.closed().await, Some(1008));
    let mut binary = RawSocket::open(place, None).await;
    binary.frame(FIN | BINARY, b"x").await;
    assert_eq!(binary.closed().await, Some(1003));
}

#[tokio::test]
async fn a_socket_named_for_somebody_else_is_closed() {
    let appliance = Appliance::start().await;
    let place = appliance.place();
    let [anna, bert] = Person::crowd(place).await;
    let bearer = format!("Bearer {}", anna.token());
    let headers = [("authorization", bearer.as_str())];
    for user in [bert.user(), &fresh_id()] {
        let mut socket = Socket::try_open(place, &format!("/ws/{user}"), &headers)
            .await
            .unwrap();
        assert_eq!(socket.closed().await, 1008);
    }
    let path = format!("/ws/{}", anna.user().to_uppercase());
    assert_eq!(
        Socket::try_open(place, &path, &headers).await.unwrap_err(),
        400
    );
}

#[tokio::test]
async fn half_open_sockets_cost_nobody_their_message() {
    let appliance = Appliance::start().await;
    let mut others = Conversation::begin(appliance.place()).await;
    let mallory = Person::join(appliance.place()).await;
    for _ in 0..50 {
        let mut socket = ready(&mallory).await;
        socket.write(&[FIN | TEXT, 0xfe, 0xff]).await;
        drop(socket);
    }
    let mut last = ready(&mallory).await;
    last.frame(TEXT, b"{").await;
    let mut stream = last.into_stream();
    tokio::io::AsyncWriteExt::shutdown(&mut stream)
        .await
        .unwrap();
    let mut rest = Vec::new();
    let _ = soon("the end", stream.read_to_end(&mut rest)).await;
    others.goes_on().await;
    is_healthy(appliance.place()).await;
}
