//! The media relay as this daemon runs it: its secret, where it listens, and where clients are told
//! that it and others are.

mod media;
mod secret;
mod urls;
mod watch;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::num::NonZeroU64;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use tokio::net::TcpStream;

use super::error::ServeError;
use super::role::Role;
use crate::auth::TurnSecret;
use crate::base::Trouble;
use crate::base::task::Tasks;
use crate::config::{Config, RelayChannels, RelayReach};
use crate::messenger::{RelayAccess, RelaySecret};
use crate::net::Tls;
use crate::turn::{
    AnswerRates, ChannelNumbers, Connection, ConnectionLimits, Encryption, Network, PeerRules,
    Reach, Relay, Settings, TlsSettings,
};

pub(super) use media::Media;

use watch::{Target, Watched};

const PORT: u16 = 3478;
/// Sent with every challenge, so it is short where the operator doesn't set one.
const REALM: &str = "privcomm";

/// Where the media relay listens, with real ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TurnAddresses {
    /// Over UDP.
    #[serde(rename = "turn")]
    pub udp: Vec<SocketAddr>,
    /// Over TCP.
    #[serde(rename = "turn_tcp")]
    pub tcp: Vec<SocketAddr>,
    /// Over TLS.
    #[serde(rename = "turn_tls")]
    pub tls: Vec<SocketAddr>,
}

impl TurnAddresses {
    fn of(relay: &Relay) -> Self {
        Self {
            udp: relay.addresses().to_vec(),
            tcp: relay.tcp_addresses(),
            tls: relay.tls_addresses(),
        }
    }

    /// Every address with the name of its transport.
    pub(super) fn each(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        [("UDP", &self.udp), ("TCP", &self.tcp), ("TLS", &self.tls)]
            .into_iter()
            .flat_map(|(name, addresses)| addresses.iter().map(move |address| (name, *address)))
    }

    /// Where calls come in, in a few words; empty where they don't. An address that stands for
    /// every interface is its port.
    pub(super) fn summary(&self) -> String {
        let mut places: Vec<(String, Vec<&str>)> = Vec::new();
        for (transport, address) in self.each() {
            let place = if address.ip().is_unspecified() {
                address.port().to_string()
            } else {
                address.to_string()
            };
            match places.iter_mut().find(|(known, _)| *known == place) {
                Some((_, transports)) if transports.contains(&transport) => {}
                Some((_, transports)) => transports.push(transport),
                None => places.push((place, vec![transport])),
            }
        }
        let words = places
            .iter()
            .map(|(place, transports)| format!("{} {place}", transports.join(" and ")));
        words.collect::<Vec<_>>().join(", ")
    }
}

/// How many connections the relay takes: as many as is said, or as it does by default, or two for
/// every allocation if those are more.
fn connection_limits(config: &Config) -> ConnectionLimits {
    let allocations = config.turn.max_allocations.saturating_mul(2);
    let by_default = ConnectionLimits::default().in_all.max(allocations);
    ConnectionLimits {
        per_source: config.limits.relay_connections_per_address,
        in_all: config.limits.relay_connections.unwrap_or(by_default),
    }
}

/// How many file descriptors the relay takes: one a connection, and where it reaches peers outside
/// one an allocation and one a reserved port, of which there may be as many.
pub(super) fn descriptors(config: &Config) -> usize {
    let connections = connection_limits(config).in_all;
    match config.turn.relay {
        RelayReach::Internal => connections,
        RelayReach::Any => {
            connections.saturating_add(config.turn.max_allocations.saturating_mul(2))
        }
    }
}

/// The secret shared with other relays, where there is one.
pub(super) fn shared_secret(config: &Config) -> Result<Option<TurnSecret>, ServeError> {
    let path = config.turn.secret_file.as_deref();
    path.map(secret::read).transpose()
}

/// The secret of the relays, and whose it is: the file's, where one is set, else this daemon's `own`.
pub(super) fn secret(
    config: &Config,
    own: &TurnSecret,
) -> Result<(TurnSecret, RelaySecret), ServeError> {
    Ok(match shared_secret(config)? {
        Some(shared) => (shared.clone(), RelaySecret::shared(shared)),
        None => (own.clone(), RelaySecret::own(own.clone())),
    })
}

