//! Proofs that somebody outside reaches this machine: what the page `/test` and the daemon say to each
//! other, and what operators are told of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::IceServer;
use crate::base::{Private, Timestamp};

/// What can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Pages and the API.
    Http,
    /// A WebSocket that holds.
    Socket,
    /// The media relay over UDP.
    Udp,
    /// The media relay over TCP.
    Tcp,
    /// The media relay over TLS.
    Tls,
}

/// `POST /api/v1/outside`: begins a proof.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProofRequest {
    /// The code of `privcomm doctor --outside`.
    #[schema(value_type = String)]
    pub code: Private<String>,
}

/// What a proof is made with. It is handed out once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProofKit {
    /// What a WebSocket says in place of a token to be held: good once, for a minute.
    #[schema(value_type = String)]
    pub socket_pass: Private<String>,
    /// The media relay, a way at a time; empty: it is switched off.
    pub relays: Vec<RelayWay>,
    /// Seconds until the proof must be told, and for which the credentials are good.
    pub ttl: u64,
}

/// One way to the media relay.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RelayWay {
    /// By what: `udp`, `tcp` or `tls`.
    pub over: Reach,
    /// In the form that `RTCPeerConnection` takes.
    pub ice_server: IceServer,
}

/// `POST /api/v1/outside/report`: what was reached.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProofReport {
    /// The code that the proof was begun with.
    #[schema(value_type = String)]
    pub code: Private<String>,
    /// What worked.
    pub reached: Vec<Reach>,
}

/// Where whoever proves something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whereabouts {
    /// At a public address: it counts.
    Outside,
    /// On this machine or in a network of its own: it says nothing of the outside.
    Near,
}

/// What became of a report.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProofNoted {
    /// From where it came.
    pub from: Whereabouts,
}

/// `POST /v1/outside` of the admin socket: a link for whoever is outside, told this once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProofLink {
    /// The page with the code behind its `#`.
    pub link: Private<String>,
    /// Until when it can be opened.
    pub expires_at: Timestamp,
}

/// When each was last reached from outside, since the daemon started: a part of the status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenOutside {
    /// Pages and the API.
    pub http: Option<Timestamp>,
    /// A WebSocket.
    pub socket: Option<Timestamp>,
    /// The media relay over UDP.
    pub udp: Option<Timestamp>,
    /// The media relay over TCP.
    pub tcp: Option<Timestamp>,
    /// The media relay over TLS.
    pub tls: Option<Timestamp>,
}

impl SeenOutside {
    /// When `reach` was last reached; none: not since the daemon started.
    pub const fn of(&self, reach: Reach) -> Option<Timestamp> {
        match reach {
            Reach::Http => self.http,
            Reach::Socket => self.socket,
            Reach::Udp => self.udp,
            Reach::Tcp => self.tcp,
            Reach::Tls => self.tls,
        }
    }

    /// Notes that `reach` was reached at `now`.
    pub const fn note(&mut self, reach: Reach, now: Timestamp) {
        let seen = match reach {
            Reach::Http => &mut self.http,
            Reach::Socket => &mut self.socket,
            Reach::Udp => &mut self.udp,
            Reach::Tcp => &mut self.tcp,
            Reach::Tls => &mut self.tls,
        };
        *seen = Some(now);
    }
}
