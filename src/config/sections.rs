//! The sections of the configuration: one struct per room, each with its defaults.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

const MIB: u64 = 1 << 20;

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// Web, API and WebSocket.
    pub server: Server,
    /// Who may make an account.
    pub registration: Registration,
    /// Tokens.
    pub auth: Auth,
    /// Every limit of PROTOCOL.md §4 and §9.
    pub limits: Limits,
    /// Store and forward.
    pub messages: Messages,
    /// Call signaling.
    pub calls: Calls,
    /// The media relay.
    pub turn: Turn,
    /// The database.
    pub store: Store,
    /// Logs.
    pub telemetry: Telemetry,
}

/// Where the HTTP side listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP address; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A Unix socket, written `unix:/path`.
    Unix(PathBuf),
}

/// `[server]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The origin that clients sign (PROTOCOL.md §3); none: the daemon's own loopback origins.
    pub public_url: Option<String>,
    /// Addresses of the HTTP side.
    pub listen: Vec<ListenAddress>,
    /// Peers whose `CF-Connecting-IP` or `X-Forwarded-For` is believed, as addresses or networks
    /// in CIDR form; a Unix-socket peer always is.
    pub trusted_proxies: Vec<String>,
    /// Other origins whose pages may call the API.
    pub cors_origins: Vec<String>,
    /// Connections at once, of every kind.
    pub max_connections: usize,
    /// Whether `/openapi.json`, `/docs` and `/redoc` are served.
    pub docs: bool,
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationMode {
    /// Anybody.
    Open,
    /// Whoever holds an invite code.
    Invite,
    /// Nobody new.
    Closed,
}

/// `[registration]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// None: `open` where everything listens on loopback, else `invite`.
    pub mode: Option<RegistrationMode>,
    /// Whether a registration must prove that it holds the identity key.
    pub require_proof: bool,
}

/// `[auth]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// How long a token lives; at most 30 minutes.
    pub token_ttl: Duration,
}

/// So many in a period, written `10/1m`; bursts up to the whole number are fine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In what time.
    pub period: Duration,
}

impl Rate {
    /// `count` in `period`.
    pub const fn new(count: u32, period: Duration) -> Self {
        Self { count, period }
    }
}

/// `[limits]`: PROTOCOL.md §4 and §9.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// `POST /register`, per address.
    pub register: Rate,
    /// `POST /auth/challenge`, per address.
    pub challenge: Rate,
    /// `POST /auth/token`, per address and per account.
    pub token: Rate,
    /// `GET /keys/{user}`, per asker.
    pub bundle: Rate,
    /// `GET /keys/{user}`, per asker and target.
    pub bundle_pair: Rate,
    /// `PUT /keys`, per user.
    pub key_upload: Rate,
    /// `GET /turn-credentials`, per user.
    pub turn_credentials: Rate,
    /// Messages per sender, sustained.
    pub messages: Rate,
    /// Messages per sender at once.
    pub messages_burst: u32,
    /// Frames per socket, sustained.
    pub frames: Rate,
    /// Frames per socket at once.
    pub frames_burst: u32,
    /// Largest WebSocket frame and message, bytes.
    pub frame_bytes: usize,
    /// Connections not yet authenticated, in all.
    pub unauthenticated_connections: usize,
    /// Connections not yet authenticated, per address.
    pub unauthenticated_per_address: usize,
    /// HTTP body of a registration, bytes.
    pub register_body: usize,
    /// Any other HTTP body, bytes.
    pub body: usize,
    /// Header block, bytes.
    pub header_bytes: usize,
    /// Header fields.
    pub header_fields: usize,
    /// Time for a whole header block to arrive.
    pub header_timeout: Duration,
    /// Time for a whole body to arrive.
    pub body_timeout: Duration,
    /// How long an idle HTTP connection is kept.
    pub keep_alive: Duration,
    /// Time for a WebSocket to authenticate by its first frame.
    pub auth_timeout: Duration,
    /// How often a WebSocket is pinged; it ends after two unanswered pings.
    pub heartbeat: Duration,
}

/// `[messages]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Messages {
    /// How long an unacknowledged message is kept.
    pub retention: Duration,
    /// Messages waiting per recipient.
    pub queue_messages: usize,
    /// Bytes waiting per recipient.
    pub queue_bytes: u64,
    /// Messages waiting from one sender that the recipient has not allowed.
    pub queue_stranger_messages: usize,
    /// Largest payload, characters of base64.
    pub max_payload: usize,
}

/// Whose word lets a call ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallPolicy {
    /// The callee has allowed the caller.
    Callee,
    /// Each has allowed the other.
    Mutual,
    /// Nobody's: any member may call any other.
    Off,
}

