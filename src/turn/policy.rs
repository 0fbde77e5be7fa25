//! Whom allocations may reach outside this relay, in the open mode. No sockets, no clock.
//!
//! An address has faces: itself, and every IPv4 address that a gateway on the way would take out of
//! it. A peer is admitted when each of its faces is: not one that the operator denies, and either
//! one that the operator allows, or neither in the list of what is never outside nor an address of
//! this machine. So `denied_peers` goes before `allowed_peers`, and that before the list; and no
//! spelling of an address gets further than the address.

use std::net::{IpAddr, SocketAddr};

use crate::base::network::{Network, faces, is_never_outside};

/// What the operator adds.
#[derive(Debug, Clone, Default)]
pub struct PeerRules {
    /// Never peers, whatever else is said.
    pub denied: Vec<Network>,
    /// Peers although they are in the list, or addresses of this machine.
    pub allowed: Vec<Network>,
}

/// A peer outside this relay that was admitted. Whoever has one may send to it; only the policy
/// makes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outsider(SocketAddr);

impl Outsider {
    pub(crate) fn address(self) -> SocketAddr {
        self.0
    }
}

/// The rules with what this machine is known by.
#[derive(Debug)]
pub(crate) struct PeerPolicy {
    rules: PeerRules,
    /// This machine's own addresses.
    own: Vec<IpAddr>,
}

impl PeerPolicy {
    pub(crate) fn new(rules: PeerRules, own: Vec<IpAddr>) -> Self {
        Self { rules, own }
    }

    /// From now on these are this machine's addresses.
    pub(crate) fn set_own(&mut self, own: Vec<IpAddr>) {
        self.own = own;
    }

    /// From now on this is one of this machine's addresses too.
    pub(crate) fn add_own(&mut self, ip: IpAddr) {
        if !self.own.contains(&ip) {
            self.own.push(ip);
        }
    }

    /// Whether there may be peers at this address.
    pub(crate) fn admits(&self, ip: IpAddr) -> bool {
        faces(ip).all(|face| self.admits_face(face))
    }

    /// The peer, if there may be one at this address and port.
    pub(crate) fn admit(&self, peer: SocketAddr) -> Option<Outsider> {
        (peer.port() != 0 && self.admits(peer.ip())).then_some(Outsider(peer))
    }

    fn admits_face(&self, ip: IpAddr) -> bool {
        let in_any = |networks: &[Network]| networks.iter().any(|network| network.contains(ip));
        !in_any(&self.rules.denied)
            && (in_any(&self.rules.allowed) || !(is_never_outside(ip) || self.own.contains(&ip)))
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::turn::tests::ranges::{DISGUISES, RANGES, disguised};

    const PUBLIC: &str = "8.8.8.8";

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn policy(denied: &[&str], allowed: &[&str]) -> PeerPolicy {
        let read = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let rules = PeerRules {
            denied: read(denied),
            allowed: read(allowed),
        };
        PeerPolicy::new(rules, Vec::new())
    }

    #[test]
    fn every_range_is_denied_from_its_first_address_to_its_last() {
        let policy = policy(&[], &[]);
        for range in &RANGES {
            for denied in range.within {
                assert!(!policy.admits(ip(denied)), "{denied}");
            }
            for admitted in range.beside {
                assert!(policy.admits(ip(admitted)), "{admitted}");
            }
        }
        assert!(policy.admits(ip(PUBLIC)) && policy.admits(ip("2620:fe::fe")));
    }

    #[test]
    fn a_disguise_gets_no_further_than_what_it_hides() {
        let policy = policy(&[], &[]);
        let hidden = RANGES.iter().flat_map(|range| range.within);
        for hidden in hidden.filter_map(|text| text.parse::<Ipv4Addr>().ok()) {
            for disguise in DISGUISES {
                let ip = disguised(disguise, hidden);
                assert!(!policy.admits(ip.into()), "{ip} hides {hidden}");
            }
        }
        for (disguise, admitted) in [("6to4", true), ("teredo", true), ("mapped", false)] {
            let ip = disguised(disguise, PUBLIC.parse().unwrap());
            assert_eq!(policy.admits(ip.into()), admitted, "{ip}");
        }
    }

    #[test]
    fn denied_goes_before_allowed_and_allowed_before_the_list() {
        let policy = policy(
            &["10.1.0.0/16", "8.8.0.0/16", "2620:fe::/48"],
            &["10.0.0.0/8", "8.8.8.8", "fd00::/8", "::1"],
        );
        for (text, admitted) in [
            ("10.2.0.1", true),
            ("10.1.0.1", false),
            ("8.8.8.8", false),
            ("8.9.0.0", true),
            ("fd00::1", true),
            ("fc00::1", false),
            ("::1", true),
            ("2620:fe::fe", false),
        ] {
            assert_eq!(policy.admits(ip(text)), admitted, "{text}");
        }
    }

    #[test]
    fn what_is_allowed_is_allowed_under_its_own_name_only() {
        let hidden: Ipv4Addr = "10.0.0.1".parse().unwrap();
        let nat64 = disguised("nat64", hidden);
        let only_v4 = policy(&[], &["10.0.0.0/8"]);
        assert!(only_v4.admits(hidden.into()));
        assert!(!only_v4.admits(nat64.into()));
        let only_nat64 = policy(&[], &["64:ff9b::/96"]);
        assert!(!only_nat64.admits(nat64.into()));
        assert!(only_nat64.admits(disguised("nat64", PUBLIC.parse().unwrap()).into()));
        let both = policy(&[], &["64:ff9b::/96", "10.0.0.0/8"]);
        assert!(both.admits(nat64.into()));
    }

    #[test]
    fn this_machine_is_no_peer_in_any_disguise() {
        let mut policy = policy(&[], &[]);
        policy.set_own(vec![ip(PUBLIC), ip("2620:fe::fe")]);
        policy.add_own(ip("9.9.9.9"));
        assert!(!policy.admits(ip(PUBLIC)) && !policy.admits(ip("2620:fe::fe")));
        assert!(!policy.admits(ip("9.9.9.9")) && policy.admits(ip("9.9.9.10")));
        for disguise in DISGUISES {
            let ip = disguised(disguise, PUBLIC.parse().unwrap());
            assert!(!policy.admits(ip.into()), "{ip}");
        }
    }

    #[test]
    fn nobody_is_at_port_0() {
        let policy = policy(&[], &[]);
        assert!(policy.admit(SocketAddr::new(ip(PUBLIC), 0)).is_none());
        assert!(policy.admit(SocketAddr::new(ip(PUBLIC), 1)).is_some());
    }
}
