//! The media relay as this daemon runs it: where it listens, and where clients are told it is.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU64;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use tokio::net::TcpStream;

use super::error::ServeError;
use crate::auth::{Secrets, TurnSecret};
use crate::base::Clock;
use crate::base::task::Tasks;
use crate::config::Config;
use crate::messenger::RelayAccess;
use crate::net::Tls;
use crate::turn::{
    AnswerRates, ChannelNumbers, Connection, ConnectionLimits, Encryption, Relay, Settings,
    TlsSettings,
};

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
    pub(super) fn of(relay: &Relay) -> Self {
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
}

/// How many connections the relay takes: as many as it does by default, or two for every allocation
/// if those are more.
pub(super) fn connection_limits(config: &Config) -> ConnectionLimits {
    let limits = ConnectionLimits::default();
    let allocations = config.turn.max_allocations.saturating_mul(2);
    ConnectionLimits {
        in_all: limits.in_all.max(allocations),
        ..limits
    }
}

/// Starts the relay, if it is to run.
pub(super) fn start(
    config: &Config,
    secrets: &Secrets,
    clock: &Clock,
    tasks: &Tasks,
) -> Result<Option<RelayAccess>, ServeError> {
    if !config.turn.enabled {
        return Ok(None);
    }
    let secret = match &config.turn.secret_file {
        Some(path) => {
            let text = fs::read_to_string(path)
                .map_err(|source| ServeError::file("read", path, source))?;
            TurnSecret::parse(&text)?
        }
        None => secrets.turn_secret.clone(),
    };
    let tls = tls(config)?;
    let settings = Settings {
        listen: listen(config),
        tcp: config.turn.tcp,
        tls: tls.as_ref().map(|(listen, tls)| TlsSettings {
            listen: listen.clone(),
            encryption: Arc::new(Certified(tls.clone())),
        }),
        connections: connection_limits(config),
        realm: config
            .turn
            .realm
            .clone()
            .unwrap_or_else(|| REALM.to_owned()),
        public_address: config.turn.public_address,
        relay_ports: config.turn.relay_ports.clone(),
        max_allocations: config.turn.max_allocations,
        max_allocations_per_user: config.turn.max_allocations_per_user,
        nonce_ttl: config.turn.nonce_ttl,
        secret: crate::turn::TurnSecret::new(secret.as_bytes().to_vec()),
        answers: AnswerRates::default(),
        // coturn's client and others of its age draw from the wider range of RFC 5766.
        channels: ChannelNumbers::Rfc5766,
        max_bitrate: NonZeroU64::new(config.turn.max_bitrate),
        shards: None,
    };
    let relay = Relay::start(settings, clock.clone(), tasks)?;
    let names = tls.as_ref().map(|(_, tls)| tls.names()).unwrap_or_default();
    if let Some((_, tls)) = tls {
        let stopping = tasks.clone();
        tasks.spawn("turn certificate", async move {
            tokio::select! {
                () = stopping.stopping() => {}
                () = tls.follow() => {}
            }
        });
    }
    Ok(Some(access(config, relay, secret, names.first())))
}

/// What members are told of a relay that runs. `name` is one that its certificate is for.
fn access(config: &Config, relay: Relay, secret: TurnSecret, name: Option<&String>) -> RelayAccess {
    let reached = |addresses: &[SocketAddr]| -> Vec<SocketAddr> {
        addresses
            .iter()
            .filter_map(|address| told(*address, config.turn.public_address))
            .collect()
    };
    let datagrams = reached(relay.addresses());
    RelayAccess {
        stun_urls: urls("stun", &datagrams, ""),
        turn_urls: [
            urls("turn", &datagrams, "?transport=udp"),
            urls("turn", &reached(&relay.tcp_addresses()), "?transport=tcp"),
            encrypted_urls(&reached(&relay.tls_addresses()), name),
        ]
        .concat(),
        relay,
        secret,
        ttl: config.turn.credential_ttl,
    }
}

