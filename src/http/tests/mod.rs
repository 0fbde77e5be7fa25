//! The server over real sockets, with a small site of its own behind it.

mod bodies;
mod garbage;
mod headers;
mod lifetime;
mod logging;
mod routing;
mod sockets;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::call::Call;
use super::connection::{self, Manners};
use super::guard::Guard;
use super::handshake::Handshake;
use super::refusal::Refusal;
use super::reply::{self, Response};
use super::route::{BodyLimit, Route, Site, at_once};
use super::router::Router;
use super::server::Server;
use crate::base::task::Tasks;
use crate::config::{Limits, ListenAddress};
use crate::net::{Capacity, Listener, TrustedProxies};
use crate::wire::Problem;

/// A site that opens to one word, and holds requests at a gate.
struct Cave {
    gate: Semaphore,
    arrived: Semaphore,
    tasks: Tasks,
}

impl Site for Cave {
    type Member = &'static str;

    async fn authenticate(&self, token: &str) -> Result<&'static str, Refusal> {
        (token == "sesame").then_some("ali").ok_or(Refusal::NoToken)
    }
}

fn routes() -> Vec<Route<Cave>> {
    vec![
        Route::open(Method::GET, "/who", |call| at_once(Ok(who(&call)))),
        Route::open(Method::POST, "/echo", |call| Box::pin(echo(call))),
        Route::open(Method::PUT, "/echo", |call| Box::pin(echo(call)))
            .takes::<Problem>(BodyLimit::Register),
        Route::open(Method::GET, "/items/{id}", |call| at_once(item(&call))),
        Route::open(Method::GET, "/gate", |call| Box::pin(gate(call))),
        Route::open(Method::GET, "/panic", |_| {
            Box::pin(async { panic!("on purpose") })
        }),
        Route::open(Method::GET, "/socket", |mut call| {
            at_once(socket(&mut call))
        }),
        Route::member(Method::GET, "/member", |member, _| {
            Box::pin(async move { Ok(reply::ok(&member)) })
        }),
    ]
}

fn who(call: &Call<Cave>) -> Response {
    let address = match call.arrival.remote {
        crate::net::Remote::Address(ip) => ip.to_string(),
        crate::net::Remote::Local => "local".to_owned(),
    };
    reply::ok(&address)
}

async fn echo(call: Call<Cave>) -> Result<Response, Refusal> {
    Ok(reply::ok(&call.json::<Value>().await?))
}

fn item(call: &Call<Cave>) -> Result<Response, Refusal> {
    let id: u32 = call.parameter("id", "expected a number")?;
    Ok(reply::ok(&id))
}

async fn gate(call: Call<Cave>) -> Result<Response, Refusal> {
    call.site.arrived.add_permits(1);
    call.site.gate.acquire().await.unwrap().forget();
    Ok(reply::no_content())
}

/// Shouts back whatever comes after the upgrade.
fn socket(call: &mut Call<Cave>) -> Result<Response, Refusal> {
    let handshake = Handshake::read(call.version(), call.headers())?;
    let (upgrade, permit) = (call.upgrade(), call.arrival.permit.clone());
    call.site.tasks.spawn("shout", async move {
        let (mut stream, leftover) = connection::take_over(upgrade).await.unwrap();
        let _ = stream.write_all(&leftover).await;
        let (mut reader, mut writer) = tokio::io::split(stream);
        let _ = tokio::io::copy(&mut reader, &mut writer).await;
        drop(permit);
    });
    Ok(handshake.response())
}

/// A running server and what the tests need to know about it.
struct Rig {
    server: Server,
    site: Arc<Cave>,
    address: SocketAddr,
}

/// Limits that tests can reach: 40 bytes of body, 80 in a registration.
fn limits() -> Limits {
    Limits {
        body: 40,
        register_body: 80,
        header_bytes: 4096,
        header_fields: 8,
        ..Limits::default()
    }
}

/// A server of the cave at `address`.
fn serve(address: &ListenAddress, limits: &Limits, connections: usize) -> (Server, Arc<Cave>) {
    let tasks = Tasks::default();
    let cave = Cave {
        gate: Semaphore::new(0),
        arrived: Semaphore::new(0),
        tasks: tasks.child(),
    };
    let router = Router::new(cave, routes(), limits).unwrap();
    let site = router.site().clone();
    let origins = vec![HeaderValue::from_static("https://app.example.net")];
    let proxies = TrustedProxies::parse(&["127.0.0.1"]).unwrap();
    let guard = Guard::new(router, proxies, origins, Duration::from_mins(1));
    let listeners = vec![Listener::bind(address).unwrap()];
    let capacity = Capacity::new(connections, connections);
    let server = Server::start(listeners, &guard, Manners::new(limits), &capacity, tasks);
    (server, site)
}

impl Rig {
    async fn start() -> Self {
        Self::with(limits(), 100).await
    }

    #[expect(clippy::unused_async, reason = "needs a runtime")]
    async fn with(limits: Limits, connections: usize) -> Self {
        let loopback = ListenAddress::Tcp(([127, 0, 0, 1], 0).into());
        let (server, site) = serve(&loopback, &limits, connections);
        let ListenAddress::Tcp(address) = server.addresses()[0] else {
            panic!("expected TCP");
        };
        Self {
            server,
            site,
            address,
        }
    }

    async fn connect(&self) -> Client {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let unread = Vec::new();
        Client { stream, unread }
    }

    /// The answer to one request on a connection of its own.
    async fn ask(&self, request: impl AsRef<[u8]>) -> Reply {
        let mut client = self.connect().await;
        client.send(request).await;
        client.reply().await
    }

    /// A request with a JSON body.
    async fn post(&self, path: &str, body: &str) -> Reply {
        self.ask(json_request("POST", path, body)).await
    }
}

fn json_request(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n")
}

/// A client that writes bytes and reads replies.
struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// One reply.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn more(&mut self) -> bool {
        self.stream.read_buf(&mut self.unread).await.unwrap_or(0) > 0
    }

    /// The next reply, which must come.
    async fn reply(&mut self) -> Reply {
        let (status, headers) = self.head().await;
        let length = headers.get("content-length");
        let length = length.map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        while self.unread.len() < length {
            assert!(self.more().await, "the body ends too soon");
        }
        let body = self.unread.drain(..length).collect();
        Reply {
            status,
            headers,
            body,
        }
    }

    /// The next head, without a body.
    async fn head(&mut self) -> (StatusCode, HeaderMap) {
        let end = loop {
            let found = self.unread.windows(4).position(|end| end == b"\r\n\r\n");
            match found {
                Some(at) => break at + 4,
                None => assert!(self.more().await, "the head ends too soon"),
            }
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            (name, HeaderValue::from_str(value).unwrap())
        };
        (status.parse().unwrap(), lines.map(field).collect())
    }

    /// Waits for the end of the connection; nothing may come before it.
    async fn ends(&mut self) {
        assert!(
            !self.more().await,
            "expected the end, got {:?}",
            self.unread
        );
    }
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that this is a whole problem with this code.
    #[track_caller]
    fn is_problem(&self, code: &str) {
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(
            problem["request_id"],
            self.headers["x-request-id"].to_str().unwrap()
        );
        self.is_dressed();
    }

    /// Checks what every answer carries.
    #[track_caller]
    fn is_dressed(&self) {
        assert!(!self.headers["x-request-id"].is_empty());
        assert_eq!(self.headers["cache-control"], "no-store");
        assert_eq!(self.headers["x-content-type-options"], "nosniff");
    }
}
