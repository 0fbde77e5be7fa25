//! Notifications through the real daemon, to a push service of our own with a certificate of its own
//! authority.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::operator::privcomm;
use crate::rig::{Answer, Person, Process, Setup, soon, unbase64};

const TOKENS: &str = "/api/v1/push-tokens";

/// A push service: what it got, and the status that it answers.
struct Service {
    port: u16,
    authority: PathBuf,
    received: mpsc::UnboundedReceiver<String>,
    status: Arc<Mutex<&'static str>>,
    _folder: tempfile::TempDir,
}

impl Service {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = folder.path().join("authority.pem");
        let acceptor = acceptor(&authority);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, received) = mpsc::unbounded_channel();
        let status = Arc::new(Mutex::new("201 Created"));
        let answers = status.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    assert!(stream.read_buf(&mut head).await.unwrap() > 0);
                }
                let status = *answers.lock().unwrap();
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = told.send(String::from_utf8(head).unwrap());
            }
        });
        Self {
            port,
            authority,
            received,
            status,
            _folder: folder,
        }
    }

    /// A daemon that may send to it.
    fn setup(&self) -> Setup {
        Setup::lenient()
            .set("push.enabled=true")
            .set("push.allowed_hosts=localhost")
            .set("push.allowed_networks=127.0.0.0/8,::1")
            .set(format!("push.authorities={}", self.authority.display()))
    }

    fn answer(&self, status: &'static str) {
        *self.status.lock().unwrap() = status;
    }

    fn token(&self, device: &str) -> Value {
        let endpoint = format!("https://localhost:{}/wp/{device}", self.port);
        json!({ "platform": "webpush", "token": endpoint })
    }

    async fn next(&mut self) -> String {
        soon("a push", self.received.recv()).await.unwrap()
    }

    /// Whether nothing came that wasn't taken.
    fn is_quiet(&mut self) -> bool {
        self.received.try_recv().is_err()
    }
}

