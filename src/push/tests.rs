//! A push service of our own on loopback, with a certificate of its own authority, which looks at
//! every request as a strict one would.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;
use crate::base::{Clock, Timestamp, UserId};

const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_000);
const NAME: &str = "localhost";

/// No encryption, but who is asked for is noted: what TLS does is its own room's to test.
#[derive(Debug, Default)]
struct Plain(Mutex<Vec<String>>);

#[async_trait]
impl Secure for Plain {
    async fn secure(&self, stream: TcpStream, name: &str) -> io::Result<Box<dyn Connection>> {
        self.0.lock().unwrap().push(name.to_owned());
        Ok(Box::new(stream))
    }
}

/// One request as the service got it.
#[derive(Debug)]
struct Received {
    line: String,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

/// A service that answers each request with the next of its answers, the last one for ever.
struct Service {
    port: u16,
    received: mpsc::UnboundedReceiver<Received>,
}

impl Service {
    async fn start(answers: &[&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, received) = mpsc::unbounded_channel();
        let mut answers = answers.to_vec();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let answer = if answers.len() > 1 {
                    answers.remove(0)
                } else {
                    answers[0]
                };
                let _ = told.send(read(&mut stream).await);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, received }
    }

    fn endpoint(&self) -> String {
        format!("https://{NAME}:{}/wp/abc", self.port)
    }

    async fn next(&mut self) -> Received {
        self.received.recv().await.unwrap()
    }
}

async fn read(stream: &mut TcpStream) -> Received {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            break at + 4;
        }
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.trim_end().split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let headers: HashMap<String, String> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers["content-length"].parse().unwrap();
    while bytes.len() < end + length {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0);
    }
    Received {
        line,
        headers,
        body: bytes[end..].to_vec(),
    }
}

fn settings(networks: &[&str]) -> Settings {
    Settings {
        reach: Reach {
            hosts: vec!["*".to_owned()],
            networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
        },
        subject: Some("https://chat.example.org".to_owned()),
        ttl: Duration::from_hours(24),
        pause: Duration::from_mins(1),
        patience: Duration::from_secs(5),
        backoff: Duration::from_millis(20),
    }
}

fn push_with(settings: Settings) -> (Push, Arc<Plain>) {
    let tls = Arc::new(Plain::default());
    let key = VapidKey::read(&VapidKey::draw().unwrap()).unwrap();
    let push = Push::new(settings, key, tls.clone(), Clock::manual(NOW));
    (push, tls)
}

fn push() -> Push {
    push_with(settings(&["127.0.0.0/8", "::1"])).0
}

fn subscription(endpoint: &str) -> Subscription {
    Subscription {
        platform: Platform::WebPush,
        endpoint: Endpoint::parse(endpoint).unwrap(),
    }
}

/// A book with the subscriptions of one member, who is told of as one forgets.
struct Pages {
    user: UserId,
    held: Mutex<Vec<(u8, Subscription)>>,
    is_here: bool,
}