/// What members are told of the relays, if there are any. Where there are several, they are watched
/// from now on.
pub(super) fn access(
    config: &Config,
    media: Option<&Media>,
    secret: RelaySecret,
    tasks: &Tasks,
) -> Option<RelayAccess> {
    let own = media.map(|media| Watched {
        place: urls::own(
            media.addresses(),
            config.turn.public_address,
            media.certified_name(),
        ),
        target: Target::Own(media.relay().clone()),
    });
    let elsewhere = urls::elsewhere(&config.turn.extra_urls).into_iter();
    let elsewhere = elsewhere.map(|(place, urls)| Watched {
        place,
        target: Target::Elsewhere(urls),
    });
    let watched: Vec<Watched> = own.into_iter().chain(elsewhere).collect();
    let places: Vec<_> = watched.iter().map(|it| it.place.clone()).collect();
    if places.iter().all(|place| place.turn_urls.is_empty()) {
        if media.is_some() {
            tracing::warn!(
                "{}: members aren't told where the media relay is; fix: {}",
                Trouble::RelayUntold,
                Trouble::RelayUntold.fix()
            );
        }
        return None;
    }
    if watched.len() > 1 {
        watch::start(watched, tasks);
    }
    Some(RelayAccess {
        relay: media.map(|media| media.relay().clone()),
        places,
        secret,
        ttl: config.turn.credential_ttl,
    })
}

fn settings(
    config: &Config,
    role: Role,
    secret: &TurnSecret,
    tls: Option<TlsSettings>,
) -> Result<Settings, ServeError> {
    let turn = &config.turn;
    Ok(Settings {
        listen: listen(config, role),
        tcp: turn.tcp,
        tls,
        connections: connection_limits(config),
        realm: turn.realm.clone().unwrap_or_else(|| REALM.to_owned()),
        public_address: turn.public_address,
        reach: reach(config)?,
        relay_ports: turn.relay_ports.clone(),
        max_allocations: turn.max_allocations,
        max_allocations_per_user: turn.max_allocations_per_user,
        nonce_ttl: turn.nonce_ttl,
        secret: crate::turn::TurnSecret::new(secret.as_bytes().to_vec()),
        answers: AnswerRates {
            per_source: config.limits.stun_answers,
            in_all: config.limits.stun_answers_in_all,
        },
        channels: match config.turn.channels {
            RelayChannels::Rfc8656 => ChannelNumbers::Rfc8656,
            RelayChannels::Rfc5766 => ChannelNumbers::Rfc5766,
        },
        max_peers: config.turn.max_peers,
        max_bitrate: NonZeroU64::new(turn.max_bitrate),
        shards: None,
    })
}

/// Whom the relay reaches.
fn reach(config: &Config) -> Result<Reach, ServeError> {
    let networks = |texts: &[String]| -> Result<Vec<Network>, ServeError> {
        let read = texts.iter().map(|text| text.parse());
        Ok(read.collect::<Result<_, _>>()?)
    };
    Ok(match config.turn.relay {
        RelayReach::Internal => Reach::Closed,
        RelayReach::Any => Reach::Open(PeerRules {
            denied: networks(&config.turn.denied_peers)?,
            allowed: networks(&config.turn.allowed_peers)?,
        }),
    })
}

/// TLS and where to listen for it, if it is asked for.
fn tls(
    config: &Config,
    inherited: &[Arc<TcpListener>],
) -> Result<Option<(Vec<SocketAddr>, Tls)>, ServeError> {
    let listen = match &config.turn.tls_listen {
        _ if !inherited.is_empty() => Vec::new(),
        Some(listen) => listen.clone(),
        None => return Ok(None),
    };
    let (Some(certificate), Some(key)) = (&config.turn.tls_cert, &config.turn.tls_key) else {
        return Err(ServeError::TurnCertificateMissing);
    };
    Ok(Some((listen, Tls::load(certificate, key)?)))
}

/// TLS as the relay sees it: something that turns a socket into a connection.
#[derive(Debug)]
struct Certified(Tls);

#[async_trait]
impl Encryption for Certified {
    async fn shake_hands(&self, socket: TcpStream) -> io::Result<Box<dyn Connection>> {
        Ok(Box::new(self.0.accept(socket).await?))
    }
}

fn encryption(
    tls: Option<&(Vec<SocketAddr>, Tls)>,
    inherited: Vec<Arc<TcpListener>>,
) -> Option<TlsSettings> {
    tls.map(|(listen, tls)| TlsSettings {
        listen: listen.clone(),
        inherited,
        encryption: Arc::new(Certified(tls.clone())),
    })
}

