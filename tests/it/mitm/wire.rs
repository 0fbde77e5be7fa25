//! The wire, in an attacker's hands: what clients take for the daemon is a proxy with the real daemon
//! behind it. Every request, answer and frame passes through schemes that a test sets.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, client, header, server};
use hyper_util::rt::TokioIo;
use privcomm::base::UserId;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::server as upgrade;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, client_async};

use crate::rig::{Appliance, Place, Setup, soon};

/// How many frames a watcher may be behind.
const BACKLOG: usize = 1024;

/// What becomes of a frame on its way: itself, another one, several, or none.
type FrameScheme = Box<dyn FnMut(&Passing, Value) -> Vec<Value> + Send>;
/// What becomes of an answer's body, by the path that was asked for.
type AnswerScheme = Box<dyn FnMut(&str, &mut Value) + Send>;

/// A daemon with an attacker before it.
pub(super) struct Wire {
    place: Place,
    attacker: Arc<Attacker>,
    cut: watch::Sender<()>,
    daemon: Appliance,
    /// Ends the proxy when it is dropped.
    _relaying: JoinSet<()>,
}

/// Where a frame comes from and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Passing {
    /// Whose socket it is.
    pub(super) user: String,
    pub(super) direction: Direction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the daemon to the client.
    Down,
    /// From the client to the daemon.
    Up,
}

impl Wire {
    /// A daemon, and an attacker who passes everything on for now.
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = Place::new(listener.local_addr().unwrap());
        // Clients sign the origin that they connect to, which is the attacker's.
        let setup = Setup::lenient()
            .set(format!("server.public_url={}", place.origin()))
            .set("registration.mode=open");
        let daemon = setup.start().await;
        let attacker = Arc::new(Attacker {
            schemes: Mutex::default(),
            passing: broadcast::Sender::new(BACKLOG),
            sockets: Mutex::default(),
        });
        let (cut, watched) = watch::channel(());
        let mut relaying = JoinSet::new();
        relaying.spawn(accept(listener, daemon.place(), attacker.clone(), watched));
        Self {
            place,
            attacker,
            cut,
            daemon,
            _relaying: relaying,
        }
    }

    /// Where clients connect to.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// The daemon behind the attacker.
    pub(super) fn daemon(&self) -> &Appliance {
        &self.daemon
    }

    /// From now on every frame goes through `scheme`.
    pub(super) fn tamper(
        &self,
        scheme: impl FnMut(&Passing, Value) -> Vec<Value> + Send + 'static,
    ) {
        self.attacker.schemes.lock().unwrap().frames = Some(Box::new(scheme));
    }

    /// From now on the body of every answer to a `GET` goes through `scheme`.
    pub(super) fn swap(&self, scheme: impl FnMut(&str, &mut Value) + Send + 'static) {
        self.attacker.schemes.lock().unwrap().answers = Some(Box::new(scheme));
    }

    /// From now on every bundle goes through `scheme`.
    pub(super) fn swap_bundles(&self, mut scheme: impl FnMut(&mut Value) + Send + 'static) {
        self.swap(move |path, body| {
            if path.starts_with("/api/v1/keys/") && path != "/api/v1/keys/count" {
                scheme(body);
            }
        });
    }

    /// The attacker gives up: everything is passed on as it is.
    pub(super) fn give_up(&self) {
        *self.attacker.schemes.lock().unwrap() = Schemes::default();
    }

    /// Hands a frame to a client as if the daemon had said it. The client's socket must stand.
    pub(super) fn hand(&self, user: &str, frame: Value) {
        let sockets = self.attacker.sockets.lock().unwrap();
        sockets.get(user).unwrap().send(frame).unwrap();
    }

    /// Watches what passes from now on, before any scheme touches it.
    pub(super) fn watch(&self) -> Watcher {
        Watcher(self.attacker.passing.subscribe())
    }

    /// Breaks every socket that stands. Clients come back by themselves.
    pub(super) fn cut(&self) {
        self.cut.send_replace(());
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire(…)")
    }
}

