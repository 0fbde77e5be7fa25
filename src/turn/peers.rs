//! Who may be a peer: allocations of this relay, and in the open mode whom the policy admits.
//!
//! A permission is for an address without a port (RFC 8656 §9), so it may be given before the
//! other side's allocation is there, as long as the address is one that this relay gives out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use super::policy::{Outsider, PeerPolicy};
use super::settings::Reach;

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

/// The addresses and ports that relayed addresses are made of, and who else there may be.
#[derive(Debug)]
pub(crate) struct Peers {
    addresses: Vec<IpAddr>,
    ports: RangeInclusive<u16>,
    /// None: nobody else, which is the closed mode.
    policy: Option<PeerPolicy>,
}

impl Peers {
    pub(crate) fn new(public: Option<IpAddr>, ports: RangeInclusive<u16>, reach: Reach) -> Self {
        Self {
            addresses: public.into_iter().collect(),
            ports,
            policy: match reach {
                Reach::Closed => None,
                Reach::Open(rules) => Some(PeerPolicy::new(rules, public.into_iter().collect())),
            },
        }
    }

    /// From now on these are this machine's own addresses, beside those it gives out.
    pub(crate) fn set_own(&mut self, mut own: Vec<IpAddr>) {
        own.extend(&self.addresses);
        if let Some(policy) = &mut self.policy {
            policy.set_own(own);
        }
    }

    /// From now on relayed addresses at `ip` may be peers.
    pub(crate) fn add(&mut self, ip: IpAddr) {
        if !self.addresses.contains(&ip) && self.addresses.len() < MAX_ADDRESSES {
            self.addresses.push(ip);
        }
        if let Some(policy) = &mut self.policy {
            policy.add_own(ip);
        }
    }

    /// Whether a permission for this address may be had.
    pub(crate) fn permission(&self, ip: IpAddr) -> Access {
        let is_admitted = |policy: &PeerPolicy| policy.admits(ip);
        if self.addresses.contains(&ip) || self.policy.as_ref().is_some_and(is_admitted) {
            Access::Allow
        } else {
            Access::Deny
        }
    }

    /// Whether a channel to this peer may be bound.
    pub(crate) fn channel(&self, peer: SocketAddr) -> Access {
        let is_ours = self.ports.contains(&peer.port()) && self.addresses.contains(&peer.ip());
        if is_ours || self.outsider(peer).is_some() {
            Access::Allow
        } else {
            Access::Deny
        }
    }

    /// The peer outside this relay at this address, if there may be one. An address that this relay
    /// gives out is none, whatever its port, unless the operator allows it.
    pub(crate) fn outsider(&self, peer: SocketAddr) -> Option<Outsider> {
        self.policy.as_ref()?.admit(peer)
    }
}

/// What relayed addresses are found by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached<'a> {
    pub(crate) public: Option<IpAddr>,
    /// The address of the listener that the client came to, unspecified where it listens on all.
    pub(crate) listener: IpAddr,
    /// Every address that is listened on.
    pub(crate) listeners: &'a [SocketAddr],
    pub(crate) client: SocketAddr,
}

impl Reached<'_> {
    /// The address a relayed address carries: the public one, the one the client reached, or for
    /// the other family than the client's one that is listened on.
    ///
    /// An IPv4 one is always found, because clients of either family get one unless they ask for
    /// another (RFC 8656 §7.2): in the end loopback, which is as good a name as any among clients
    /// of this relay. An IPv6 one only where the relay has it as its public address or listens on
    /// IPv6.
    pub(crate) fn relayed_ip(&self, family: Family) -> Option<IpAddr> {
        let public = self.public.filter(|ip| is_usable(*ip, family));
        public
            .or_else(|| self.reached_ip(family))
            .or_else(|| self.other_ip(family))
            .or_else(|| (family == Family::V4).then_some(Ipv4Addr::LOCALHOST.into()))
    }

    /// The addresses to bind a socket to for what is sent to `relayed`, best first. They are others
    /// where a router in front of this machine has the public address.
    pub(crate) fn local_ips(&self, relayed: IpAddr) -> Vec<IpAddr> {
        let family = Family::of(relayed);
        let mut local = vec![relayed];
        if self.public == Some(relayed) {
            let listener = Some(self.listener.to_canonical());
            local.extend(listener.filter(|ip| is_usable(*ip, family)));
            local.extend(self.other_ip(family));
            local.extend(self.reached_ip(family));
        }
        local
    }

    fn reached_ip(&self, family: Family) -> Option<IpAddr> {
        let ip = self.client.ip().to_canonical();
        Some(self.listener.to_canonical())
            .filter(|ip| is_usable(*ip, family))
            .or_else(|| source_towards(SocketAddr::new(ip, self.client.port())))
            .filter(|ip| is_usable(*ip, family))
    }

    fn other_ip(&self, family: Family) -> Option<IpAddr> {
        let mut listeners = self.listeners.iter().map(SocketAddr::ip);
        let is_listened_on = listeners.clone().any(|ip| Family::of(ip) == family);
        listeners
            .find(|ip| is_usable(*ip, family))
            .or_else(|| match family {
                Family::V4 => source_towards(OUTSIDE_V4),
                Family::V6 if is_listened_on => source_towards(OUTSIDE_V6),
                Family::V6 => None,
            })
            .filter(|ip| is_usable(*ip, family))
    }
}

