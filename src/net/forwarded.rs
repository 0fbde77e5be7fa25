//! Whose address counts: the peer's own, or the one that a trusted proxy names (PROTOCOL.md §9).
//!
//! Cloudflare's tunnel appends the real address to whatever `X-Forwarded-For` the client sent, so
//! only its last entry means anything, and `CF-Connecting-IP` is better. Nobody but a trusted
//! proxy is believed, and a proxy that says something unreadable is taken for the client itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::stream::Remote;

/// A text that names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an address or a network like 192.0.2.0/24 or 2001:db8::/32, not {0:?}")]
pub struct InvalidNetwork(String);

/// The peers whose forwarding headers are believed. A Unix-socket peer always is.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    /// Reads addresses and networks in CIDR form.
    pub fn parse<T: AsRef<str>>(networks: &[T]) -> Result<Self, InvalidNetwork> {
        networks
            .iter()
            .map(|text| text.as_ref().parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The address that counts for `peer`, whose request carries these values of
    /// `CF-Connecting-IP` and `X-Forwarded-For`, each in the order of arrival.
    pub fn address<'a>(
        &self,
        peer: Remote,
        connecting: impl IntoIterator<Item = &'a [u8]>,
        forwarded: impl IntoIterator<Item = &'a [u8]>,
    ) -> Remote {
        if !self.trusts(peer) {
            return peer;
        }
        let mut connecting = connecting.into_iter();
        let named = match (connecting.next(), connecting.next()) {
            (Some(value), None) => address(value),
            (Some(_), Some(_)) => None,
            (None, _) => forwarded.into_iter().last().and_then(last_address),
        };
        named.map_or(peer, Remote::Address)
    }

    /// Whether `peer` is one whose word is taken for others.
    pub fn trusts(&self, peer: Remote) -> bool {
        match peer {
            Remote::Local => true,
            Remote::Address(ip) => self.0.iter().any(|network| network.contains(ip)),
        }
    }
}

fn last_address(list: &[u8]) -> Option<IpAddr> {
    address(list.rsplit(|byte| *byte == b',').next()?)
}

/// An address, also with a port behind it, as some proxies write it.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let ip = text
        .parse()
        .or_else(|_| text.parse().map(|socket: SocketAddr| socket.ip()));
    ip.ok().map(|ip: IpAddr| ip.to_canonical())
}

/// A network; IPv4 ones are held as what they are inside of IPv6.
#[derive(Debug, Clone, Copy)]
struct Network {
    bits: u128,
    prefix: u32,
}

impl Network {
    fn contains(self, ip: IpAddr) -> bool {
        masked(wide(ip), self.prefix) == self.bits
    }
}

fn wide(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => Ipv4Addr::to_ipv6_mapped(&ip).to_bits(),
        IpAddr::V6(ip) => Ipv6Addr::to_bits(ip),
    }
}