impl Pages {
    fn of(endpoints: &[&str]) -> Self {
        let held = (0..).zip(endpoints.iter().map(|text| subscription(text)));
        Self {
            user: UserId::random(),
            held: Mutex::new(held.collect()),
            is_here: false,
        }
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

impl Book for Pages {
    type Tag = u8;

    fn is_connected(&self, _: UserId) -> bool {
        self.is_here
    }

    async fn subscriptions(&self, user: UserId) -> Vec<(u8, Subscription)> {
        assert_eq!(user, self.user);
        self.held.lock().unwrap().clone()
    }

    async fn ended(&self, _: UserId, tag: u8) {
        self.held.lock().unwrap().retain(|(held, _)| *held != tag);
    }
}

/// Lets the courier work until `until` ends.
async fn working<T>(push: &Push, pages: &Pages, until: impl Future<Output = T>) -> T {
    tokio::select! {
        () = push.run(pages) => unreachable!("it never ends"),
        done = until => done,
    }
}

#[tokio::test]
async fn a_push_says_who_asks_and_has_no_content() {
    let mut service = Service::start(&["HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"]).await;
    let (push, tls) = push_with(settings(&["127.0.0.0/8", "::1"]));
    let sent = push.send(&subscription(&service.endpoint())).await.unwrap();
    assert_eq!(sent, Sent::Taken(201));
    let request = service.next().await;
    assert_eq!(request.line, "POST /wp/abc HTTP/1.1");
    let said = |name: &str| request.headers[name].as_str();
    assert_eq!(said("host"), format!("localhost:{}", service.port));
    assert_eq!((said("ttl"), said("urgency")), ("86400", "high"));
    assert_eq!((said("content-length"), request.body.len()), ("0", 0));
    assert!(said("topic").len() <= 32 && !request.headers.contains_key("content-encoding"));
    assert_eq!(*tls.0.lock().unwrap(), [NAME]);
    verify(said("authorization"), &push, service.port);
}

/// Checks a signature as RFC 8292 asks services to.
fn verify(authorization: &str, push: &Push, port: u16) {
    let (token, key) = authorization
        .strip_prefix("vapid t=")
        .and_then(|rest| rest.split_once(", k="))
        .unwrap();
    let key = URL_SAFE_NO_PAD.decode(key).unwrap();
    assert_eq!(key, push.public_key());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key)
        .verify(signed.as_bytes(), &signature)
        .unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let read = |part: &str| -> serde_json::Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(
        read(header),
        serde_json::json!({ "typ": "JWT", "alg": "ES256" })
    );
    let claims = read(claims);
    assert_eq!(claims["aud"], format!("https://localhost:{port}"));
    assert_eq!(claims["sub"], "https://chat.example.org");
    let left = claims["exp"].as_u64().unwrap() - NOW.as_secs();
    assert!((60..=86_400).contains(&left), "{left}");
}

#[tokio::test]
async fn a_distributor_gets_one_byte() {
    let mut service = Service::start(&["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"]).await;
    let subscription = Subscription {
        platform: Platform::UnifiedPush,
        ..subscription(&service.endpoint())
    };
    push().send(&subscription).await.unwrap();
    assert_eq!(service.next().await.body, b"1");
}

#[tokio::test]
async fn a_private_address_is_not_asked_whatever_its_name() {
    let mut service = Service::start(&["HTTP/1.1 201 Created\r\n\r\n"]).await;
    let (push, _) = push_with(settings(&[]));
    let outcome = push.send(&subscription(&service.endpoint())).await;
    assert!(matches!(outcome, Err(PushError::Inside)), "{outcome:?}");
    let literal = format!("https://127.0.0.1:{}/x", service.port);
    let outcome = push.send(&subscription(&literal)).await;
    assert!(
        matches!(outcome, Err(PushError::Endpoint(InvalidEndpoint::Inside))),
        "{outcome:?}"
    );
    assert!(service.received.try_recv().is_err());
}

#[tokio::test]
async fn nobody_follows_a_redirect() {
    let mut elsewhere = Service::start(&["HTTP/1.1 201 Created\r\n\r\n"]).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        elsewhere.endpoint()
    );
    let service = Service::start(&[answer.leak()]).await;
    let outcome = push().send(&subscription(&service.endpoint())).await;
    assert!(
        matches!(outcome, Err(PushError::Redirect(307))),
        "{outcome:?}"
    );
    assert!(elsewhere.received.try_recv().is_err());
}