/// TLS and where to listen for it, if it is asked for.
fn tls(config: &Config) -> Result<Option<(Vec<SocketAddr>, Tls)>, ServeError> {
    let Some(listen) = &config.turn.tls_listen else {
        return Ok(None);
    };
    let (Some(certificate), Some(key)) = (&config.turn.tls_cert, &config.turn.tls_key) else {
        return Err(ServeError::TurnCertificateMissing);
    };
    Ok(Some((listen.clone(), Tls::load(certificate, key)?)))
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

fn urls(scheme: &str, addresses: &[SocketAddr], transport: &str) -> Vec<String> {
    addresses
        .iter()
        .map(|address| format!("{scheme}:{address}{transport}"))
        .collect()
}

/// Clients compare what they are told with the certificate, so they are told a name in it; an
/// address only where it has none. One name stands for every listener of its port.
fn encrypted_urls(addresses: &[SocketAddr], name: Option<&String>) -> Vec<String> {
    let Some(name) = name else {
        return urls("turns", addresses, "?transport=tcp");
    };
    let mut ports: Vec<u16> = addresses.iter().map(SocketAddr::port).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
        .iter()
        .map(|port| format!("turns:{name}:{port}?transport=tcp"))
        .collect()
}

/// Loopback where the daemon has no public name: nobody else is meant to find it.
fn listen(config: &Config) -> Vec<SocketAddr> {
    match (&config.turn.listen, &config.server.public_url) {
        (Some(listen), _) => listen.clone(),
        (None, None) => vec![SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))],
        (None, Some(_)) => vec![
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT)),
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)),
        ],
    }
}

/// The address that clients are told for a listener: the configured one of the same family, the
/// listener's own, or the one that this machine would send from. None: this machine has no address
/// of that family.
fn told(listener: SocketAddr, public: Option<IpAddr>) -> Option<SocketAddr> {
    if let Some(public) = public.filter(|ip| ip.is_ipv4() == listener.is_ipv4()) {
        return Some(SocketAddr::new(public, listener.port()));
    }
    if !listener.ip().is_unspecified() {
        return Some(listener);
    }
    let own = own_address(listener.ip())?;
    Some(SocketAddr::new(own, listener.port()))
}

/// The address that packets to the outside would carry. Connecting a UDP socket asks the routing
/// table and sends nothing; the destinations are documentation addresses (RFC 5737, RFC 3849).
fn own_address(family: IpAddr) -> Option<IpAddr> {
    let outside: IpAddr = match family {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(family, 0)).ok()?;
    socket.connect(SocketAddr::new(outside, 9)).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_unspecified()).then_some(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn without_a_public_name_the_relay_is_on_loopback() {
        assert_eq!(listen(&Config::default()), [address("127.0.0.1:3478")]);
        let mut config = Config::default();
        config.server.public_url = Some("https://chat.example".to_owned());
        assert_eq!(
            listen(&config),
            [address("0.0.0.0:3478"), address("[::]:3478")]
        );
        config.turn.listen = Some(vec![address("127.0.0.1:0")]);
        assert_eq!(listen(&config), [address("127.0.0.1:0")]);
    }

    #[test]
    fn clients_of_tls_are_told_a_name_that_the_certificate_is_for() {
        let listeners = [address("192.0.2.1:5349"), address("[2001:db8::1]:5349")];
        let name = "relay.example".to_owned();
        assert_eq!(
            encrypted_urls(&listeners, Some(&name)),
            ["turns:relay.example:5349?transport=tcp"]
        );
        assert_eq!(
            encrypted_urls(&listeners, None),
            [
                "turns:192.0.2.1:5349?transport=tcp",
                "turns:[2001:db8::1]:5349?transport=tcp"
            ]
        );
    }

    #[test]
    fn tls_needs_a_certificate_and_its_key() {
        let mut config = Config::default();
        assert!(tls(&config).unwrap().is_none());
        config.turn.tls_listen = Some(vec![address("127.0.0.1:0")]);
        config.turn.tls_cert = Some("/nowhere/cert.pem".into());
        let missing = tls(&config).unwrap_err();
        assert!(matches!(missing, ServeError::TurnCertificateMissing));
        config.turn.tls_key = Some("/nowhere/key.pem".into());
        let unreadable = tls(&config).unwrap_err();
        assert!(matches!(unreadable, ServeError::TurnCertificate(_)));
    }

    #[test]
    fn clients_are_told_the_public_address_of_their_family() {
        let public = Some("198.51.100.7".parse().unwrap());
        let listener = address("0.0.0.0:3478");
        assert_eq!(told(listener, public), Some(address("198.51.100.7:3478")));
        let listener = address("[::1]:3478");
        assert_eq!(told(listener, public), Some(listener));
        assert_eq!(
            told(address("127.0.0.1:9"), None),
            Some(address("127.0.0.1:9"))
        );
    }
}
