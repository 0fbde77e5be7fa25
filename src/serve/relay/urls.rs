//! Where members are told that relays are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::TurnAddresses;
use crate::config::{RelayScheme, RelayUrl};
use crate::messenger::RelayPlace;

/// The relay of this process, which listens at `addresses`. `public` is the address at which it is
/// reached, if that isn't its own; `name` is one that its certificate is for.
pub(super) fn own(
    addresses: &TurnAddresses,
    public: Option<IpAddr>,
    name: Option<&str>,
) -> RelayPlace {
    let datagrams = reached(&addresses.udp, public);
    RelayPlace::new(
        urls("stun", &datagrams, ""),
        [
            urls("turn", &datagrams, "?transport=udp"),
            urls("turn", &reached(&addresses.tcp, public), "?transport=tcp"),
            encrypted_urls(&reached(&addresses.tls, public), name),
        ]
        .concat(),
    )
}

/// Relays on other machines, each with its addresses: those with the same host are one. One that
/// only says where clients come from is none that media could pass.
pub(super) fn elsewhere(urls: &[RelayUrl]) -> Vec<(RelayPlace, Vec<RelayUrl>)> {
    let mut hosts: Vec<(&str, Vec<RelayUrl>)> = Vec::new();
    for url in urls {
        match hosts.iter_mut().find(|(host, _)| *host == url.host()) {
            Some((_, urls)) => urls.push(url.clone()),
            None => hosts.push((url.host(), vec![url.clone()])),
        }
    }
    let place = |(_, urls): (&str, Vec<RelayUrl>)| {
        let (stun, turn): (Vec<&RelayUrl>, Vec<&RelayUrl>) = urls
            .iter()
            .partition(|url| url.scheme() == RelayScheme::Stun);
        let texts = |urls: Vec<&RelayUrl>| urls.iter().map(ToString::to_string).collect();
        (RelayPlace::new(texts(stun), texts(turn)), urls)
    };
    hosts.into_iter().map(place).collect()
}

fn urls(scheme: &str, addresses: &[SocketAddr], transport: &str) -> Vec<String> {
    addresses
        .iter()
        .map(|address| format!("{scheme}:{address}{transport}"))
        .collect()
}

/// Clients compare what they are told with the certificate, so they are told a name in it; an
/// address only where it has none. One name stands for every listener of its port.
fn encrypted_urls(addresses: &[SocketAddr], name: Option<&str>) -> Vec<String> {
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

/// Where clients reach these listeners, each place once.
fn reached(listeners: &[SocketAddr], public: Option<IpAddr>) -> Vec<SocketAddr> {
    let v4 = SocketAddr::is_ipv4;
    let mut reached = Vec::new();
    for listener in listeners {
        let mut as_listened = vec![*listener];
        // An IPv6 socket for every address takes IPv4 too, where nothing else does.
        if listener.ip() == Ipv6Addr::UNSPECIFIED && !listeners.iter().any(v4) {
            as_listened.push(SocketAddr::new(
                Ipv4Addr::UNSPECIFIED.into(),
                listener.port(),
            ));
        }
        for listener in as_listened {
            if let Some(address) = told(listener, public)
                && !reached.contains(&address)
            {
                reached.push(address);
            }
        }
    }
    reached
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
    fn clients_of_tls_are_told_a_name_that_the_certificate_is_for() {
        let listeners = [address("192.0.2.1:5349"), address("[2001:db8::1]:5349")];
        assert_eq!(
            encrypted_urls(&listeners, Some("relay.example")),
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

    #[test]
    fn listeners_behind_one_public_address_are_told_once() {
        let public = Some("198.51.100.7".parse().unwrap());
        let listeners = [address("192.168.1.5:3478"), address("10.0.0.5:3478")];
        assert_eq!(reached(&listeners, public), [address("198.51.100.7:3478")]);
        assert_eq!(reached(&listeners, None), listeners);
    }

    #[test]
    fn a_socket_for_both_families_is_told_for_both() {
        let public = Some("198.51.100.7".parse().unwrap());
        let told = address("198.51.100.7:3478");
        assert!(reached(&[address("[::]:3478")], public).contains(&told));
        let both = [address("0.0.0.0:3478"), address("[::]:3478")];
        let count = |it: &&SocketAddr| **it == told;
        assert_eq!(reached(&both, public).iter().filter(count).count(), 1);
        let v6 = [address("[2001:db8::1]:3478")];
        assert_eq!(reached(&v6, public), v6);
    }

    #[test]
    fn addresses_of_one_host_are_one_relay_in_the_order_of_its_first() {
        let urls = [
            "turn:b.example?transport=udp",
            "turn:[2001:db8::1]:3478",
            "stun:b.example",
            "turns:b.example:443",
        ];
        let urls = urls.map(|url| url.parse().unwrap());
        let relays = elsewhere(&urls);
        assert_eq!(relays.len(), 2);
        let (first, asked) = &relays[0];
        assert_eq!(first.stun_urls, ["stun:b.example"]);
        assert_eq!(
            first.turn_urls,
            ["turn:b.example?transport=udp", "turns:b.example:443"]
        );
        assert_eq!(asked.len(), 3);
        assert_eq!(relays[1].0.turn_urls, ["turn:[2001:db8::1]:3478"]);
    }
}