fn is_usable(ip: IpAddr, family: Family) -> bool {
    Family::of(ip) == family && !ip.is_unspecified()
}

/// Addresses for documentation (RFC 5737, RFC 3849), to ask the routing table by which address this
/// machine is known outside.
const OUTSIDE_V4: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);
const OUTSIDE_V6: SocketAddr = SocketAddr::new(
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    9,
);

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
    use crate::turn::policy::PeerRules;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn closed() -> Peers {
        Peers::new(Some(ip("203.0.113.5")), 5000..=5009, Reach::Closed)
    }

    fn open() -> Peers {
        let rules = PeerRules {
            denied: vec!["8.8.8.0/24".parse().unwrap()],
            allowed: vec!["127.0.0.9".parse().unwrap()],
        };
        Peers::new(Some(ip("9.9.9.7")), 5000..=5009, Reach::Open(rules))
    }

    #[test]
    fn in_the_open_mode_the_relays_own_addresses_are_peers_in_memory_only() {
        let mut peers = open();
        peers.add(ip("9.9.9.8"));
        peers.set_own(vec![ip("9.9.9.9")]);
        for (text, permission, channel, outsider) in [
            ("9.9.9.7:5003", Access::Allow, Access::Allow, false),
            ("9.9.9.7:4999", Access::Allow, Access::Deny, false),
            ("9.9.9.8:5003", Access::Allow, Access::Allow, false),
            ("9.9.9.8:22", Access::Allow, Access::Deny, false),
            ("9.9.9.9:5003", Access::Deny, Access::Deny, false),
            ("8.8.8.8:53", Access::Deny, Access::Deny, false),
            ("127.0.0.9:22", Access::Allow, Access::Allow, true),
            ("1.1.1.1:53", Access::Allow, Access::Allow, true),
            ("1.1.1.1:0", Access::Allow, Access::Deny, false),
        ] {
            let peer: SocketAddr = text.parse().unwrap();
            assert_eq!(peers.permission(peer.ip()), permission, "{text}");
            assert_eq!(peers.channel(peer), channel, "{text}");
            assert_eq!(peers.outsider(peer).is_some(), outsider, "{text}");
        }
    }

    #[test]
    fn only_the_relays_own_addresses_are_peers() {
        let mut peers = closed();
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
        let peers = closed();
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
        let reached = |family, public, listener| {
            let listener = ip(listener);
            Reached {
                public,
                listener,
                listeners: &[SocketAddr::new(listener, 3478)],
                client: "127.0.0.1:4000".parse().unwrap(),
            }
            .relayed_ip(family)
        };
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

    #[test]
    fn the_other_family_is_had_where_it_is_listened_on() {
        let listeners = ["127.0.0.1:1", "[::1]:1"].map(|text| text.parse().unwrap());
        let reached = Reached {
            public: Some(ip("203.0.113.5")),
            listener: ip("127.0.0.1"),
            listeners: &listeners,
            client: "127.0.0.1:4000".parse().unwrap(),
        };
        assert_eq!(reached.relayed_ip(Family::V6), Some(ip("::1")));
        let only_v4 = Reached {
            listeners: &listeners[..1],
            ..reached
        };
        assert_eq!(only_v4.relayed_ip(Family::V6), None);
    }

    #[test]
    fn a_socket_is_bound_behind_the_router_that_has_the_public_address() {
        let listeners = ["127.0.0.1:1"].map(|text| text.parse().unwrap());
        let reached = Reached {
            public: Some(ip("203.0.113.5")),
            listener: ip("127.0.0.1"),
            listeners: &listeners,
            client: "127.0.0.1:4000".parse().unwrap(),
        };
        let local = reached.local_ips(ip("203.0.113.5"));
        assert_eq!(local[..2], [ip("203.0.113.5"), ip("127.0.0.1")]);
        assert_eq!(reached.local_ips(ip("127.0.0.1")), [ip("127.0.0.1")]);
    }
}
