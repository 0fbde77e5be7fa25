//! One request to a push service (RFC 8030 §5): without content, for as long as messages are kept,
//! and in the place of one that still waits.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, RETRY_AFTER};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};

use super::endpoint::Endpoint;
use super::error::PushError;
use super::reach::Reach;
use super::vapid::VapidKey;
use crate::base::Timestamp;

/// Addresses of a name that are tried.
const MOST_ADDRESSES: usize = 4;
/// How long one of them may take to answer at all.
const DIALLING: Duration = Duration::from_secs(5);
/// Bytes of an answer's head that are read; its body isn't.
const HEAD: usize = 16 << 10;

/// What kind of service an endpoint belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// A browser's (RFC 8030).
    WebPush,
    /// A distributor's, such as ntfy: it wants content, so it gets one byte of it.
    UnifiedPush,
}

/// Where a device is woken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// What kind of service it is.
    pub platform: Platform,
    /// Where.
    pub endpoint: Endpoint,
}

/// What a service did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It took the push, with this status.
    Taken(u16),
    /// It knows no such subscription (any more), as this status says: it is to be forgotten.
    Gone(u16),
}

/// A connection that is encrypted.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Encrypts connections, and believes only whom this machine trusts.
#[async_trait]
pub trait Secure: fmt::Debug + Send + Sync {
    /// Shakes hands with somebody who must be `name`.
    async fn secure(&self, stream: TcpStream, name: &str) -> io::Result<Box<dyn Connection>>;
}

/// What a request says beside where it goes.
pub(super) struct Say<'a> {
    pub(super) key: &'a VapidKey,
    /// Who is responsible (RFC 8292 §2.1), as an https URL.
    pub(super) subject: Option<&'a str>,
    /// How long the service should keep what it can't deliver.
    pub(super) ttl: Duration,
    pub(super) now: Timestamp,
}

/// Wakes one device, by one request.
pub(super) async fn send(
    subscription: &Subscription,
    say: Say<'_>,
    reach: &Reach,
    tls: &dyn Secure,
) -> Result<Sent, PushError> {
    let endpoint = &subscription.endpoint;
    reach.check(endpoint)?;
    let stream = dial(endpoint, reach).await?;
    let stream = tls.secure(stream, endpoint.host()).await;
    let stream = stream.map_err(PushError::Tls)?;
    let request = request(subscription, &say).ok_or(PushError::Unsigned)?;
    let foreign = |error: hyper::Error| PushError::Foreign(error.to_string());
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(foreign)?;
    // The connection ends with the answer's head: whatever else comes is nobody's business.
    let mut answer = std::pin::pin!(sender.send_request(request));
    let answer = tokio::select! {
        answer = &mut answer => answer,
        // It may have answered before it ended.
        _ended = connection => answer.await,
    };
    let answer = answer.map_err(foreign)?;
    judge(answer.status(), answer.headers())
}

/// A connection to one of the addresses that the endpoint's name has now and that may be asked. The
/// address that was judged is the one that is dialled.
async fn dial(endpoint: &Endpoint, reach: &Reach) -> Result<TcpStream, PushError> {
    let found = match endpoint.address() {
        Some(address) => vec![SocketAddr::new(address, endpoint.port())],
        None => lookup_host((endpoint.host(), endpoint.port()))
            .await
            .map_err(PushError::Name)?
            .collect(),
    };
    let admitted = found.into_iter().filter(|it| reach.admits(it.ip()));
    let mut outcome = Err(PushError::Inside);
    for address in admitted.take(MOST_ADDRESSES) {
        outcome = match tokio::time::timeout(DIALLING, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => Err(PushError::Connect(error)),
            Err(_elapsed) => Err(PushError::Silent),
        };
    }
    outcome
}

fn request(subscription: &Subscription, say: &Say<'_>) -> Option<Request<Full<Bytes>>> {
    let endpoint = &subscription.endpoint;
    let body: &'static [u8] = match subscription.platform {
        Platform::WebPush => b"",
        Platform::UnifiedPush => b"1",
    };
    let authorization = say
        .key
        .authorization(&endpoint.origin(), say.subject, say.now)?;
    Request::post(endpoint.path())
        .header(HOST, endpoint.authority())
        .header(AUTHORIZATION, authorization)
        .header("ttl", say.ttl.as_secs())
        .header("urgency", "high")
        .header("topic", "messages")
        .header(CONTENT_LENGTH, body.len())
        .body(Full::new(Bytes::from_static(body)))
        .ok()
}

fn judge(status: StatusCode, headers: &HeaderMap) -> Result<Sent, PushError> {
    let number = status.as_u16();
    match number {
        200..=299 => Ok(Sent::Taken(number)),
        404 | 410 => Ok(Sent::Gone(number)),
        300..=399 => Err(PushError::Redirect(number)),
        408 | 425 | 429 | 500..=599 => Err(PushError::Later {
            status: number,
            after: retry_after(headers),
        }),
        _ => Err(PushError::Refused(number)),
    }
}

/// Seconds only: a date is for clocks that agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}
