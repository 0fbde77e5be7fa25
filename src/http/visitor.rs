//! Somebody's web side as its visitors see it: the bytes, the headers, a socket that is held.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HOST};
use http::{HeaderMap, Request, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::net::{Scrutiny, Verdict};
use crate::ws::{Held, HoldError};

/// How long a page may take, from the look-up of the name to its last byte.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest page that is read.
const LONGEST: usize = 8 << 20;

/// A page as it came.
#[derive(Debug, Clone)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The bytes.
    pub body: Bytes,
    /// What clients think of the certificate; none: there was no TLS.
    pub verdict: Option<Verdict>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VisitError {
    /// What is to be visited has no host, or a scheme that isn't the web's.
    #[error("expected http://… or https://…; got {0}")]
    Address(String),
    /// Nobody is there.
    #[error("can't connect: {0}")]
    Connect(io::Error),
    /// What is there speaks something else.
    #[error("no HTTP comes back: {0}")]
    Foreign(String),
    /// Nothing comes, or too slowly.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// The socket didn't hold.
    #[error(transparent)]
    Hold(#[from] HoldError),
}

/// Visits web sides.
#[derive(Debug, Clone)]
pub struct Visitor {
    scrutiny: Scrutiny,
}

/// A connection, encrypted or not.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

impl Default for Visitor {
    fn default() -> Self {
        Self {
            scrutiny: Scrutiny::new(None),
        }
    }
}

impl Visitor {
    /// The page at `url`.
    pub async fn get(&self, url: &str) -> Result<Page, VisitError> {
        let page = timeout(PATIENCE, self.fetch(url)).await;
        page.map_err(|_| VisitError::Silent)?
    }

    /// Holds a WebSocket of the web side `base` for `span`, let in by `pass`.
    pub async fn hold(&self, base: &str, pass: &str, span: Duration) -> Result<Held, VisitError> {
        let base = base.trim_end_matches('/');
        let place = Place::of(&format!("{base}/ws"))?;
        let connected = timeout(PATIENCE, self.connect(&place)).await;
        let (stream, _) = connected.map_err(|_| VisitError::Silent)??;
        let scheme = if place.is_encrypted { "wss" } else { "ws" };
        let url = format!("{scheme}://{}{}", place.authority, place.path);
        Ok(crate::ws::hold(stream, &url, pass, span).await?)
    }

    async fn fetch(&self, url: &str) -> Result<Page, VisitError> {
        let place = Place::of(url)?;
        let (stream, verdict) = self.connect(&place).await?;
        let foreign = |error: &dyn fmt::Display| VisitError::Foreign(error.to_string());
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| foreign(&error))?;
        let request = Request::get(&place.path)
            .header(HOST, &place.authority)
            .header(ACCEPT_ENCODING, "identity")
            .body(Empty::<Bytes>::new())
            .map_err(|error| foreign(&error))?;
        let talk = async {
            let response = sender.send_request(request).await;
            let (head, body) = response.map_err(|error| foreign(&error))?.into_parts();
            let body = Limited::new(body, LONGEST).collect().await;
            Ok(Page {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.map_err(|error| foreign(&error))?.to_bytes(),
                verdict,
            })
        };
        tokio::pin!(talk, connection);
        tokio::select! {
            biased;
            page = talk.as_mut() => page,
            // The connection may end a moment before its last answer is taken out.
            _ = connection => talk.await,
        }
    }

    async fn connect(&self, place: &Place) -> Result<(Box<dyn Wire>, Option<Verdict>), VisitError> {
        let stream = TcpStream::connect((place.host.as_str(), place.port))
            .await
            .map_err(VisitError::Connect)?;
        stream.set_nodelay(true).map_err(VisitError::Connect)?;
        if !place.is_encrypted {
            return Ok((Box::new(stream), None));
        }
        let shaken = self.scrutiny.connect(stream, &place.host).await;
        let (stream, verdict) = shaken.map_err(VisitError::Connect)?;
        Ok((Box::new(stream), Some(verdict)))
    }
}

/// What a URL says, taken apart.
struct Place {
    is_encrypted: bool,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Place {
    fn of(url: &str) -> Result<Self, VisitError> {
        let wrong = || VisitError::Address(url.to_owned());
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let is_encrypted = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        let host = authority.host().trim_matches(['[', ']']);
        Ok(Self {
            is_encrypted,
            host: host.to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if is_encrypted { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri
                .path_and_query()
                .map_or("/", |path| path.as_str())
                .to_owned(),
        })
    }
}
