//! Network addresses as limits count them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Who a stranger is to a limit: an IPv4 address, or the /64 of an IPv6 one (PROTOCOL.md §9).
///
/// A /64 is what one household or one rented machine gets, so its owner is counted once. An IPv6
/// socket shows IPv4 peers as mapped addresses (RFC 4291 §2.5.5.2); they count as IPv4.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address(Kind);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    V4([u8; 4]),
    V6Network(u64),
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => Kind::V4(address.octets()),
            IpAddr::V6(address) => Kind::V6Network(network(address)),
        })
    }
}

impl From<Address> for IpAddr {
    /// The address; of an IPv6 network, its first.
    fn from(Address(kind): Address) -> Self {
        match kind {
            Kind::V4(octets) => Self::V4(octets.into()),
            Kind::V6Network(network) => Self::V6(Ipv6Addr::from(u128::from(network) << 64)),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// The upper 64 bits.
fn network(address: Ipv6Addr) -> u64 {
    let [a, b, c, d, ..] = address.segments();
    [a, b, c, d]
        .into_iter()
        .fold(0, |bits, segment| bits << 16 | u64::from(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_ipv4_address_counts_by_itself() {
        assert_eq!(address("192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }

    #[test]
    fn an_ipv6_network_of_64_bits_counts_once() {
        assert_eq!(
            address("2001:db8:1:2::1"),
            address("2001:db8:1:2:ffff:ffff:ffff:ffff")
        );
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db9:1:2::1"));
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_one() {
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("::ffff:192.0.2.1"), address("::ffff:192.0.2.2"));
        assert_ne!(address("::1"), address("0.0.0.1"));
    }

    #[test]
    fn what_is_counted_is_an_address_again() {
        for text in ["192.0.2.1", "2001:db8:1:2::"] {
            assert_eq!(IpAddr::from(address(text)).to_string(), text);
        }
        assert_eq!(
            IpAddr::from(address("2001:db8:1:2::7")).to_string(),
            "2001:db8:1:2::"
        );
    }

    #[test]
    fn an_address_does_not_print() {
        assert_eq!(format!("{:?}", address("192.0.2.1")), "Address(…)");
    }
}