/// Sees what passes.
#[derive(Debug)]
pub(super) struct Watcher(broadcast::Receiver<(Passing, Value)>);

impl Watcher {
    /// Waits until such a frame has passed.
    pub(super) async fn until(&mut self, what: &str, is_meant: impl Fn(&Passing, &Value) -> bool) {
        soon(what, async {
            loop {
                let (passing, frame) = self.0.recv().await.unwrap();
                if is_meant(&passing, &frame) {
                    return;
                }
            }
        })
        .await;
    }

    /// Waits until this user has acknowledged something.
    pub(super) async fn until_acked_by(&mut self, user: UserId) {
        let user = user.to_string();
        let is_ack = |passing: &Passing, frame: &Value| {
            let theirs = passing.direction == Direction::Up && passing.user == user;
            theirs && frame["type"] == "ack"
        };
        self.until("an acknowledgement", is_ack).await;
    }
}

#[derive(Default)]
struct Schemes {
    frames: Option<FrameScheme>,
    answers: Option<AnswerScheme>,
}

struct Attacker {
    schemes: Mutex<Schemes>,
    passing: broadcast::Sender<(Passing, Value)>,
    /// Where frames can be put in, by user.
    sockets: Mutex<HashMap<String, mpsc::UnboundedSender<Value>>>,
}

impl Attacker {
    fn frames(&self, passing: &Passing, frame: Value) -> Vec<Value> {
        // Mostly nobody watches.
        let _ = self.passing.send((passing.clone(), frame.clone()));
        match &mut self.schemes.lock().unwrap().frames {
            Some(scheme) => scheme(passing, frame),
            None => vec![frame],
        }
    }

    /// Where frames for this user can be put in from now on.
    fn finds(&self, user: &str, hand: &mpsc::UnboundedSender<Value>) {
        let mut sockets = self.sockets.lock().unwrap();
        sockets.insert(user.to_owned(), hand.clone());
    }

    fn answer(&self, path: &str, body: Bytes) -> Bytes {
        match &mut self.schemes.lock().unwrap().answers {
            Some(scheme) => {
                let mut answer = serde_json::from_slice(&body).unwrap();
                scheme(path, &mut answer);
                answer.to_string().into()
            }
            None => body,
        }
    }
}

async fn accept(
    listener: TcpListener,
    daemon: Place,
    attacker: Arc<Attacker>,
    cut: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (attacker, mut cut) = (attacker.clone(), cut.clone());
        cut.mark_unchanged();
        connections.spawn(async move {
            if asks_for_a_socket(&stream).await {
                tokio::select! {
                    () = relay_socket(stream, daemon, &attacker) => {}
                    _ = cut.changed() => {}
                }
            } else {
                relay_requests(stream, daemon, &attacker).await;
            }
        });
    }
}

/// Looks at the first bytes and leaves them where they are.
async fn asks_for_a_socket(stream: &TcpStream) -> bool {
    const SOCKET: &[u8] = b"GET /ws";
    let mut start = [0; SOCKET.len()];
    loop {
        match stream.peek(&mut start).await {
            Ok(count) if count == SOCKET.len() || !SOCKET.starts_with(&start[..count]) => {
                return start == SOCKET;
            }
            Ok(1..) => tokio::task::yield_now().await,
            Ok(0) | Err(_) => return false,
        }
    }
}

async fn relay_requests(stream: TcpStream, daemon: Place, attacker: &Arc<Attacker>) {
    let relay = service_fn(|request| {
        let attacker = attacker.clone();
        async move { Ok::<_, Infallible>(relay_request(request, daemon, &attacker).await) }
    });
    // A client that goes away in the middle is its own affair.
    let _ = server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), relay)
        .await;
}

