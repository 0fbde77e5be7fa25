//! `[turn]`

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::{days, hours, minutes, seconds};
use crate::config::RelayUrl;
use crate::config::key::section;
use crate::config::kind::{
    AbsolutePath, Address, Count, List, Network, OneOf, Optional, Ports, Realm, RelayAddress,
    Socket, Span, Switch, Words,
};

section! {
    /// The media relay: voice can't pass a web proxy or tunnel, so it has its own door.
    [turn] Turn {
        /// Whether the media relay runs. Calls need one: this, or another that shares the secret.
        enabled: bool = true, Switch;

        /// UDP addresses to listen on; members must reach them. Empty: port 3478 of every
        /// interface, or of loopback where there is neither a public_url nor `--role relay`.
        listen: Option<Vec<SocketAddr>> = None, Optional(List(Socket));

        /// Whether to listen on the same addresses over TCP, for members whose network lets no UDP
        /// out.
        tcp: bool = true, Switch;

        /// TCP addresses to listen on with TLS, for members whose network lets nothing else out:
        /// port 5349 is the usual one, 443 gets through most. Needs tls_cert and tls_key. Empty: no
        /// TLS.
        tls_listen: Option<Vec<SocketAddr>> = None, Optional(List(Socket));

        /// The certificate chain for TLS (PEM). Clients are told to connect to the first name in
        /// it, which must lead here. Changed files are taken up without a restart.
        tls_cert: Option<PathBuf> = None, Optional(AbsolutePath), content;

        /// The private key for TLS (PEM).
        tls_key: Option<PathBuf> = None, Optional(AbsolutePath), content;

        /// The realm that credentials belong to. Empty: "privcomm".
        realm: Option<String> = None, Optional(Realm);

        /// The address at which clients reach the relay. Empty: found. Set it where this machine
        /// can't see its own public address, behind a router that forwards ports.
        public_address: Option<IpAddr> = None, Optional(Address);

        /// Whom the relay reaches. "internal": members of this relay, in memory and nobody else,
        /// which is all that calls between members need. "any": hosts outside too, as every other
        /// TURN server does; then relay_ports must be open for UDP.
        relay: RelayReach = RelayReach::Internal, OneOf;

        /// Networks that are never peers where relay is "any", whatever allowed_peers says.
        denied_peers: Vec<String> = vec![], List(Network);

        /// Networks that may be peers although they are private, reserved or this machine itself,
        /// where relay is "any". Whoever has a credential reaches every UDP service there.
        allowed_peers: Vec<String> = vec![], List(Network);

        /// Ports that relayed addresses carry. Where relay is "internal" they are names inside this
        /// process, no sockets: nothing needs to be opened for them in a firewall. For "any" they
        /// are real UDP sockets, which peers outside must reach.
        relay_ports: RangeInclusive<u16> = 49152..=65535, Ports;

        /// How long relay credentials are good for. Stolen ones are of use for so long; clients
        /// fetch new ones as they need them.
        credential_ttl: Duration = hours(1), Span(seconds(1)..=days(1));

        /// Allocations at once: two for a call. One with addresses of both families counts twice.
        max_allocations: usize = 1000, Count(1..=65_535);

        /// Allocations at once per user, so that one can't take them all. A browser makes one for each
        /// way to the relay on each of its networks, and all of them anew when a network changes,
        /// before the old ones are gone. A relay with `--role relay` knows no users: there it is per
        /// credential.
        max_allocations_per_user: usize = 32, Count(1..=65_535);

        /// Addresses that an allocation may exchange media with at once, and as many channels. A
        /// call needs one for every address that the other side may have.
        max_peers: usize = 32, Count(1..=256);

        /// Channel numbers that clients may use. "rfc8656": those of today, 0x4000 to 0x4FFF.
        /// "rfc5766": those of before 2020 too, up to 0x7FFF, for old clients and coturn's test
        /// client, which choose them at random.
        channels: RelayChannels = RelayChannels::Rfc8656, OneOf;

        /// Bits of media per second that each allocation may send, so that a relay for calls is
        /// none for films, and as many that peers outside may send to it; a second's worth may come
        /// at once. 0: as many as anybody likes.
        max_bitrate: u64 = 1_000_000, Count(0..=100_000_000_000);

        /// How long a nonce is good for; then clients are handed another, at least once an hour
        /// (RFC 8656, section 5).
        nonce_ttl: Duration = minutes(10), Span(seconds(1)..=hours(1));

        /// A file with the secret that credentials are made from, for relays on other machines that
        /// share it: one line of 16 to 512 characters, which no other user of the machine may read.
        /// Empty: the secret made at the first start. With `--role relay` there must be one.
        secret_file: Option<PathBuf> = None, Optional(AbsolutePath);

        /// Relays on other machines that share the secret: members are told of them behind this
        /// one, in this order. Addresses with the same host are one relay, so give each relay one
        /// name.
        extra_urls: Vec<RelayUrl> = Vec::new(), List(RelayAddress);

        /// How long calls may go on when the relay is told to stop; nothing new is let in meanwhile.
        /// It ends with the last call, or on a second signal. A service manager must have as much
        /// patience: systemd has TimeoutStopSec.
        drain_timeout: Duration = seconds(0), Span(seconds(0)..=hours(1));
    }
}

/// Channel numbers that clients of the media relay may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayChannels {
    /// 0x4000 to 0x4FFF.
    Rfc8656,
    /// 0x4000 to 0x7FFF.
    Rfc5766,
}

impl Words for RelayChannels {
    const WORDS: &'static [(&'static str, Self)] =
        &[("rfc8656", Self::Rfc8656), ("rfc5766", Self::Rfc5766)];
}

/// Whom allocations reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelayReach {
    /// Each other.
    Internal,
    /// Each other, and peers outside.
    Any,
}

impl Words for RelayReach {
    const WORDS: &'static [(&'static str, Self)] =
        &[("internal", Self::Internal), ("any", Self::Any)];
}