/// `[calls]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calls {
    /// Whose word lets a call ring.
    pub policy: CallPolicy,
    /// How long a call rings.
    pub ring_timeout: Duration,
}

/// `[turn]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Whether the media relay runs at all.
    pub enabled: bool,
    /// UDP addresses. None: loopback where there is no `public_url`, else every interface.
    pub listen: Option<Vec<SocketAddr>>,
    /// The realm of the long-term credentials. None: the host of `public_url`, else `privcomm`.
    pub realm: Option<String>,
    /// The address that clients reach the relay at. None: found.
    pub public_address: Option<IpAddr>,
    /// Ports that relayed addresses carry; in the closed mode they are names, not sockets.
    pub relay_ports: RangeInclusive<u16>,
    /// How long credentials are good for.
    pub credential_ttl: Duration,
    /// Allocations at once.
    pub max_allocations: usize,
    /// Allocations at once per user.
    pub max_allocations_per_user: usize,
    /// How long a nonce is good for.
    pub nonce_ttl: Duration,
    /// A file with the secret shared with relay-only boxes. None: the one made at first start.
    pub secret_file: Option<PathBuf>,
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The state directory. None: `$XDG_STATE_HOME/privcomm`, else `~/.local/state/privcomm`;
    /// `$STATE_DIRECTORY` under systemd.
    pub path: Option<PathBuf>,
    /// Memory for database pages, bytes.
    pub cache: u64,
    /// How long a message to somebody online may wait for the acknowledgement that spares its write.
    pub commit_delay: Duration,
    /// Below so much free disk new messages are refused, bytes.
    pub disk_floor: u64,
}

/// How much the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what may become one.
    Warn,
    /// And what an operator wants to know.
    Info,
    /// And what a developer wants to know.
    Debug,
    /// Everything.
    Trace,
}

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[telemetry]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// How much the log says.
    pub log: LogLevel,
    /// How it is written.
    pub format: LogFormat,
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn minutes(count: u64) -> Duration {
    seconds(60 * count)
}

const fn hours(count: u64) -> Duration {
    minutes(60 * count)
}

impl Default for Server {
    fn default() -> Self {
        Self {
            public_url: None,
            listen: vec![ListenAddress::Tcp(SocketAddr::from(([127, 0, 0, 1], 8000)))],
            trusted_proxies: vec!["127.0.0.0/8".into(), "::1/128".into()],
            cors_origins: Vec::new(),
            max_connections: 10_000,
            docs: true,
        }
    }
}

impl Default for Registration {
    fn default() -> Self {
        Self {
            mode: None,
            require_proof: true,
        }
    }
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            token_ttl: minutes(5),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            register: Rate::new(10, hours(1)),
            challenge: Rate::new(30, minutes(1)),
            token: Rate::new(10, minutes(1)),
            bundle: Rate::new(5, minutes(1)),
            bundle_pair: Rate::new(6, hours(1)),
            key_upload: Rate::new(20, hours(1)),
            turn_credentials: Rate::new(30, minutes(1)),
            messages: Rate::new(120, minutes(1)),
            messages_burst: 60,
            frames: Rate::new(20, seconds(1)),
            frames_burst: 100,
            frame_bytes: 256 * 1024,
            unauthenticated_connections: 500,
            unauthenticated_per_address: 20,
            register_body: 1024 * 1024,
            body: 256 * 1024,
            header_bytes: 16 * 1024,
            header_fields: 64,
            header_timeout: seconds(10),
            body_timeout: seconds(30),
            keep_alive: seconds(60),
            auth_timeout: seconds(5),
            heartbeat: seconds(30),
        }
    }
}

impl Default for Messages {
    fn default() -> Self {
        Self {
            retention: hours(30 * 24),
            queue_messages: 5000,
            queue_bytes: 64 * MIB,
            queue_stranger_messages: 50,
            max_payload: 131_072,
        }
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            policy: CallPolicy::Callee,
            ring_timeout: seconds(30),
        }
    }
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            enabled: true,
            listen: None,
            realm: None,
            public_address: None,
            relay_ports: 49152..=65535,
            credential_ttl: hours(1),
            max_allocations: 1000,
            max_allocations_per_user: 12,
            nonce_ttl: minutes(10),
            secret_file: None,
        }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            path: None,
            cache: 64 * MIB,
            commit_delay: Duration::from_millis(5),
            disk_floor: 256 * MIB,
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self {
            log: LogLevel::Info,
            format: LogFormat::Text,
        }
    }
}
