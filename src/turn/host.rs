//! The addresses of this machine, as its system tells them.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;

/// Every address of every interface. Where the system's own list isn't to be had, because a sandbox
/// lets no netlink socket through, what the kernel shows of its routing tables is read instead.
pub(super) fn addresses() -> Vec<IpAddr> {
    let mut addresses = from_interfaces().unwrap_or_else(from_tables);
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

fn from_interfaces() -> Option<Vec<IpAddr>> {
    let interfaces = getifaddrs().ok()?;
    let addresses = interfaces.filter_map(|interface| {
        let address = interface.address?;
        let v4 = address.as_sockaddr_in().map(|it| IpAddr::V4(it.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|it| IpAddr::V6(it.ip())))
    });
    Some(addresses.collect())
}

fn from_tables() -> Vec<IpAddr> {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/net/{name}"));
    let mut addresses = read("fib_trie").map_or_else(|_| Vec::new(), |text| v4_of(&text));
    addresses.extend(read("if_inet6").map_or_else(|_| Vec::new(), |text| v6_of(&text)));
    addresses
}

/// The addresses in a routing trie that lead to this machine: each a leaf, with what it is below.
fn v4_of(trie: &str) -> Vec<IpAddr> {
    let mut leaf = None;
    let mut addresses = Vec::new();
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse::<Ipv4Addr>().ok();
        } else if line == "/32 host LOCAL" {
            addresses.extend(leaf.map(IpAddr::V4));
        }
    }
    addresses
}

/// The addresses in a table with one a line, in 32 digits at its beginning.
fn v6_of(table: &str) -> Vec<IpAddr> {
    table
        .lines()
        .filter_map(|line| {
            let digits = line.split_whitespace().next()?;
            let bits = u128::from_str_radix(digits, 16).ok()?;
            (digits.len() == 32).then(|| Ipv6Addr::from_bits(bits).into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_an_address_of_every_machine() {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert!(addresses().contains(&loopback));
        assert!(from_tables().contains(&loopback));
    }

    #[test]
    fn the_kernels_tables_know_what_the_system_knows() {
        let tables = from_tables();
        for address in from_interfaces().unwrap_or_default() {
            assert!(tables.contains(&address), "{address}");
        }
    }

    #[test]
    fn tables_are_read_line_by_line() {
        let trie = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n     \
            |-- 127.0.0.0\n        /8 host LOCAL\n     \
            |-- 192.0.2.2\n        /32 host LOCAL\n     |-- 192.0.2.255\n        /32 link BROADCAST\n";
        assert_eq!(v4_of(trie), [IpAddr::from([192, 0, 2, 2])]);
        let table = "fd000000000000000000000000000002 04 40 00 80 eth0\nshort 01\n";
        assert_eq!(v6_of(table), ["fd00::2".parse::<IpAddr>().unwrap()]);
    }
}
