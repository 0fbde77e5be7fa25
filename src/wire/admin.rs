//! What the operator's commands and the daemon say to each other over the admin socket.
//!
//! Paths carry the version of this dialect (`/v1/…`); within it members are only ever added. Every
//! answer names the daemon's version in [`VERSION_HEADER`], so that commands of another version can
//! say so. Nothing here names a member, an address or a secret, but for a credential at the moment
//! when it is made.

use std::net::IpAddr;
use std::path::PathBuf;

use http::header::HeaderName;
use serde::{Deserialize, Serialize};

use super::Problem;
use super::outside::SeenOutside;
use crate::base::{Private, Timestamp, Trouble};

/// The header that carries the version of whoever speaks.
pub const VERSION_HEADER: HeaderName = HeaderName::from_static("privcomm-version");

/// The version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why the daemon doesn't do what it is asked: a problem as on the public side (RFC 9457), with the
/// code that `privcomm explain` knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What is wrong.
    #[serde(flatten)]
    pub problem: Problem,
    /// Its code for operators.
    pub trouble: Trouble,
}

/// `GET /v1/status`: how the daemon is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// Since when it runs.
    pub started_at: Timestamp,
    /// For how long, seconds.
    pub uptime: u64,
    /// Connections of every kind on the public side.
    pub connections: u64,
    /// Who is there.
    pub members: Members,
    /// What waits.
    pub queue: Queue,
    /// Calls now and since the start.
    pub calls: Calls,
    /// The media relay; none: it is switched off.
    pub relay: Option<RelayFigures>,
    /// The relay runs, but members can't be told where: this machine had no address to the outside.
    #[serde(default)]
    pub relay_untold: bool,
    /// The disk of the database.
    pub disk: Disk,
    /// When the certificate of the media relay ends; none: it has none, or it can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_ends: Option<Timestamp>,
    /// When the newest backup was made that can be read; none: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_backup: Option<Timestamp>,
    /// The daemon's own jobs.
    #[serde(default)]
    pub jobs: Vec<JobReport>,
    /// When each was last reached from outside, since the daemon started.
    #[serde(default)]
    pub seen_outside: SeenOutside,
}

/// A maintenance job as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReport {
    /// What it is called.
    pub name: String,
    /// When it ran last, since the daemon started.
    pub last_at: Option<Timestamp>,
    /// How that went.
    pub outcome: JobOutcome,
    /// What it did, or why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// When it runs next, about.
    pub next_at: Timestamp,
}

/// How a job went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobOutcome {
    /// It didn't run yet.
    Waiting,
    /// There was nothing to do.
    Nothing,
    /// It did something.
    Done,
    /// It failed, and comes again.
    Failed,
}

/// `GET /v1/surroundings`: what the daemon has of its machine, which hardly changes while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surroundings {
    /// Its process, as it sees itself.
    pub pid: u32,
    /// The directory with the database and the secrets.
    pub state_dir: PathBuf,
    /// The public name, if it was given one.
    pub public_url: Option<String>,
    /// Everything that listens.
    pub ports: Vec<Port>,
    /// File descriptors that may be open.
    pub descriptors: Option<u64>,
    /// File descriptors that it needs at its limits.
    pub descriptors_needed: u64,
    /// Bytes that the media relay asks of the system for a receive buffer.
    pub receive_buffer: u64,
    /// Bytes that it got; none: there is no relay, or the system doesn't say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive_buffer_got: Option<u64>,
    /// When it last read its configuration and took all of it up.
    pub configured_at: Timestamp,
}

/// Something that listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Address and port, or `unix:` and a path.
    pub address: String,
    /// `udp`, `tcp` or `unix`.
    pub protocol: String,
    /// What comes in there.
    pub purpose: Purpose,
}

/// What comes in at a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Web, API and WebSocket.
    Web,
    /// Calls over UDP.
    Calls,
    /// Calls where UDP is blocked.
    CallsOverTcp,
    /// Calls where nothing but TLS gets out.
    CallsOverTls,
    /// Figures for Prometheus.
    Metrics,
}

/// Accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// All of them.
    pub accounts: u64,
    /// Those with an open session.
    pub online: u64,
}

/// Messages that wait for their recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// In the database.
    pub messages: u64,
    /// Accepted and not written yet: to be acknowledged or committed within milliseconds.
    pub unwritten: u64,
}

/// Calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Ringing now.
    pub ringing: u64,
    /// Connected now.
    pub connected: u64,
    /// That rang, since the start.
    pub started: u64,
    /// That were answered, since the start.
    pub answered: u64,
}

/// The disk of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Bytes of the database file.
    pub database_bytes: u64,
    /// Bytes free; none: the system doesn't say.
    pub free_bytes: Option<u64>,
    /// Whether less than `store.disk_floor` is free.
    pub low: bool,
    /// Bytes of the file system; none: the system doesn't say.
    #[serde(default)]
    pub total_bytes: Option<u64>,
    /// `store.disk_floor`, bytes.
    #[serde(default)]
    pub floor_bytes: u64,
}

