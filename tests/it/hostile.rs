//! Bad input of every kind gets the documented error and harms nobody else (PROTOCOL.md §1, §9, §10).

mod accounts;
mod bodies;
mod calls;
mod flood;
mod frames;
mod garbage;
mod requests;
mod tokens;
mod websocket;

use serde_json::Value;

use crate::rig::{Person, Place, Socket};

/// Two people whose conversation must go on whatever others do.
struct Conversation {
    bert: Person,
    from: Socket,
    to: Socket,
}

impl Conversation {
    async fn begin(place: Place) -> Self {
        let [anna, bert] = Person::crowd(place).await;
        Self {
            from: anna.connect().await,
            to: bert.connect().await,
            bert,
        }
    }

    /// A message arrives, its sender hears of it, and neither hears anything else.
    async fn goes_on(&mut self) {
        let id = self.from.send(&self.bert, "still here").await;
        let (message, text) = self.to.message().await;
        assert_eq!(text, "still here");
        assert_eq!(message["message_id"], id);
        self.to.ack([&message["message_id"]]).await;
        assert_eq!(self.from.expect("message_accepted").await["id"], id);
        for socket in [&mut self.from, &mut self.to] {
            let others = socket.drain().await;
            let is_usual = |frame: &Value| frame["type"] == "queue_drained";
            assert!(others.iter().all(is_usual), "{others:?}");
        }
    }
}

/// Checks that the daemon is well.
async fn is_healthy(place: Place) {
    let health = place.get("/health").await.with(200);
    assert_eq!(health["status"], "healthy", "{health}");
}

/// Ids that look like ids and aren't: only lower-case hyphenated version 4 is one.
const WRONG_IDS: [&str; 10] = [
    "",
    "7C9E6679-7425-40DE-944B-E07FC1F90AE7",
    "7c9e6679742540de944be07fc1f90ae7",
    "{7c9e6679-7425-40de-944b-e07fc1f90ae7}",
    "urn:uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "7c9e6679-7425-10de-944b-e07fc1f90ae7",
    "0192f0c1-7425-70de-944b-e07fc1f90ae7",
    "7c9e6679-7425-40de-c44b-e07fc1f90ae7",
    "00000000-0000-0000-0000-000000000000",
    " 7c9e6679-7425-40de-944b-e07fc1f90ae7",
];

/// Base64 that others might take: no padding, another alphabet, white space, spare bits, padding
/// in the middle or too much of it.
const WRONG_BASE64: [&str; 12] = [
    "aGk", "aGl=", "aGk==", "aGk= ", " aGk=", "aG k=", "aGk=\n", "a-_=", "=", "aGk=aGk=",
    "aGk\u{0}", "ä===",
];

/// Texts that aren't one strict JSON text of at most 16 levels.
fn malformed_texts() -> Vec<Vec<u8>> {
    let nested = |levels: usize| format!("{{\"x\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    let texts = [
        String::new(),
        " ".to_owned(),
        "{".to_owned(),
        "nul".to_owned(),
        "{}{}".to_owned(),
        "{} x".to_owned(),
        "{}\0".to_owned(),
        "\0".to_owned(),
        "{'a':1}".to_owned(),
        "{a:1}".to_owned(),
        "{\"a\":1,}".to_owned(),
        "{\"a\":[1,]}".to_owned(),
        "{\"a\":01}".to_owned(),
        "{\"a\":+1}".to_owned(),
        "{\"a\":NaN}".to_owned(),
        "{\"a\":1e999}".to_owned(),
        "{\"a\":\"\u{1}\"}".to_owned(),
        "{\"a\":\"\\ud800\"}".to_owned(),
        "{\"a\":\"\\x41\"}".to_owned(),
        "{\"a\":1} // no".to_owned(),
        "\u{feff}{}".to_owned(),
        "{\"a\":1,\"a\":1}".to_owned(),
        "{\"a\":1,\"\\u0061\":2}".to_owned(),
        "{\"x\":[{\"y\":{\"a\":1,\"b\":2,\"a\":3}}]}".to_owned(),
        nested(16),
        nested(100_000),
        "[".repeat(100_000),
        "{\"a\":".repeat(30_000),
    ];
    let mut texts: Vec<Vec<u8>> = texts.map(String::into_bytes).into();
    texts.push(b"{\"a\":\"\xff\"}".to_vec());
    texts.push(b"\xff\xfe{\0}\0".to_vec());
    texts
}