/// TLS as `localhost`, vouched for by an authority that is written to a file.
fn acceptor(authority: &Path) -> TlsAcceptor {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(authority, issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn subscribe(person: &Person, token: &Value) -> Answer {
    person.put(TOKENS, token).await
}

async fn state(daemon: &Process) -> Value {
    let output = privcomm(daemon, &["push", "keys", "--json"]).await;
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn a_member_who_is_away_is_woken_once_and_one_who_is_here_is_not() {
    let mut service = Service::start().await;
    let daemon = service.setup().spawn().await;
    let server = daemon.place().get("/api/v1/server").await.with(200);
    assert!(
        server["features"]
            .as_array()
            .unwrap()
            .contains(&json!("push"))
    );
    let [anna, bert] = Person::crowd(daemon.place()).await;
    bert.allow(&anna).await;
    subscribe(&bert, &service.token("phone")).await.with(204);

    // Here: the message goes to the socket, and nothing else.
    let (mut socket, _) = bert.arrive().await;
    anna.post_message(&bert, "hello").await.with(202);
    let (message, _) = socket.message().await;
    socket.ack([&message["message_id"]]).await;
    socket.sync().await;
    socket.leave().await;
    assert!(service.is_quiet());

    // Away: one push for a flood.
    for number in 0..50 {
        anna.post_message(&bert, &format!("{number}"))
            .await
            .with(202);
    }
    let push = service.next().await;
    assert!(push.starts_with("POST /wp/phone HTTP/1.1\r\n"), "{push}");
    check(&push, &daemon, &bert, service.port).await;
    let output = privcomm(&daemon, &["push", "test", bert.user()]).await;
    assert!(output.status.success());
    service.next().await;
    assert!(service.is_quiet());
}

/// Checks what stands in a push, and its signature.
async fn check(push: &str, daemon: &Process, member: &Person, port: u16) {
    let header = |name: &str| {
        let mut lines = push.lines();
        let start = format!("{name}: ");
        let found = lines.find_map(|line| line.strip_prefix(start.as_str()));
        found.map(str::to_owned)
    };
    assert_eq!(header("content-length").as_deref(), Some("0"));
    assert!(header("ttl").is_some() && header("topic").is_some());
    let authorization = header("authorization").unwrap();
    let (token, key) = authorization
        .strip_prefix("vapid t=")
        .unwrap()
        .split_once(", k=")
        .unwrap();
    let key = URL_SAFE_NO_PAD.decode(key).unwrap();
    let told = member.get("/api/v1/push-tokens/vapid-key").await.with(200);
    assert_eq!(unbase64(&told["vapid_key"]), key);
    assert_eq!(unbase64(&state(daemon).await["vapid_key"]), key);
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let verifier = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key);
    verifier.verify(signed.as_bytes(), &signature).unwrap();
    let claims = signed.split_once('.').unwrap().1;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["aud"], format!("https://localhost:{port}"));
}

#[tokio::test]
async fn whoever_left_with_something_unread_is_woken() {
    let mut service = Service::start().await;
    let daemon = service.setup().spawn().await;
    let [anna, bert] = Person::crowd(daemon.place()).await;
    bert.allow(&anna).await;
    subscribe(&bert, &service.token("phone")).await.with(204);
    let (mut socket, _) = bert.arrive().await;
    anna.post_message(&bert, "lost on the way").await.with(202);
    socket.message().await;
    drop(socket);
    service.next().await;
}

#[tokio::test]
async fn subscriptions_and_the_key_outlive_a_restart_and_a_restore() {
    let mut service = Service::start().await;
    let daemon = service.setup().spawn().await;
    let [mut anna, mut bert] = Person::crowd(daemon.place()).await;
    subscribe(&bert, &service.token("phone")).await.with(204);
    let before = state(&daemon).await;
    let data = daemon.setup().data().to_str().unwrap().to_owned();
    let made = privcomm(&daemon, &["backup", "create", "--data", &data]).await;
    assert!(made.status.success());

    let daemon = daemon.kill().spawn().await;
    anna.move_to(daemon.place());
    bert.move_to(daemon.place());
    assert_eq!(state(&daemon).await["vapid_key"], before["vapid_key"]);
    anna.post_message(&bert, "hello").await.with(202);
    service.next().await;
    subscribe(&bert, &service.token("tablet")).await.with(204);

    let setup = daemon.kill();
    let restored = Command::new(env!("CARGO_BIN_EXE_privcomm"))
        .args(["restore", "manual", "--yes", "--data"])
        .arg(setup.data())
        .output()
        .unwrap();
    assert!(restored.status.success());
    let daemon = setup.spawn().await;
    let after = state(&daemon).await;
    assert_eq!(after["vapid_key"], before["vapid_key"]);
    assert_eq!(after["subscriptions"], 1);
}

#[tokio::test]
async fn a_subscription_ends_with_its_service_its_owner_or_its_key() {
    let mut service = Service::start().await;
    let daemon = service.setup().set("push.pause=1s").spawn().await;
    let [anna, bert] = Person::crowd(daemon.place()).await;
    subscribe(&bert, &service.token("phone")).await.with(204);
    subscribe(&bert, &service.token("phone")).await.with(204);
    assert_eq!(state(&daemon).await["subscriptions"], 1);

    // The service says so.
    service.answer("410 Gone");
    anna.post_message(&bert, "hello").await.with(202);
    service.next().await;
    soon("that it is forgotten", async {
        while state(&daemon).await["subscriptions"] != 0 {}
    })
    .await;

    // Its owner does.
    service.answer("201 Created");
    subscribe(&bert, &service.token("phone")).await.with(204);
    let body = service.token("phone");
    bert.ask("DELETE", TOKENS, Some(&body)).await.with(204);
    bert.ask("DELETE", TOKENS, Some(&body)).await.with(204);
    assert_eq!(state(&daemon).await["subscriptions"], 0);

    // The operator has another key.
    subscribe(&bert, &service.token("phone")).await.with(204);
    let before = state(&daemon).await;
    let output = privcomm(&daemon, &["push", "keys", "--rotate", "--yes"]).await;
    assert!(output.status.success());
    let after = state(&daemon).await;
    assert_ne!(after["vapid_key"], before["vapid_key"]);
    assert_eq!(after["subscriptions"], 0);

    // The account ends.
    subscribe(&bert, &service.token("phone")).await.with(204);
    let login = bert.fresh_login().await;
    bert.ask("DELETE", "/api/v1/account", Some(&login))
        .await
        .with(204);
    assert_eq!(state(&daemon).await["subscriptions"], 0);

    // And so does what its identity can do.
    subscribe(&anna, &service.token("phone")).await.with(204);
    let reset = privcomm(&daemon, &["user", "reset", anna.user(), "--yes"]).await;
    assert!(reset.status.success());
    assert_eq!(state(&daemon).await["subscriptions"], 0);
}

#[tokio::test]
async fn only_endpoints_that_may_be_asked_are_taken() {
    let service = Service::start().await;
    let daemon = service.setup().spawn().await;
    let anna = Person::join(daemon.place()).await;
    for token in [
        "",
        "http://localhost/x",
        "https://push.example/x",
        "https://localhost.evil.example/x",
        "https://user@localhost/x",
        "https://127.0.0.1/x",
        "localhost",
    ] {
        let token = json!({ "platform": "webpush", "token": token });
        subscribe(&anna, &token)
            .await
            .refused_field("invalid_field", "token");
    }
    let android = json!({ "platform": "android", "token": "https://localhost/x" });
    subscribe(&anna, &android)
        .await
        .refused_field("invalid_field", "platform");
    let unknown = json!({ "platform": "apns", "token": "https://localhost/x" });
    subscribe(&anna, &unknown)
        .await
        .refused(400, "invalid_field");
    let stranger = daemon
        .place()
        .ask("PUT", TOKENS, None, Some(&service.token("x")))
        .await;
    stranger.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_asked() {
    let mut service = Service::start().await;
    let daemon = service
        .setup()
        .set("push.allowed_networks=[]")
        .spawn()
        .await;
    let anna = Person::join(daemon.place()).await;
    subscribe(&anna, &service.token("phone")).await.with(204);
    let output = privcomm(&daemon, &["push", "test", anna.user()]).await;
    assert_eq!(output.status.code(), Some(7));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("no public address"), "{said}");
    assert!(service.is_quiet());
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_not_believed() {
    let (mut service, other) = (Service::start().await, Service::start().await);
    let trusted = format!("push.authorities={}", other.authority.display());
    let daemon = service.setup().set(trusted).spawn().await;
    let anna = Person::join(daemon.place()).await;
    subscribe(&anna, &service.token("phone")).await.with(204);
    let output = privcomm(&daemon, &["push", "test", anna.user()]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("no TLS"), "{said}");
    assert!(service.is_quiet());
}

#[tokio::test]
async fn switched_off_there_is_no_key_and_no_token_is_taken() {
    let daemon = Setup::lenient().spawn().await;
    let anna = Person::join(daemon.place()).await;
    let token = json!({ "platform": "webpush", "token": "https://fcm.googleapis.com/x" });
    subscribe(&anna, &token).await.refused(404, "not_found");
    let key = anna.get("/api/v1/push-tokens/vapid-key").await;
    key.refused(404, "not_found");
    let server = daemon.place().get("/api/v1/server").await.with(200);
    assert!(
        !server["features"]
            .as_array()
            .unwrap()
            .contains(&json!("push"))
    );
    let secrets = daemon.setup().data().join("secrets.toml");
    let secrets = std::fs::read_to_string(secrets).unwrap_or_default();
    assert!(!secrets.contains("vapid_key"));
    assert_eq!(state(&daemon).await["enabled"], false);
}

#[tokio::test]
async fn without_an_authority_the_daemon_says_what_is_missing() {
    let said = Setup::lenient()
        .set("push.enabled=true")
        .set("push.authorities=/nonexistent/authorities.pem")
        .fail()
        .await;
    assert!(
        said.contains("PC-PSH-01") && said.contains("/nonexistent/authorities.pem"),
        "{said}"
    );
}
