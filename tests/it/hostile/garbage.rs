//! Bytes by chance: whatever comes, the daemon is well afterwards and others are served.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use super::{Conversation, is_healthy};
use crate::rig::{Appliance, Person, RawSocket, fresh_id, soon};

const CASES: u32 = 64;

/// Tries many inputs on one daemon, so that what one leaves behind is there for the next, and
/// looks after its health and its other members each time.
fn survives<S: Strategy<Value = Vec<u8>>>(
    input: impl FnOnce(&Person) -> S,
    attack: &impl AsyncFn(&Person, &[u8]),
) {
    let runtime = Runtime::new().unwrap();
    let appliance = runtime.block_on(Appliance::start());
    let place = appliance.place();
    let others = Mutex::new(runtime.block_on(Conversation::begin(place)));
    let mallory = runtime.block_on(Person::join(place));
    let config = ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&input(&mallory), |bytes| {
        runtime.block_on(async {
            attack(&mallory, &bytes).await;
            others.lock().await.goes_on().await;
            is_healthy(place).await;
        });
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

/// Over a connection of its own.
async fn over_http(mallory: &Person, bytes: &[u8]) {
    let mut stream = mallory.place().dial().await.unwrap();
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let _ = soon("the end", stream.read_to_end(&mut Vec::new())).await;
}

/// Over a session that stands.
async fn over_a_session(mallory: &Person, bytes: &[u8]) {
    let mut socket = RawSocket::open(mallory.place(), Some(mallory.token())).await;
    socket.next().await.unwrap();
    socket.write(bytes).await;
    let mut stream = socket.into_stream();
    let _ = stream.shutdown().await;
    let _ = soon("the end", stream.read_to_end(&mut Vec::new())).await;
}

/// A request that could be right, with a few bytes of it changed.
fn mangled_request(mallory: &Person) -> impl Strategy<Value = Vec<u8>> + use<> {
    let token = mallory.token().to_owned();
    let request = prop::sample::select(vec![
        ("GET", "/ws", ""),
        (
            "POST",
            "/api/v1/register",
            "{\"phone_hash\":\"00\",\"one_time_prekeys\":[]}",
        ),
        (
            "POST",
            "/auth/token",
            "{\"phone_hash\":\"00\",\"nonce\":\"\",\"signature\":\"\"}",
        ),
        (
            "PUT",
            "/api/v1/keys",
            "{\"one_time_prekeys\":[{\"key_id\":1}]}",
        ),
        (
            "POST",
            "/api/v1/messages",
            "{\"recipient_id\":\"\",\"payload\":\"aGk=\"}",
        ),
        ("GET", "/api/v1/messages?limit=5&after=x", ""),
        ("DELETE", "/api/v1/account", "{}"),
    ]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (request, changes).prop_map(move |((method, path, body), changes)| {
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Upgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            token,
            body.len()
        )
        .into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

/// A frame with flags, a mask and a length that may be wrong.
fn frame(mallory: &Person) -> impl Strategy<Value = Vec<u8>> + use<> {
    let first = prop_oneof![4 => Just(0x81_u8), 1 => any::<u8>()];
    let text = prop_oneof![
        4 => mangled_text(mallory),
        1 => prop::collection::vec(any::<u8>(), 0..125),
    ];
    let lie = prop_oneof![8 => Just(0_u8), 1 => any::<u8>()];
    (first, text, any::<[u8; 4]>(), lie).prop_map(|(first, text, mask, lie)| {
        let text = &text[..text.len().min(60_000)];
        let mut bytes = vec![first];
        if let Ok(short @ ..0x7e) = u8::try_from(text.len()) {
            bytes.push((0x80 | short) ^ lie);
        } else {
            bytes.push((0x80 | 0x7e) ^ lie);
            bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        }
        bytes.extend(mask);
        let masked = text.iter().zip(mask.iter().cycle());
        bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
        bytes
    })
}

/// A text that a client could send, with a few bytes of it changed.
fn mangled_text(mallory: &Person) -> impl Strategy<Value = Vec<u8>> + use<> {
    let me = mallory.user().to_owned();
    let texts = [
        r#"{"type":"encrypted_message","id":"ID","recipient_id":"ME","payload":"aGk="}"#,
        r#"{"type":"ack","message_ids":["ID","ID"]}"#,
        r#"{"type":"call_offer","recipient_id":"ME","call_id":"ID","sdp":"v=0"}"#,
        r#"{"type":"call_answer","recipient_id":"ME","sdp":{"a":[1]}}"#,
        r#"{"type":"ice_candidate","recipient_id":"ME","candidate":{}}"#,
        r#"{"type":"call_end","recipient_id":"ME"}"#,
        r#"{"type":"ping","t":[[[[[1e3]]]]]}"#,
        r#"{"type":"auth","token":"x"}"#,
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (prop::sample::select(texts.to_vec()), changes).prop_map(move |(text, changes)| {
        let text = text.replace("ID", &fresh_id());
        let mut bytes = text.replace("ME", &me).into_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

fn any_bytes(_: &Person) -> impl Strategy<Value = Vec<u8>> + use<> {
    prop::collection::vec(any::<u8>(), 0..2000)
}

#[test]
fn any_bytes_at_the_http_port_are_survived() {
    survives(any_bytes, &over_http);
}

#[test]
fn anything_like_a_request_is_survived() {
    let requests = |mallory: &Person| {
        let some = prop::collection::vec(mangled_request(mallory), 1..4);
        some.prop_map(|requests| requests.concat())
    };
    survives(requests, &over_http);
}

#[test]
fn any_bytes_over_a_session_are_survived() {
    survives(any_bytes, &over_a_session);
}

#[test]
fn anything_like_frames_is_survived() {
    let frames = |mallory: &Person| {
        let some = prop::collection::vec(frame(mallory), 1..20);
        some.prop_map(|frames| frames.concat())
    };
    survives(frames, &over_a_session);
}