fn masked(bits: u128, prefix: u32) -> u128 {
    bits & u128::MAX.checked_shl(128 - prefix).unwrap_or(0)
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let invalid = || InvalidNetwork(text.to_owned());
        let (ip, length) = match text.split_once('/') {
            Some((ip, length)) => (ip, Some(length.parse::<u32>().map_err(|_| invalid())?)),
            None => (text, None),
        };
        let ip: IpAddr = ip.parse().map_err(|_| invalid())?;
        let (most, offset) = if ip.is_ipv4() { (32, 96) } else { (128, 0) };
        let length = length.unwrap_or(most);
        if length > most {
            return Err(invalid());
        }
        let prefix = length + offset;
        Ok(Self {
            bits: masked(wide(ip), prefix),
            prefix,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn proxies() -> TrustedProxies {
        TrustedProxies::parse(&["127.0.0.0/8", "::1", "10.1.0.0/16", "2001:db8::/32"]).unwrap()
    }

    fn ip(text: &str) -> Remote {
        Remote::Address(text.parse().unwrap())
    }

    fn seen(peer: Remote, connecting: &[&str], forwarded: &[&str]) -> Remote {
        proxies().address(
            peer,
            connecting.iter().map(|value| value.as_bytes()),
            forwarded.iter().map(|value| value.as_bytes()),
        )
    }

    #[test]
    fn a_stranger_speaks_for_itself_only() {
        let stranger = ip("192.0.2.1");
        assert_eq!(seen(stranger, &["203.0.113.9"], &["203.0.113.8"]), stranger);
        assert_eq!(seen(ip("10.2.0.1"), &["203.0.113.9"], &[]), ip("10.2.0.1"));
    }

    #[test]
    fn a_proxy_speaks_for_others() {
        for proxy in [ip("127.3.2.1"), ip("::1"), ip("10.1.255.3"), Remote::Local] {
            assert_eq!(seen(proxy, &["203.0.113.9"], &[]), ip("203.0.113.9"));
            assert_eq!(seen(proxy, &[], &["2001:DB8::7"]), ip("2001:db8::7"));
            assert_eq!(seen(proxy, &[], &[]), proxy);
        }
    }

    #[test]
    fn the_connecting_address_comes_before_the_forwarded_one() {
        assert_eq!(
            seen(Remote::Local, &["203.0.113.9"], &["192.0.2.1"]),
            ip("203.0.113.9")
        );
    }

    #[test]
    fn of_a_list_only_the_last_entry_counts() {
        let last = ip("203.0.113.9");
        assert_eq!(seen(Remote::Local, &[], &["1.1.1.1, 203.0.113.9"]), last);
        assert_eq!(seen(Remote::Local, &[], &["1.1.1.1", "203.0.113.9"]), last);
        assert_eq!(seen(Remote::Local, &[], &["x, 203.0.113.9:4711"]), last);
        assert_eq!(seen(Remote::Local, &[], &["203.0.113.9, x"]), Remote::Local);
    }

    #[test]
    fn two_connecting_addresses_are_none() {
        assert_eq!(
            seen(Remote::Local, &["203.0.113.9", "203.0.113.8"], &["1.1.1.1"]),
            Remote::Local
        );
    }

    #[test]
    fn ipv4_inside_ipv6_is_the_same_peer() {
        assert_eq!(
            seen(ip("::ffff:127.0.0.1"), &["::ffff:203.0.113.9"], &[]),
            ip("203.0.113.9")
        );
    }

    #[test]
    fn the_whole_internet_can_be_trusted_and_both_families_stay_apart() {
        let four = TrustedProxies::parse(&["0.0.0.0/0"]).unwrap();
        assert!(four.trusts(ip("198.51.100.1")) && !four.trusts(ip("2001:db8::1")));
        let six = TrustedProxies::parse(&["::/0"]).unwrap();
        assert!(six.trusts(ip("2001:db8::1")));
    }

    #[test]
    fn a_bad_network_is_named() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0/8",
            "a/8",
            "10.0.0.0/",
            "1/-1",
        ] {
            assert_eq!(
                TrustedProxies::parse(&[text]).unwrap_err(),
                InvalidNetwork(text.to_owned())
            );
        }
    }

    proptest! {
        #[test]
        fn garbage_is_the_peers_own_address(
            connecting in proptest::option::of("[^0-9]{0,40}"),
            forwarded in proptest::collection::vec("\\PC{0,40}[^0-9:a-fA-F.\\]\\s]", 0..4),
        ) {
            prop_assume!(connecting.is_none() || !forwarded.is_empty());
            let connecting: Vec<&str> = connecting.iter().map(String::as_str).collect();
            let forwarded: Vec<&str> = forwarded.iter().map(String::as_str).collect();
            prop_assume!(connecting.iter().all(|text| address(text.as_bytes()).is_none()));
            prop_assert_eq!(seen(ip("127.0.0.1"), &connecting, &forwarded), ip("127.0.0.1"));
        }

        #[test]
        fn any_bytes_are_survived(
            connecting in proptest::collection::vec(any::<Vec<u8>>(), 0..3),
            forwarded in proptest::collection::vec(any::<Vec<u8>>(), 0..3),
        ) {
            proxies().address(
                Remote::Local,
                connecting.iter().map(Vec::as_slice),
                forwarded.iter().map(Vec::as_slice),
            );
        }

        #[test]
        fn any_address_that_a_proxy_names_is_believed(v4: u32, v6: u128, rest in "[ ,.a-z0-9]{0,30}") {
            for named in [IpAddr::from(Ipv4Addr::from_bits(v4)), Ipv6Addr::from_bits(v6).into()] {
                let list = format!("{rest},{named}");
                let expected = Remote::Address(named.to_canonical());
                prop_assert_eq!(seen(Remote::Local, &[], &[list.as_str()]), expected);
                prop_assert_eq!(seen(Remote::Local, &[named.to_string().as_str()], &[]), expected);
            }
        }

        #[test]
        fn a_network_holds_exactly_its_prefix(bits: u32, prefix in 0u32..=32, other: u32) {
            let network: Network = format!("{}/{prefix}", Ipv4Addr::from_bits(bits)).parse().unwrap();
            let same = prefix == 0 || (bits ^ other) >> (32 - prefix) == 0;
            prop_assert_eq!(network.contains(Ipv4Addr::from_bits(other).into()), same);
        }
    }
}