async fn relay_request(
    request: Request<Incoming>,
    daemon: Place,
    attacker: &Attacker,
) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let is_read = request.method() == "GET";
    let (head, body) = request.into_parts();
    let body = Full::new(body.collect().await.unwrap().to_bytes());
    let stream = daemon.dial().await.unwrap();
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let (answer, _) = tokio::join!(
        async {
            let answer = sender.send_request(Request::from_parts(head, body)).await;
            let (head, body) = answer.unwrap().into_parts();
            drop(sender);
            (head, body.collect().await.unwrap().to_bytes())
        },
        connection
    );
    let (mut head, mut body) = answer;
    if is_read && head.status == 200 {
        body = attacker.answer(&path, body);
        head.headers.remove(header::CONTENT_LENGTH);
    }
    Response::from_parts(head, Full::new(body))
}

/// One client's socket and the daemon's end of it; none where either doesn't come about.
async fn relay_socket(stream: TcpStream, daemon: Place, attacker: &Attacker) {
    let Some((client, asked)) = take_socket(stream).await else {
        return;
    };
    let Ok((daemon, _)) = client_async(asked.of(daemon), daemon.dial().await.unwrap()).await else {
        return;
    };
    let (hand, mut handed) = mpsc::unbounded_channel();
    let (mut to_client, mut from_client) = client.split();
    let (mut to_daemon, mut from_daemon) = daemon.split();
    let mut user = String::new();
    loop {
        let (direction, message) = tokio::select! {
            message = from_daemon.next() => (Direction::Down, message),
            message = from_client.next() => (Direction::Up, message),
            Some(frame) = handed.recv() => {
                let frame: Value = frame;
                if to_client.send(Message::text(frame.to_string())).await.is_err() {
                    return;
                }
                continue;
            }
        };
        let passed = match message {
            Some(Ok(Message::Text(text))) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                if frame["type"] == "ready" {
                    frame["user_id"].as_str().unwrap().clone_into(&mut user);
                    attacker.finds(&user, &hand);
                }
                let user = user.clone();
                let frames = attacker.frames(&Passing { user, direction }, frame);
                let text = |frame: Value| Message::text(frame.to_string());
                frames.into_iter().map(text).collect()
            }
            // Answered by each end for itself.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Vec::new(),
            Some(Ok(other)) => vec![other],
            Some(Err(_)) | None => return,
        };
        for message in passed {
            let sent = match direction {
                Direction::Down => to_client.send(message).await,
                Direction::Up => to_daemon.send(message).await,
            };
            if sent.is_err() {
                return;
            }
        }
    }
}

/// What a client asked for with its socket.
struct Asked {
    path: String,
    headers: HeaderMap,
}

impl Asked {
    /// The same, of the daemon.
    fn of(&self, daemon: Place) -> upgrade::Request {
        let url = format!("ws://{}{}", daemon.address(), self.path);
        let mut request = url.into_client_request().unwrap();
        for name in [
            header::AUTHORIZATION,
            header::ORIGIN,
            header::SEC_WEBSOCKET_PROTOCOL,
        ] {
            if let Some(value) = self.headers.get(&name) {
                request.headers_mut().insert(name, value.clone());
            }
        }
        request
    }
}

async fn take_socket(stream: TcpStream) -> Option<(WebSocketStream<TcpStream>, Asked)> {
    let mut asked = None;
    #[expect(clippy::result_large_err, reason = "tungstenite's type for a refusal")]
    let note = |request: &upgrade::Request, mut answer: upgrade::Response| {
        let headers = request.headers().clone();
        // The one subprotocol that a client of today offers is the one that the daemon takes.
        if let Some(protocol) = headers.get(header::SEC_WEBSOCKET_PROTOCOL) {
            let name = header::SEC_WEBSOCKET_PROTOCOL;
            answer.headers_mut().insert(name, protocol.clone());
        }
        let path = request.uri().to_string();
        asked = Some(Asked { path, headers });
        Ok(answer)
    };
    let client = accept_hdr_async(stream, note).await.ok()?;
    Some((client, asked?))
}
