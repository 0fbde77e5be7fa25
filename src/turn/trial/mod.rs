//! A client of a relay, to find out whether it works: two real allocations with a real credential,
//! permissions, channels, and packets both ways; and whether addresses are refused that nobody
//! should reach through it. For this relay or any other (RFC 8656).
//!
//! `wire` is what messages travel over, `client` asks and understands answers, `course` is the course
//! of it. Nothing waits for ever.

mod client;
mod course;
mod wire;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;

use super::message::ErrorCode;
use super::streams::Connection;

/// How a relay's clients connect to it over TCP or TLS.
#[async_trait]
pub trait Dial: Send + Sync {
    /// A new connection. May take as long as it likes: the probe gives up by itself.
    async fn dial(&self) -> io::Result<Box<dyn Connection>>;
}

/// The way to a relay.
pub enum Route<'a> {
    /// Datagrams to this address.
    Datagrams(SocketAddr),
    /// Connections, plain or encrypted.
    Streams(&'a dyn Dial),
}

impl std::fmt::Debug for Route<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Datagrams(_) => "Datagrams",
            Self::Streams(_) => "Streams",
        })
    }
}

/// What a trial is made with.
#[derive(Clone, Copy)]
pub struct Probe<'a> {
    /// The name of the credential.
    pub username: &'a str,
    /// Its password.
    pub credential: &'a str,
    /// How many packets go each way: one every 20 ms, as in a call.
    pub packets: u32,
}

impl std::fmt::Debug for Probe<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe")
            .field("packets", &self.packets)
            .finish_non_exhaustive()
    }
}

/// What a trial found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Packets that went from the first client to the second.
    pub sent: u32,
    /// Those that arrived, each of which was sent back.
    pub arrived: u32,
    /// Those that came back.
    pub returned: u32,
    /// How long they took there and back; none: none came back.
    pub round_trip: Option<RoundTrip>,
    /// Addresses of networks that nobody should reach through a relay, and that this one allows.
    pub granted: Vec<IpAddr>,
}

/// How long packets took there and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundTrip {
    /// Half took no longer.
    pub median: Duration,
    /// None took longer.
    pub longest: Duration,
}

/// What a client asks of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Binding: where do I come from?
    Binding,
    /// Allocate.
    Allocate,
    /// CreatePermission.
    CreatePermission,
    /// ChannelBind.
    ChannelBind,
    /// Refresh.
    Refresh,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// Why a trial could not be carried through.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// No connection comes about, or it ends.
    #[error("can't connect: {0}")]
    Connect(io::Error),
    /// Nothing comes back.
    #[error("no answer to {0}")]
    Silent(Step),
    /// The relay says no.
    #[error("{step} refused: {code}{}", known(*code))]
    Refused {
        /// What was asked.
        step: Step,
        /// The STUN error code.
        code: u16,
    },
    /// An answer that isn't one of a relay.
    #[error("the answer to {0} is not a relay's, or signed with another password")]
    Foreign(Step),
}

/// A code in words, where it has some.
fn known(code: u16) -> String {
    ErrorCode::ALL
        .into_iter()
        .find(|known| known.number() == code)
        .map_or_else(String::new, |known| format!(" {}", known.reason()))
}

impl Probe<'_> {
    /// Tries the relay at the end of `route`.
    pub async fn run(&self, route: &Route<'_>) -> Result<Trial, ProbeError> {
        course::run(self, route).await
    }
}