/// Loopback where the daemon has no public name: nobody else is meant to find it. A machine that
/// does nothing but relay is meant to be found.
fn listen(config: &Config, role: Role) -> Vec<SocketAddr> {
    match (&config.turn.listen, &config.server.public_url, role) {
        (Some(listen), _, _) => listen.clone(),
        (None, None, Role::Appliance) => vec![SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))],
        (None, Some(_), _) | (None, _, Role::Relay) => vec![
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)),
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn connections_are_as_many_as_is_said_or_two_for_every_allocation() {
        let mut config = Config::default();
        assert_eq!(connection_limits(&config), ConnectionLimits::default());
        config.turn.max_allocations = 5_000;
        assert_eq!(connection_limits(&config).in_all, 10_000);
        config.limits.relay_connections = Some(7);
        config.limits.relay_connections_per_address = 3;
        let limits = connection_limits(&config);
        assert_eq!((limits.in_all, limits.per_source), (7, 3));
    }

    #[test]
    fn a_summary_names_each_place_once_with_its_transports() {
        let addresses = TurnAddresses {
            udp: vec![address("0.0.0.0:3478"), address("[::]:3478")],
            tcp: vec![address("0.0.0.0:3478"), address("[::]:3478")],
            tls: vec![address("192.0.2.1:443")],
        };
        assert_eq!(addresses.summary(), "UDP and TCP 3478, TLS 192.0.2.1:443");
        assert_eq!(TurnAddresses::default().summary(), "");
    }

    #[test]
    fn without_a_public_name_the_relay_is_on_loopback_unless_it_is_all_there_is() {
        let mut config = Config::default();
        let everywhere = [address("0.0.0.0:3478"), address("[::]:3478")];
        let loopback = [address("127.0.0.1:3478")];
        assert_eq!(listen(&config, Role::Appliance), loopback);
        assert_eq!(listen(&config, Role::Relay), everywhere);
        config.server.public_url = Some("https://chat.example".to_owned());
        assert_eq!(listen(&config, Role::Appliance), everywhere);
        config.turn.listen = Some(vec![address("127.0.0.1:0")]);
        assert_eq!(listen(&config, Role::Appliance), [address("127.0.0.1:0")]);
        assert_eq!(listen(&config, Role::Relay), [address("127.0.0.1:0")]);
    }

    #[test]
    fn the_relay_reaches_nobody_outside_unless_told() {
        let mut config = Config::default();
        assert!(matches!(reach(&config).unwrap(), Reach::Closed));
        assert_eq!(descriptors(&config), connection_limits(&config).in_all);
        config.turn.relay = RelayReach::Any;
        config.turn.denied_peers = vec!["192.0.2.0/24".to_owned()];
        config.turn.allowed_peers = vec!["192.0.2.1".to_owned()];
        let Reach::Open(rules) = reach(&config).unwrap() else {
            panic!("the open mode");
        };
        assert_eq!(rules.denied, ["192.0.2.0/24".parse().unwrap()]);
        assert_eq!(rules.allowed, ["192.0.2.1".parse().unwrap()]);
        assert!(descriptors(&config) >= connection_limits(&config).in_all + 1000);
    }

    #[test]
    fn tls_needs_a_certificate_and_its_key() {
        let mut config = Config::default();
        assert!(tls(&config, &[]).unwrap().is_none());
        config.turn.tls_listen = Some(vec![address("127.0.0.1:0")]);
        config.turn.tls_cert = Some("/nowhere/cert.pem".into());
        let missing = tls(&config, &[]).unwrap_err();
        assert!(matches!(missing, ServeError::TurnCertificateMissing));
        config.turn.tls_key = Some("/nowhere/key.pem".into());
        let unreadable = tls(&config, &[]).unwrap_err();
        assert!(matches!(unreadable, ServeError::TurnCertificate(_)));
    }

    #[tokio::test]
    async fn relays_elsewhere_are_told_of_where_there_is_none_here() {
        let mut config = Config::default();
        let secret = || RelaySecret::own(TurnSecret::new([7; 32]));
        let tasks = Tasks::default();
        assert!(access(&config, None, secret(), &tasks).is_none());
        config.turn.extra_urls = vec!["stun:a.example".parse().unwrap()];
        assert!(access(&config, None, secret(), &tasks).is_none());
        let relay = "turn:a.example".parse().unwrap();
        config.turn.extra_urls.push(relay);
        let access = access(&config, None, secret(), &tasks).unwrap();
        assert!(access.relay.is_none());
        assert_eq!(access.places[0].turn_urls, ["turn:a.example"]);
    }
}
