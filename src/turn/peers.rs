//! Who may be a peer in the closed mode: allocations of this relay, and nobody else.
//!
//! A permission is for an address without a port (RFC 8656 §9), so it may be given before the
//! other side's allocation is there, as long as the address is one that this relay gives out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

/// Addresses kept at once. They are this machine's own, so that only a machine with very many
/// fills it; then the addresses known first stay.
const MAX_ADDRESSES: usize = 64;

/// Whether something may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Allow,
    Deny,
}

/// A family of addresses (RFC 8656 §18.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// The addresses and ports that relayed addresses are made of.
#[derive(Debug)]
pub(crate) struct Peers {
    addresses: Vec<IpAddr>,
    ports: RangeInclusive<u16>,
}

impl Peers {
    pub(crate) fn new(public: Option<IpAddr>, ports: RangeInclusive<u16>) -> Self {
        Self {
            addresses: public.into_iter().collect(),
            ports,
        }
    }

    /// From now on relayed addresses at `ip` may be peers.
    pub(crate) fn add(&mut self, ip: IpAddr) {
        if !self.addresses.contains(&ip) && self.addresses.len() < MAX_ADDRESSES {
            self.addresses.push(ip);
        }
    }

    /// Whether a permission for this address may be had.
    pub(crate) fn permission(&self, ip: IpAddr) -> Access {
        if self.addresses.contains(&ip) {
            Access::Allow
        } else {
            Access::Deny
        }
    }

    /// Whether a channel to this peer may be bound.
    pub(crate) fn channel(&self, peer: SocketAddr) -> Access {
        if self.ports.contains(&peer.port()) {
            self.permission(peer.ip())
        } else {
            Access::Deny
        }
    }
}

/// The address a relayed address carries: the public one, or the one the client reached.
///
/// An IPv4 one is always found, because clients of either family get one unless they ask for
/// another (RFC 8656 §7.2): for a client that came over IPv6 it is the one this machine has
/// towards the outside, or in the end loopback, which is as good a name as any among clients of
/// this relay. None: IPv6 was asked for, and there is none.
pub(crate) fn relayed_ip(
    family: Family,
    public: Option<IpAddr>,
    listener: IpAddr,
    client: SocketAddr,
) -> Option<IpAddr> {
    let of_family = |ip: &IpAddr| Family::of(*ip) == family && !ip.is_unspecified();
    let client = SocketAddr::new(client.ip().to_canonical(), client.port());
    public
        .filter(of_family)
        .or_else(|| Some(listener.to_canonical()).filter(of_family))
        .or_else(|| source_towards(client).filter(of_family))
        .or_else(|| source_towards(OUTSIDE).filter(of_family))
        .or_else(|| Some(IpAddr::V4(Ipv4Addr::LOCALHOST)).filter(of_family))
}

/// An address for documentation (RFC 5737), to ask the routing table by which address this
/// machine is known outside.
const OUTSIDE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// The source address of datagrams to `peer`, as the routing table has it. Nothing is sent.
fn source_towards(peer: SocketAddr) -> Option<IpAddr> {
    let unspecified = match peer.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((unspecified, 0)).ok()?;
    socket.connect(peer).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_relays_own_addresses_are_peers() {
        let mut peers = Peers::new(Some(ip("203.0.113.5")), 5000..=5009);
        assert_eq!(peers.permission(ip("203.0.113.5")), Access::Allow);
        for stranger in [
            "127.0.0.1",
            "0.0.0.0",
            "169.254.169.254",
            "10.0.0.1",
            "::ffff:203.0.113.5",
            "::1",
            "255.255.255.255",
        ] {
            assert_eq!(peers.permission(ip(stranger)), Access::Deny, "{stranger}");
        }
        peers.add(ip("127.0.0.1"));
        assert_eq!(peers.permission(ip("127.0.0.1")), Access::Allow);
    }

    #[test]
    fn a_channel_leads_to_a_relay_port() {
        let peers = Peers::new(Some(ip("203.0.113.5")), 5000..=5009);
        for (port, access) in [
            (4999, Access::Deny),
            (5000, Access::Allow),
            (5009, Access::Allow),
            (5010, Access::Deny),
        ] {
            let peer = SocketAddr::new(ip("203.0.113.5"), port);
            assert_eq!(peers.channel(peer), access, "{port}");
        }
    }

    #[test]
    fn a_relayed_address_is_the_public_one_or_the_one_reached() {
        let client = "127.0.0.1:4000".parse().unwrap();
        let reached = |family, public, listener| relayed_ip(family, public, ip(listener), client);
        let public = Some(ip("203.0.113.5"));
        assert_eq!(reached(Family::V4, public, "0.0.0.0"), public);
        assert_eq!(
            reached(Family::V4, None, "127.0.0.1"),
            Some(ip("127.0.0.1"))
        );
        assert_eq!(reached(Family::V4, None, "0.0.0.0"), Some(ip("127.0.0.1")));
        assert_eq!(reached(Family::V6, public, "0.0.0.0"), None);
        assert_eq!(reached(Family::V6, None, "::1"), Some(ip("::1")));
        assert!(reached(Family::V4, None, "::1").is_some_and(|ip| ip.is_ipv4()));
    }
}