/// `POST /v1/backups`: asks for a backup of the running database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupOrder {
    /// The file; none: a fresh name in the daemon's own directory for backups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// What it is sealed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Private<String>>,
}

/// A backup that is on disk, and was read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupMade {
    /// The file.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Accounts in it.
    pub accounts: u64,
    /// Messages in it.
    pub messages: u64,
    /// Whether a passphrase is needed to read it.
    pub sealed: bool,
}

/// `GET /v1/turn/figures`: what the media relay counted since it started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelayFigures {
    /// Allocations now.
    pub allocations: u64,
    /// Allocations since the start.
    pub allocations_ever: u64,
    /// Connections now, over TCP and TLS.
    pub connections: u64,
    /// Connections that were refused for want of room.
    pub connections_refused: u64,
    /// Messages of every kind that came in.
    pub datagrams: u64,
    /// Packets of media that were handed over.
    pub packets: u64,
    /// Their bytes, without headers.
    pub bytes: u64,
    /// Credentials that were handed out.
    pub credentials_issued: u64,
    /// Nonces that came back too late.
    pub nonces_stale: u64,
    /// The same by transport: only those that are listened on.
    pub transports: Vec<TransportFigures>,
    /// What went no further, by reason; reasons that never occurred are left out.
    pub drops: Vec<Count>,
    /// Requests refused, by STUN error code; codes that were never sent are left out.
    pub refusals: Vec<Count>,
}

/// What one transport of the relay counted since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransportFigures {
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// Allocations now.
    pub allocations: u64,
    /// Allocations since the start: those now, and the four kinds of end.
    pub allocations_ever: u64,
    /// Whose time was over.
    pub expired: u64,
    /// Whose client gave them back.
    pub closed: u64,
    /// Whose user was suspended or deleted.
    pub evicted: u64,
    /// Whose connection ended.
    pub disconnected: u64,
    /// Packets of media from clients.
    pub packets_in: u64,
    /// Their bytes, without headers.
    pub bytes_in: u64,
    /// Packets of media to clients.
    pub packets_out: u64,
    /// Their bytes, without headers.
    pub bytes_out: u64,
}

/// How often something happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// What.
    pub what: String,
    /// How often.
    pub count: u64,
}

/// `GET /v1/turn/allocations`: the live allocations of the media relay, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocations {
    /// Each of them.
    pub allocations: Vec<Allocation>,
    /// Different holders among them.
    pub holders: u64,
}

/// One live allocation. Neither its address nor whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Random, and good until the daemon restarts.
    pub id: String,
    /// `udp`, `tcp` or `tls`.
    pub transport: String,
    /// `ipv4` or `ipv6`: of the relayed address.
    pub family: String,
    /// Which of the holders has it: allocations with the same number are one holder's.
    pub holder: u64,
    /// Seconds since it was opened.
    pub age: u64,
    /// Seconds until it ends, unless it is refreshed.
    pub expires_in: u64,
    /// Live permissions.
    pub permissions: u64,
    /// Live channels.
    pub channels: u64,
    /// Packets of media from its client, those included that then couldn't be sent.
    pub packets_in: u64,
    /// Their bytes, without headers.
    pub bytes_in: u64,
    /// Packets of media to its client.
    pub packets_out: u64,
    /// Their bytes, without headers.
    pub bytes_out: u64,
    /// Packets of its client beyond `turn.max_bitrate`.
    pub over_rate: u64,
}

/// `POST /v1/turn/credentials`: asks for a credential that is nobody's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialsRequest {
    /// Seconds it is to be good for. None: as long as members' are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
}

/// A fresh credential, and where it is good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// Every address of the relay, as members are told them.
    pub urls: Vec<String>,
    /// The same as this machine itself reaches them, whatever stands between it and its members.
    #[serde(default)]
    pub local_urls: Vec<String>,
    /// `<expiry>:<random>`.
    pub username: String,
    /// The password for it: shown this once.
    pub credential: Private<String>,
    /// Seconds both are good for.
    pub ttl: u64,
    /// When they end.
    pub expires_at: Timestamp,
}

/// `GET /v1/database/rows`: reads every row of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    /// How many there are, each as it should be.
    pub rows: u64,
}

/// `POST /v1/socket-pass/seen`: asks from where a socket came in with a pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassQuestion {
    /// The pass, within ten minutes of its use.
    pub pass: Private<String>,
    /// Addresses that whoever used it has on the way.
    pub own: Vec<IpAddr>,
}

/// From where a socket came in, as the daemon sees it. Not the address itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassSeen {
    /// None: no socket came in with this pass.
    pub from: Option<Appearance>,
}

/// How somebody appears to the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Appearance {
    /// At an address of their own.
    Itself,
    /// At a public address.
    Outside,
    /// At an address of this machine or a network of its own, and not theirs: as a proxy.
    Near,
}

/// `POST /v1/socket-pass`: lets one WebSocket in that is only to be held, for a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketPass {
    /// What the socket says in place of a token. Good once, for a minute.
    pub pass: Private<String>,
}
