//! Ranges of addresses, as operators write them: `10.0.0.0/8`, `2001:db8::/32`, or one address; and
//! those that are never outside, wherever one is.
//!
//! An address has faces: itself, and every IPv4 address that a gateway on the way would take out of it.
//! Whoever judges addresses judges each of them, so that no spelling gets further than the address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// What can't be read as a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an IP address or network such as \"10.0.0.0/8\", got {0:?}")]
pub struct NoNetwork(String);

impl Network {
    /// An IPv4 network with a prefix of at most 32 bits.
    pub const fn v4(first: [u8; 4], prefix: u32) -> Self {
        let [a, b, c, d] = first;
        Self {
            first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            prefix,
        }
    }

    /// An IPv6 network with a prefix of at most 128 bits, from the first two groups of its address
    /// on.
    pub const fn v6(first: [u16; 2], prefix: u32) -> Self {
        let [a, b] = first;
        Self {
            first: IpAddr::V6(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0)),
            prefix,
        }
    }

    /// Whether the address lies within. One of the other family never does.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.first, ip) {
            (IpAddr::V4(first), IpAddr::V4(ip)) => {
                let differs = first.to_bits() ^ ip.to_bits();
                differs.leading_zeros() >= self.prefix
            }
            (IpAddr::V6(first), IpAddr::V6(ip)) => {
                let differs = first.to_bits() ^ ip.to_bits();
                differs.leading_zeros() >= self.prefix
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let read = || {
            let (address, prefix) = match text.split_once('/') {
                Some((address, prefix)) => (address, Some(prefix)),
                None => (text, None),
            };
            let first: IpAddr = address.parse().ok()?;
            let longest = if first.is_ipv4() {
                Ipv4Addr::BITS
            } else {
                Ipv6Addr::BITS
            };
            let prefix = prefix.map_or(Some(longest), |prefix| prefix.parse().ok())?;
            (prefix <= longest).then_some(Self { first, prefix })
        };
        read().ok_or_else(|| NoNetwork(text.to_owned()))
    }
}

/// What is never outside unless the operator says so: this network, private and shared ones, loopback,
/// link-local, protocol assignments, documentation, benchmarks, multicast and whatever is reserved
/// (RFC 6890).
const NEVER_OUTSIDE_V4: [Network; 13] = [
    Network::v4([0, 0, 0, 0], 8),
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([100, 64, 0, 0], 10),
    Network::v4([127, 0, 0, 0], 8),
    Network::v4([169, 254, 0, 0], 16),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 0, 0, 0], 24),
    Network::v4([192, 0, 2, 0], 24),
    Network::v4([192, 168, 0, 0], 16),
    Network::v4([198, 18, 0, 0], 15),
    Network::v4([198, 51, 100, 0], 24),
    Network::v4([203, 0, 113, 0], 24),
    Network::v4([224, 0, 0, 0], 3),
];

/// The same for IPv6.
const NEVER_OUTSIDE_V6: [Network; 8] = [
    // With it mapped and compatible addresses, and NAT64's 64:ff9b::/96 and 64:ff9b:1::/48.
    Network::v6([0, 0], 8),
    Network::v6([0x2001, 0xdb8], 32),
    Network::v6([0x3fff, 0], 20),
    Network::v6([0x5f00, 0], 16),
    Network::v6([0xfc00, 0], 7),
    Network::v6([0xfe80, 0], 10),
    Network::v6([0xfec0, 0], 10),
    Network::v6([0xff00, 0], 8),
];

/// Whether an address is in one of the ranges that are never outside. Judges this face alone.
pub fn is_never_outside(ip: IpAddr) -> bool {
    let ranges = match ip {
        IpAddr::V4(_) => &NEVER_OUTSIDE_V4[..],
        IpAddr::V6(_) => &NEVER_OUTSIDE_V6,
    };
    ranges.iter().any(|network| network.contains(ip))
}

/// Every face of an address, itself first.
pub fn faces(ip: IpAddr) -> impl Iterator<Item = IpAddr> {
    let within = match ip {
        IpAddr::V4(_) => [None, None],
        IpAddr::V6(ip) => v4_within(ip),
    };
    std::iter::once(ip).chain(within.into_iter().flatten().map(IpAddr::V4))
}

/// The IPv4 addresses that an IPv6 address stands for: mapped and compatible ones (RFC 4291
/// §2.5.5), translated ones (RFC 6052 §2.1, RFC 2765 §2.1), 6to4 (RFC 3056 §2), and both ends of
/// Teredo, the client's inverted (RFC 4380 §4).
fn v4_within(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let octets = ip.octets();
    let at = |start: usize| {
        let mut v4 = [0; 4];
        v4.copy_from_slice(&octets[start..start + 4]);
        Ipv4Addr::from(v4)
    };
    match ip.segments() {
        // Unspecified and loopback have the same prefix as compatible ones, and are none.
        [0, 0, 0, 0, 0, 0, 0, _] => [None, None],
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..] => [Some(at(12)), None],
        [0x2002, ..] => [Some(at(2)), None],
        [0x2001, 0, ..] => [Some(at(4)), Some(Ipv4Addr::from_bits(!at(12).to_bits()))],
        _ => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_what_begins_with_its_bits() {
        for (network, within, without) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.3/8", "10.0.0.0", "9.255.255.255"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("::1", "::1", "127.0.0.1"),
            ("::/0", "ffff::", "0.0.0.0"),
        ] {
            let read: Network = network.parse().unwrap();
            assert!(read.contains(within.parse().unwrap()), "{network}");
            assert!(!read.contains(without.parse().unwrap()), "{network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "10/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "host"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
