//! The commands' end of the admin socket.
//!
//! There are several ways of not getting through, and each has its own sentence and its own fix:
//! whoever reads one knows what to do next.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::base::Trouble;
use crate::wire::admin::{Refused, VERSION, VERSION_HEADER};

/// The longest answer that is read, bytes.
const LONGEST_ANSWER: usize = 64 << 20;

/// How long the daemon may take to answer, unless more is granted.
const PATIENCE: Duration = Duration::from_secs(40);

/// Why the daemon could not be asked, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// There is no such file.
    #[error("the daemon is not running: there is no {}", .0.display())]
    Missing(PathBuf),
    /// The system lets this user neither see nor use it.
    #[error("this user may not use {}", path.display())]
    Denied {
        /// The socket.
        path: PathBuf,
        /// The group that may use it, if it can be told.
        group: Option<u32>,
    },
    /// Nobody listens there.
    #[error("no daemon listens at {}: it ended without removing it", .0.display())]
    Stale(PathBuf),
    /// The system refuses for another reason.
    #[error("can't connect to {}: {source}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What answers is something else.
    #[error("what answers at {} is not privcomm", .0.display())]
    Foreign(PathBuf),
    /// Nothing comes back.
    #[error("the daemon at {} does not answer", .0.display())]
    Silent(PathBuf),
    /// It is of another version, and the two don't understand each other.
    #[error("this is privcomm {VERSION}, and the daemon is {daemon}: it doesn't know this command")]
    Version {
        /// The daemon's version.
        daemon: String,
    },
    /// The daemon says no.
    #[error("{}", .0.problem.detail)]
    Refused(Box<Refused>),
}

impl ClientError {
    /// What this is in the catalogue.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Missing(_) => Trouble::NoDaemon,
            Self::Denied { .. } => Trouble::SocketDenied,
            Self::Stale(_) => Trouble::SocketStale,
            Self::Connect { .. } | Self::Foreign(_) => Trouble::SocketForeign,
            Self::Silent(_) => Trouble::SocketSilent,
            Self::Version { .. } => Trouble::VersionDiffers,
            Self::Refused(refused) => refused.trouble,
        }
    }

    /// The way out, where more is known than the catalogue says.
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Denied {
                group: Some(group), ..
            } if *group != 0 => {
                let group = group_name(*group).unwrap_or_else(|| group.to_string());
                Some(format!(
                    "run it with sudo, or join the group: sudo usermod -aG {group} \"$USER\", then log \
                     in again"
                ))
            }
            Self::Denied { .. } => Some("run it with sudo".to_owned()),
            _ => None,
        }
    }
}

/// A way to ask the daemon. One connection for each question: there are few, and the daemon may
/// restart in between.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
    patience: Duration,
}

/// What came back, and from which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub body: T,
    /// The daemon's version.
    pub version: String,
}

impl Client {
    /// A client of the daemon whose admin socket is `path`. Connects to nothing yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            patience: PATIENCE,
        }
    }

    /// The same, for something that takes longer.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Asks for what is at `path`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>, ClientError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// Has something done or made.
    pub async fn post<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<Answer<T>, ClientError> {
        self.send(Method::POST, path, body).await
    }

    /// Asks by any method, with a body.
    pub async fn send<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &B,
    ) -> Result<Answer<T>, ClientError> {
        #[expect(clippy::expect_used, reason = "no map has a key that isn't a string")]
        let body = serde_json::to_vec(body).expect("every body is JSON");
        self.ask(method, path, body.into()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Answer<T>, ClientError> {
        let exchange = self.exchange(method, path, body);
        let (status, headers, body) = tokio::time::timeout(self.patience, exchange)
            .await
            .map_err(|_| ClientError::Silent(self.path.clone()))??;
        let version = headers
            .get(VERSION_HEADER)
            .and_then(|version| version.to_str().ok())
            .ok_or_else(|| ClientError::Foreign(self.path.clone()))?
            .to_owned();
        self.read(status, &body, version)
    }

    fn read<T: DeserializeOwned>(
        &self,
        status: StatusCode,
        body: &[u8],
        version: String,
    ) -> Result<Answer<T>, ClientError> {
        let misunderstood = |version: String| {
            if version == VERSION {
                ClientError::Foreign(self.path.clone())
            } else {
                ClientError::Version { daemon: version }
            }
        };
        if status.is_success() {
            // An answer without a body is that of a `T` that needs none.
            let body = if body.is_empty() { b"null" } else { body };
            return match serde_json::from_slice(body) {
                Ok(body) => Ok(Answer { body, version }),
                Err(_) => Err(misunderstood(version)),
            };
        }
        match serde_json::from_slice::<Refused>(body) {
            Ok(refused) if version == VERSION || refused.trouble != Trouble::NotUnderstood => {
                Err(ClientError::Refused(Box::new(refused)))
            }
            _ => Err(misunderstood(version)),
        }
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap, Bytes), ClientError> {
        let foreign = || ClientError::Foreign(self.path.clone());
        let stream = UnixStream::connect(&self.path)
            .await
            .map_err(|error| self.explain(error))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| foreign())?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "privcomm")
            .header(VERSION_HEADER, VERSION);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body)).map_err(|_| foreign())?;
        let talk = async {
            let response = sender.send_request(request).await.map_err(|_| foreign())?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, LONGEST_ANSWER).collect().await;
            let body = body.map_err(|_| foreign())?.to_bytes();
            Ok((head.status, head.headers, body))
        };
        tokio::pin!(talk, connection);
        tokio::select! {
            biased;
            outcome = talk.as_mut() => outcome,
            // The connection may end a moment before its last answer is taken out.
            _ = connection => talk.await,
        }
    }

    fn explain(&self, error: io::Error) -> ClientError {
        let path = self.path.clone();
        match error.kind() {
            io::ErrorKind::NotFound => ClientError::Missing(path),
            io::ErrorKind::PermissionDenied => ClientError::Denied {
                group: group_of(&path),
                path,
            },
            io::ErrorKind::ConnectionRefused => ClientError::Stale(path),
            _ => ClientError::Connect {
                path,
                source: error,
            },
        }
    }
}

/// The group that a socket belongs to; where the directory hides it, that of the directory.
fn group_of(socket: &Path) -> Option<u32> {
    let seen = fs::metadata(socket).or_else(|error| match socket.parent() {
        Some(directory) => fs::metadata(directory),
        None => Err(error),
    });
    seen.ok().map(|file| file.gid())
}

/// The name of a group, as `/etc/group` has it.
fn group_name(group: u32) -> Option<String> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let number: u32 = fields.nth(1)?.parse().ok()?;
        (number == group).then(|| name.to_owned())
    })
}
