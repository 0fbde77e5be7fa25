//! The log names nobody: a whole conversation and a call at every level of detail leave no id,
//! address, handle, key, token, nonce or payload on stderr.

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use tokio_tungstenite::tungstenite::Message;

use crate::operator::privcomm;
use crate::rig::{
    Heard, Person, Place, Process, RawSocket, Setup, Socket, base64, hex, soon, unbase64,
};

/// An address that a proxy vouches for.
const FAR_ADDRESS: &str = "198.51.100.77";

/// Everything that must not be said.
#[derive(Debug, Default)]
pub(crate) struct Confidential(Vec<(&'static str, String)>);

impl Confidential {
    fn note(&mut self, what: &'static str, text: &str) {
        assert!(text.len() >= 8, "{what} is too short to be looked for");
        self.0.push((what, text.to_owned()));
    }

    /// A key as text and in hexadecimal.
    fn note_key(&mut self, what: &'static str, key: &Value) {
        self.note(what, key.as_str().unwrap());
        self.note(what, &hex(&unbase64(key)));
    }

    fn note_person(&mut self, person: &Person) {
        self.note("a user id", person.user());
        self.note("a user id", &person.user().replace('-', ""));
        self.note("a phone hash", person.phone_hash());
        self.note("a token", person.token());
        // Its claims, which say who.
        self.note("a token", person.token().split('.').nth(1).unwrap());
        self.note_key("an identity key", &person.identity_key().into());
    }

    pub(crate) fn expect_unsaid(&self, said: &str) {
        let said = said.to_lowercase();
        for (what, text) in &self.0 {
            let found = said.find(&text.to_lowercase());
            let line = found.map(|at| said[..at].lines().last());
            assert_eq!(line, None, "{what} was said");
        }
    }
}

/// Somebody new, by registration and login, with everything in it noted.
pub(crate) async fn join(place: Place, confidential: &mut Confidential) -> Person {
    let mut person = Person::stranger(place);
    let application = person.application(1..=3).await;
    for member in [
        "nonce",
        "signed_prekey",
        "prekey_signature",
        "registration_signature",
    ] {
        confidential.note_key(member, &application[member]);
    }
    let prekey = &application["one_time_prekeys"][0]["public_key"];
    confidential.note_key("a one-time prekey", prekey);
    place.post("/api/v1/register", &application).await.with(201);
    let login = person.fresh_login().await;
    confidential.note_key("a nonce", &login["nonce"]);
    confidential.note_key("a signature", &login["signature"]);
    place.post("/api/v1/auth/token", &login).await.with(200);
    person.log_in().await;
    confidential.note_person(&person);
    person
}

pub(crate) async fn converse(anna: &Person, bert: &Person, confidential: &mut Confidential) {
    for target in [bert.user(), bert.phone_hash()] {
        anna.get(&format!("/api/v1/keys/{target}")).await.with(200);
    }
    let name = json!({"public_name": "Anna Confidential"});
    confidential.note("a name", "Anna Confidential");
    anna.ask("PATCH", "/api/v1/account", Some(&name))
        .await
        .with(200);
    bert.allow(anna).await;
    anna.block(bert).await;
    anna.allow(bert).await;
    let path = format!("/api/v1/contacts/{}", bert.user());
    anna.get(&path).await.with(200);
    let text = "what nobody else may read";
    confidential.note("a text", text);
    confidential.note("a payload", &base64(text));
    anna.post_message(bert, text).await.with(202);
    let mut from = anna.connect().await;
    from.send(bert, text).await;
    from.expect("message_accepted").await;
    let waiting = bert.waiting().await;
    bert.ack(&[&waiting[0]["message_id"]]).await;
    let path = format!("/ws/{}?token={}", bert.user(), bert.token());
    let mut to = Socket::open(bert.place(), &path).await;
    let (message, _) = to.message().await;
    to.ack([&message["message_id"]]).await;
    call(anna, bert, &mut from, &mut to, confidential).await;
    from.leave().await;
}

async fn call(
    anna: &Person,
    bert: &Person,
    from: &mut Socket,
    to: &mut Socket,
    confidential: &mut Confidential,
) {
    let secrets = ["an-sdp-in-confidence", "a-candidate-in-confidence"];
    for secret in secrets {
        confidential.note("signaling", secret);
    }
    let frame = |kind: &str, peer: &Person| json!({"type": kind, "recipient_id": peer.user()});
    for (step, member, secret) in [
        ("call_offer", "sdp", secrets[0]),
        ("ice_candidate", "candidate", secrets[1]),
    ] {
        let mut frame = frame(step, bert);
        frame[member] = secret.into();
        from.say(&frame).await;
        to.expect(step).await;
    }
    let mut answer = frame("call_answer", anna);
    answer["sdp"] = secrets[0].into();
    to.say(&answer).await;
    from.expect("call_answer").await;
    to.say(&frame("call_end", anna)).await;
    from.expect("call_end").await;
}

/// An allocation with real credentials, and one with a wrong password.
pub(crate) async fn allocate(person: &Person, confidential: &mut Confidential) {
    let credentials = person.get("/api/v1/turn-credentials").await.with(200);
    let [username, password] = ["username", "credential"].map(|member| {
        let text = credentials[member].as_str().unwrap().to_owned();
        confidential.note("a credential of the relay", &text);
        text
    });
    let url = credentials["urls"][1].as_str().unwrap();
    let server = url.trim_start_matches("turn:").split('?').next().unwrap();
    for password in [password, "wrong".to_owned()] {
        let is_right = password != "wrong";
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        confidential.note("an address", &socket.local_addr().unwrap().to_string());
        let client = turn::client::Client::new(turn::client::ClientConfig {
            stun_serv_addr: server.to_owned(),
            turn_serv_addr: server.to_owned(),
            username: username.clone(),
            password,
            realm: String::new(),
            software: String::new(),
            rto_in_ms: 0,
            conn: Arc::new(socket),
            vnet: None,
        });
        let client = client.await.unwrap();
        client.listen().await.unwrap();
        let allocation = soon("an allocation", client.allocate()).await;
        assert_eq!(allocation.is_ok(), is_right);
        if let Ok(relayed) = allocation {
            let address = webrtc_util::Conn::local_addr(&relayed).unwrap();
            confidential.note("a relayed address", &address.to_string());
        }
        client.close().await.unwrap();
    }
}

/// What goes wrong is where logs are talkative.
pub(crate) async fn blunder(anna: &Person, confidential: &mut Confidential) {
    let place = anna.place();
    let secret = "a-slip-of-the-tongue";
    confidential.note("a slip", secret);
    place
        .get(&format!("/{secret}?{secret}={secret}"))
        .await
        .with(404);
    place.get(&format!("/ws/{}", anna.user())).await;
    let text = json!({"phone_hash": secret, "nonce": secret, "signature": secret});
    for path in ["/api/v1/register", "/api/v1/auth/token"] {
        place.post(path, &text).await;
    }
    let answer = place
        .ask("GET", "/api/v1/account", Some(secret), None)
        .await;
    answer.with(401);
    let thief = anna.with_new_identity();
    place
        .post("/api/v1/auth/token", &thief.fresh_login().await)
        .await
        .with(401);
    thief.register([]).await.with(409);
    let request = format!(
        "POST /api/v1/auth/challenge HTTP/1.1\r\nHost: {secret}\r\nCF-Connecting-IP: {FAR_ADDRESS}\r\n\
         User-Agent: {secret}\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n{{}}x"
    );
    place.say(request.as_bytes()).await.unwrap().with(400);
    place.say(format!("{secret}\r\n\r\n").as_bytes()).await;
    confidential.note("an address", FAR_ADDRESS);
    let mut socket = anna.connect().await;
    socket
        .say_message(Message::text(format!("{{\"{secret}")))
        .await;
    socket.refused("invalid_json").await;
    socket
        .say(&json!({"type": secret, "id": secret, "call_id": secret}))
        .await;
    socket.refused("invalid_field").await;
    let mut refused = Socket::open(place, &format!("/ws?token={secret}")).await;
    assert!(matches!(refused.hear().await, Heard::Closed(1008)));
    let mut broken = RawSocket::open(place, Some(anna.token())).await;
    broken.write(&[0xff; 64]).await;
    assert_eq!(broken.closed().await, Some(1002));
    // Gone without a word, with something half said.
    let mut half = RawSocket::open(place, Some(anna.token())).await;
    half.write(&[0x81, 0xfe]).await;
    drop(half);
    let login = anna.fresh_login().await;
    anna.ask("DELETE", "/api/v1/account", Some(&login))
        .await
        .with(204);
}

/// Every address of this machine's that was logged is one that the daemon listens at.
fn expect_only(listening: &[String], said: &str) {
    for (at, _) in said.match_indices("127.0.0.1") {
        let is_own = listening.iter().any(|own| said[at..].starts_with(own));
        let line = said[..at].lines().last();
        assert!(is_own, "an address was logged: {line:?}");
    }
}

async fn everything_said(setup: Setup) -> (String, Confidential, Vec<String>) {
    let process: Process = setup.spawn().await;
    let place = process.place();
    let mut confidential = Confidential::default();
    let anna = join(place, &mut confidential).await;
    let bert = join(place, &mut confidential).await;
    converse(&anna, &bert, &mut confidential).await;
    allocate(&anna, &mut confidential).await;
    blunder(&anna, &mut confidential).await;
    let listening = process.listening();
    process.signal(Signal::TERM);
    let (status, said) = process.wait().await;
    assert_eq!(status.code(), Some(0), "{said}");
    (said, confidential, listening)
}

#[tokio::test]
async fn a_debug_log_names_nobody() {
    let setup = Setup::lenient().set("telemetry.log=debug");
    let (said, confidential, listening) = everything_said(setup).await;
    assert!(said.contains("route=\"/api/v1/keys/{target}\""), "{said}");
    confidential.expect_unsaid(&said);
    expect_only(&listening, &said);
}

#[tokio::test]
async fn a_log_of_everything_names_nobody() {
    let setup = Setup::lenient()
        .set("telemetry.log=trace")
        .set("telemetry.format=json");
    let (said, confidential, listening) = everything_said(setup).await;
    for line in said.lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!(event["level"].is_string(), "{line}");
    }
    confidential.expect_unsaid(&said);
    expect_only(&listening, &said);
}

/// A program in the place of the machine's journal, which prints the log of a daemon.
fn journal(log: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("log"), log).unwrap();
    let program = place.path().join("journalctl");
    let script = format!("#!/bin/sh\nexec /bin/cat {}/log\n", place.path().display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    place
}

#[tokio::test]
async fn a_bundle_for_support_names_nobody() {
    let host = "chat.confidential.example";
    let daemon = Setup::lenient().set("telemetry.log=debug").spawn().await;
    let mut confidential = Confidential::default();
    confidential.note("the public name", host);
    let anna = join(daemon.place(), &mut confidential).await;
    let bert = join(daemon.place(), &mut confidential).await;
    converse(&anna, &bert, &mut confidential).await;
    allocate(&anna, &mut confidential).await;
    let reason = "a-reason-in-confidence";
    confidential.note("why", reason);
    privcomm(
        &daemon,
        &["user", "suspend", bert.user(), "--reason", reason],
    )
    .await;
    let invited = privcomm(&daemon, &["invite", "create"]).await;
    let link = String::from_utf8(invited.stdout).unwrap();
    confidential.note("an invite", link.split('#').nth(1).unwrap().trim());
    let setup = daemon.setup().clone();
    daemon.signal(Signal::TERM);
    let (_, said) = daemon.wait().await;

    let journal = journal(&said);
    let name = format!("server.public_url=https://{host}");
    let daemon = setup.set(name).spawn().await;
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_privcomm"));
    command.args(["support", "bundle"]).env_clear();
    command.env("PATH", journal.path());
    command.env("PRIVCOMM_SERVER__PUBLIC_URL", format!("https://{host}"));
    command.env("PRIVCOMM_SOCKET", daemon.admin_socket());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
    let output = output.unwrap();
    let bundle = String::from_utf8(output.stdout).unwrap();
    for part in [
        "== doctor\nok ",
        "\"accounts\": 2",
        "== log\n",
        "server.public_url = ",
    ] {
        assert!(bundle.contains(part), "{part:?} is not in it: {bundle}");
    }
    assert!(
        bundle.contains("route=\"/api/v1/keys/{target}\""),
        "{bundle}"
    );
    confidential.expect_unsaid(&bundle);
}

#[test]
#[should_panic(expected = "a word was said")]
fn what_is_said_is_found() {
    let mut confidential = Confidential::default();
    confidential.note("a word", "Confidence");
    confidential.expect_unsaid("INFO in CONFIDENCE: hello");
}
