//! Every range of addresses that is never outside, written out by hand, and the disguises that an
//! IPv4 address has in IPv6.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A range: addresses in it, the first and the last among them, and those before and after it that
/// are outside.
pub(in crate::turn) struct Range {
    pub(in crate::turn) within: [&'static str; 3],
    pub(in crate::turn) beside: &'static [&'static str],
}

const fn range(within: [&'static str; 3], beside: &'static [&'static str]) -> Range {
    Range { within, beside }
}

#[rustfmt::skip]
pub(in crate::turn) const RANGES: [Range; 24] = [
    range(["0.0.0.0", "0.1.2.3", "0.255.255.255"], &["1.0.0.0"]),
    range(["10.0.0.0", "10.1.2.3", "10.255.255.255"], &["9.255.255.255", "11.0.0.0"]),
    range(["100.64.0.0", "100.100.2.3", "100.127.255.255"], &["100.63.255.255", "100.128.0.0"]),
    range(["127.0.0.0", "127.0.0.1", "127.255.255.255"], &["126.255.255.255", "128.0.0.0"]),
    range(["169.254.0.0", "169.254.169.254", "169.254.255.255"], &["169.253.255.255", "169.255.0.0"]),
    range(["172.16.0.0", "172.20.2.3", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
    range(["192.0.0.0", "192.0.0.170", "192.0.0.255"], &["191.255.255.255", "192.0.1.0"]),
    range(["192.0.2.0", "192.0.2.7", "192.0.2.255"], &["192.0.1.255", "192.0.3.0"]),
    range(["192.168.0.0", "192.168.1.1", "192.168.255.255"], &["192.167.255.255", "192.169.0.0"]),
    range(["198.18.0.0", "198.18.2.3", "198.19.255.255"], &["198.17.255.255", "198.20.0.0"]),
    range(["198.51.100.0", "198.51.100.7", "198.51.100.255"], &["198.51.99.255", "198.51.101.0"]),
    range(["203.0.113.0", "203.0.113.7", "203.0.113.255"], &["203.0.112.255", "203.0.114.0"]),
    range(["224.0.0.0", "240.0.0.1", "255.255.255.255"], &["223.255.255.255"]),
    range(["::", "::1", "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], &["100::"]),
    range(["64:ff9b::", "64:ff9b::808:808", "64:ff9b::ffff:ffff"], &[]),
    range(["64:ff9b:1::", "64:ff9b:1::808:808", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"], &[]),
    range(["2001:db8::", "2001:db8:1::1", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"],
        &["2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::"]),
    range(["3fff::", "3fff:1::1", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"],
        &["3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::"]),
    range(["5f00::", "5f00:1::1", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        &["5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::"]),
    range(["fc00::", "fd00::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        &["fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::"]),
    range(["fe80::", "fe80::1", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        &["fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
    range(["fec0::", "fec0::1", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], &[]),
    range(["ff00::", "ff02::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"], &[]),
    range(["::ffff:0.0.0.0", "::ffff:127.0.0.1", "::ffff:255.255.255.255"], &[]),
];

pub(in crate::turn) const DISGUISES: [&str; 7] = [
    "mapped",
    "compatible",
    "translated",
    "nat64",
    "6to4",
    "teredo",
    "teredo server",
];

/// An address that leads, or is said to lead, to the hidden one.
pub(in crate::turn) fn disguised(disguise: &str, hidden: Ipv4Addr) -> Ipv6Addr {
    let public = Ipv4Addr::new(8, 8, 4, 4);
    let [high, low] = halves(hidden);
    let [public_high, public_low] = halves(public);
    match disguise {
        "mapped" => hidden.to_ipv6_mapped(),
        "compatible" => Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        "translated" => Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        "nat64" => Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        "6to4" => Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        "teredo" => Ipv6Addr::new(0x2001, 0, public_high, public_low, 0, 0, !high, !low),
        "teredo server" => Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !public_high, !public_low),
        _ => panic!("no disguise: {disguise}"),
    }
}

fn halves(ip: Ipv4Addr) -> [u16; 2] {
    let [a, b, c, d] = ip.octets();
    [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]
}