#[tokio::test]
async fn what_a_service_says_decides_what_becomes_of_it() {
    for (answer, outcome) in [
        ("HTTP/1.1 202 Accepted\r\n\r\n", "Ok(Taken(202))"),
        ("HTTP/1.1 404 Not Found\r\n\r\n", "Ok(Gone(404))"),
        ("HTTP/1.1 410 Gone\r\n\r\n", "Ok(Gone(410))"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", "Err(Refused(403))"),
        ("HTTP/1.1 413 Too Large\r\n\r\n", "Err(Refused(413))"),
        (
            "HTTP/1.1 429 Slow\r\nretry-after: 7\r\n\r\n",
            "Err(Later { status: 429, after: Some(7s) })",
        ),
        (
            "HTTP/1.1 503 Busy\r\n\r\n",
            "Err(Later { status: 503, after: None })",
        ),
        (
            "HTTP/1.1 503 Busy\r\nretry-after: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n",
            "Err(Later { status: 503, after: None })",
        ),
    ] {
        let service = Service::start(&[answer]).await;
        let got = push().send(&subscription(&service.endpoint())).await;
        assert_eq!(format!("{got:?}"), outcome, "{answer}");
    }
    for answer in ["", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 2"] {
        let service = Service::start(&[answer]).await;
        let (push, _) = push_with(Settings {
            patience: Duration::from_millis(200),
            ..settings(&["127.0.0.0/8", "::1"])
        });
        let got = push.send(&subscription(&service.endpoint())).await;
        assert!(got.is_err(), "{answer}");
    }
}

#[tokio::test]
async fn an_answer_without_end_is_given_up_at_its_head() {
    let answer = "HTTP/1.1 201 Created\r\ncontent-length: 1000000000\r\n\r\nxxxx";
    let service = Service::start(&[answer]).await;
    let sent = push().send(&subscription(&service.endpoint())).await;
    assert_eq!(sent.unwrap(), Sent::Taken(201));
    let long = format!(
        "HTTP/1.1 201 Created\r\nx: {}\r\n\r\n",
        "a".repeat(64 << 10)
    );
    let service = Service::start(&[long.leak()]).await;
    assert!(
        push()
            .send(&subscription(&service.endpoint()))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_flood_is_one_push_until_they_came() {
    let mut service = Service::start(&["HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"]).await;
    let (push, pages) = (push(), Pages::of(&[&service.endpoint()]));
    for _ in 0..1000 {
        push.wake(pages.user);
    }
    assert_eq!(push.figures().waiting, 1);
    working(&push, &pages, service.next()).await;
    push.wake(pages.user);
    assert_eq!(push.figures().waiting, 0);
    push.arrived(pages.user);
    push.wake(pages.user);
    working(&push, &pages, service.next()).await;
}

#[tokio::test]
async fn whoever_is_connected_is_not_woken() {
    let mut service = Service::start(&["HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"]).await;
    let away = Pages::of(&[&service.endpoint()]);
    let here = Pages {
        is_here: true,
        ..Pages::of(&[&service.endpoint()])
    };
    let push = push();
    push.wake(here.user);
    working(&push, &here, async {
        while push.figures().waiting > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    push.wake(away.user);
    working(&push, &away, service.next()).await;
    assert!(service.received.try_recv().is_err());
}

#[tokio::test]
async fn what_has_ended_is_forgotten_and_the_other_device_is_woken() {
    let gone = Service::start(&["HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"]).await;
    let mut there = Service::start(&["HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"]).await;
    let pages = Pages::of(&[&gone.endpoint(), &there.endpoint()]);
    let push = push();
    push.wake(pages.user);
    working(&push, &pages, there.next()).await;
    let held: Vec<u8> = pages
        .held
        .lock()
        .unwrap()
        .iter()
        .map(|(tag, _)| *tag)
        .collect();
    assert_eq!((held, push.figures().gone), (vec![1], 1));
}

#[tokio::test]
async fn a_busy_service_is_asked_again_and_a_broken_one_not_for_ever() {
    let busy = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
    let taken = "HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n";
    let mut service = Service::start(&[busy, busy, taken]).await;
    let pages = Pages::of(&[&service.endpoint()]);
    let push = push();
    push.wake(pages.user);
    working(&push, &pages, async {
        for _ in 0..3 {
            service.next().await;
        }
        while push.figures().sent == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!((push.figures().retried, push.figures().failed), (2, 0));

    let mut broken = Service::start(&[busy]).await;
    let pages = Pages::of(&[&broken.endpoint()]);
    let (push, _) = push_with(Settings {
        backoff: Duration::from_millis(1),
        ..settings(&["127.0.0.0/8", "::1"])
    });
    push.wake(pages.user);
    working(&push, &pages, async {
        while push.figures().failed == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let mut attempts = 0;
    while broken.received.try_recv().is_ok() {
        attempts += 1;
    }
    assert_eq!((attempts, push.figures().retried), (5, 4));
    broken.received.close();
}

#[tokio::test]
async fn a_service_that_never_answers_keeps_nobody_else_waiting() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{NAME}:{}/x", silent.local_addr().unwrap().port());
    let mut there = Service::start(&["HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"]).await;
    let push = push();
    let slow = Pages::of(&[&endpoint]);
    let quick = Pages::of(&[&there.endpoint()]);
    let both = Both(&slow, &quick);
    push.wake(slow.user);
    push.wake(quick.user);
    tokio::select! {
        () = push.run(&both) => unreachable!("it never ends"),
        _ = there.next() => {}
    }
}

/// Two books as one.
struct Both<'a>(&'a Pages, &'a Pages);

impl Book for Both<'_> {
    type Tag = u8;

    fn is_connected(&self, _: UserId) -> bool {
        false
    }

    async fn subscriptions(&self, user: UserId) -> Vec<(u8, Subscription)> {
        let page = [self.0, self.1].into_iter().find(|page| page.user == user);
        page.unwrap().subscriptions(user).await
    }

    async fn ended(&self, _: UserId, _: u8) {}
}
