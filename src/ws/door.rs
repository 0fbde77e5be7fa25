//! Where upgraded connections come in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::actor;
use super::dialect::Dialect;
use super::figures::{Counters, Figures, Standing};
use super::transport::Transport;
use crate::base::UserId;
use crate::base::task::Tasks;
use crate::config::Limits;
use crate::messenger::{Knock, Member, Messenger};
use crate::ratelimit::Quota;

/// Bytes that may come with a message beside its text: the heads of its pieces, and pings between
/// them.
const AROUND_A_MESSAGE: usize = 64 * 1024;

/// How a client authenticates its socket (PROTOCOL.md §3).
#[derive(Debug)]
pub enum Credential {
    /// By the `Authorization` header, which was checked before the upgrade.
    Header(Member),
    /// By `?token=`.
    Query(String),
    /// By its first frame.
    FirstFrame,
}

/// What a client asked for when it connected.
#[derive(Debug)]
pub struct Opening {
    /// How it authenticates.
    pub credential: Credential,
    /// The user that the path named, who must be the token's.
    pub named_user: Option<UserId>,
    /// Its place in the waiting room, until it has authenticated.
    pub knock: Option<Knock>,
    /// What it asked to speak, where it asked.
    pub dialect: Option<Dialect>,
}

/// The times and sizes of every session.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Largest frame and message, bytes.
    pub frame_bytes: usize,
    /// Frames a client may send.
    pub frames: Quota,
    /// How long a client may take to authenticate.
    pub auth_timeout: Duration,
    /// How often a client is pinged.
    pub heartbeat: Duration,
}

impl From<&Limits> for Pace {
    fn from(limits: &Limits) -> Self {
        Self {
            frame_bytes: limits.frame_bytes,
            frames: Quota::new(limits.frames, limits.frames_burst),
            auth_timeout: limits.auth_timeout,
            heartbeat: limits.heartbeat,
        }
    }
}

/// Takes upgraded connections in. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    pub(super) messenger: Messenger,
    pub(super) pace: Pace,
    pub(super) tasks: Tasks,
    pub(super) counters: Arc<Counters>,
}

impl Door {
    /// A door to `messenger`; its actors are among `tasks` and end when those are told to stop.
    pub fn new(messenger: Messenger, pace: Pace, tasks: Tasks) -> Self {
        Self {
            messenger,
            pace,
            tasks,
            counters: Arc::default(),
        }
    }

    /// What all sockets counted so far.
    pub fn figures(&self) -> Figures {
        self.counters.read()
    }

    /// The same door at another pace, for those who come in from now on.
    pub fn paced(&self, pace: Pace) -> Self {
        Self {
            pace,
            ..self.clone()
        }
    }

    /// Runs the session of a connection that has switched to WebSocket. `leftover` was read from
    /// it already; `permit` is held as long as the connection stands.
    pub fn spawn<S>(
        &self,
        stream: S,
        leftover: Bytes,
        opening: Opening,
        permit: impl Send + 'static,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let door = self.clone();
        let most = self.pace.frame_bytes.saturating_add(AROUND_A_MESSAGE);
        let transport = Transport::new(stream, &leftover, most);
        drop(leftover);
        self.tasks.spawn_guest("websocket", async move {
            let standing = Standing::begin(door.counters.clone());
            actor::run(&door, transport, opening, standing).await;
            drop(permit);
        });
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}
