//! What the relay is told at its start.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::num::{NonZeroU64, NonZeroUsize};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::error::TurnError;
use super::gate::{AnswerRates, TurnSecret};
use super::policy::PeerRules;
use super::streams::{ConnectionLimits, Encryption};

/// Which channel numbers clients may bind. Data on any bound number is relayed either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ChannelNumbers {
    /// 0x4000 to 0x4FFF, what RFC 8656 §12 left of them.
    #[default]
    Rfc8656,
    /// 0x4000 to 0x7FFF, as RFC 5766 §11 had it and older clients still choose them.
    Rfc5766,
}

impl ChannelNumbers {
    /// Whether this number may be bound.
    pub fn contains(self, number: u16) -> bool {
        match self {
            Self::Rfc8656 => (0x4000..=0x4FFF).contains(&number),
            Self::Rfc5766 => (0x4000..=0x7FFF).contains(&number),
        }
    }
}

/// Whom allocations may reach.
#[derive(Debug, Clone, Default)]
pub enum Reach {
    /// Each other: relayed addresses are names without sockets, and packets go over in memory.
    #[default]
    Closed,
    /// Each other as before, and peers outside that these rules admit: every relayed address has a
    /// socket of its own.
    Open(PeerRules),
}

/// What the relay is told about TLS.
#[derive(Debug, Clone)]
pub struct TlsSettings {
    /// TCP addresses; port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// Sockets that listen already, beside those.
    pub inherited: Vec<Arc<TcpListener>>,
    /// What shakes hands with those who connect there.
    pub encryption: Arc<dyn Encryption>,
}

/// Everything the relay is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// UDP addresses; port 0 lets the system choose.
    pub listen: Vec<SocketAddr>,
    /// Whether it listens on the same addresses over TCP.
    pub tcp: bool,
    /// TLS over TCP, if there is to be any.
    pub tls: Option<TlsSettings>,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// The realm of the long-term credentials: short, because every challenge carries it.
    pub realm: String,
    /// The address relayed addresses carry. None: the one a client reached the relay at.
    pub public_address: Option<IpAddr>,
    /// Whom allocations may reach.
    pub reach: Reach,
    /// The ports relayed addresses carry. In the closed mode they are names: no socket is opened on
    /// any.
    pub relay_ports: RangeInclusive<u16>,
    /// Allocations at once.
    pub max_allocations: usize,
    /// Allocations at once per user.
    pub max_allocations_per_user: usize,
    /// How long a nonce is good for.
    pub nonce_ttl: Duration,
    /// What credentials are made with.
    pub secret: TurnSecret,
    /// How many answers strangers get.
    pub answers: AnswerRates,
    /// Which channels clients may bind.
    pub channels: ChannelNumbers,
    /// Addresses that an allocation may permit at once, and channels that it may bind.
    pub max_peers: usize,
    /// Bits of media per second that one allocation may send. None: as many as it likes.
    pub max_bitrate: Option<NonZeroU64>,
    /// Threads that move media. None: one per core; never more than there are cores.
    pub shards: Option<NonZeroUsize>,
}

impl Settings {
    /// How many threads move media.
    pub(super) fn shards(&self) -> usize {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.shards.unwrap_or(cores).min(cores).get()
    }

    /// Checks what a type can't say.
    pub(super) fn check(&self) -> Result<(), TurnError> {
        if self.listen.is_empty() {
            return Err(TurnError::NoListener);
        }
        let is_sendable = (1..=127).contains(&self.realm.len())
            && self
                .realm
                .bytes()
                .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
        if !is_sendable {
            return Err(TurnError::Realm(self.realm.clone()));
        }
        let (first, last) = (*self.relay_ports.start(), *self.relay_ports.end());
        if first == 0 || first > last {
            return Err(TurnError::RelayPorts(first, last));
        }
        if self.secret.is_empty() {
            return Err(TurnError::Secret);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            tcp: true,
            tls: None,
            connections: ConnectionLimits::default(),
            realm: "privcomm".to_owned(),
            public_address: None,
            reach: Reach::Closed,
            relay_ports: 49152..=65535,
            max_allocations: 10,
            max_allocations_per_user: 2,
            nonce_ttl: Duration::from_mins(10),
            secret: TurnSecret::new(b"secret".to_vec()),
            answers: AnswerRates::default(),
            channels: ChannelNumbers::default(),
            max_peers: 32,
            max_bitrate: None,
            shards: None,
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        assert!(settings().check().is_ok());
        let refused = |change: fn(&mut Settings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check().unwrap_err()
        };
        assert!(matches!(
            refused(|it| it.listen.clear()),
            TurnError::NoListener
        ));
        assert!(matches!(
            refused(|it| it.realm = "a\"b".to_owned()),
            TurnError::Realm(_)
        ));
        assert!(matches!(
            refused(|it| it.realm = "r".repeat(128)),
            TurnError::Realm(_)
        ));
        assert!(matches!(
            refused(|it| it.relay_ports = 0..=9),
            TurnError::RelayPorts(0, 9)
        ));
        assert!(matches!(
            refused(|it| it.secret = TurnSecret::new(Vec::new())),
            TurnError::Secret
        ));
    }
}
