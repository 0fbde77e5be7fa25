//! Addresses, networks, origins and ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;

use super::{Kind, Value};
use crate::config::{ListenAddress, RelayUrl};

/// An address to listen on: TCP, or a Unix socket as `unix:/path`.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Listen;

impl Kind<ListenAddress> for Listen {
    fn expected(&self) -> String {
        "an address and port such as \"127.0.0.1:8000\" or \"[::1]:8000\", or \"unix:/path\"".into()
    }

    fn read(&self, value: &Value) -> Option<ListenAddress> {
        value.text()?.parse().ok()
    }

    fn write(&self, setting: &ListenAddress) -> Value {
        Value::Text(setting.to_string())
    }
}

/// An IP address and a port.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Socket;

impl Kind<SocketAddr> for Socket {
    fn expected(&self) -> String {
        "an address and port such as \"0.0.0.0:3478\" or \"[::]:3478\"".into()
    }

    fn read(&self, value: &Value) -> Option<SocketAddr> {
        value.text()?.parse().ok()
    }

    fn write(&self, setting: &SocketAddr) -> Value {
        Value::Text(setting.to_string())
    }
}

/// An IP address that one machine can be reached at.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Address;

impl Kind<IpAddr> for Address {
    fn expected(&self) -> String {
        "the IP address of a machine such as \"192.0.2.1\" or \"2001:db8::1\"".into()
    }

    fn read(&self, value: &Value) -> Option<IpAddr> {
        let address: IpAddr = value.text()?.parse().ok()?;
        (!address.is_unspecified() && !address.is_multicast()).then_some(address)
    }

    fn write(&self, setting: &IpAddr) -> Value {
        Value::Text(setting.to_string())
    }
}

/// The address of a media relay on another machine.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct RelayAddress;

impl Kind<RelayUrl> for RelayAddress {
    fn expected(&self) -> String {
        "a relay's address such as \"turn:relay.example.org:3478?transport=udp\", \
         \"turns:relay.example.org:5349\" or \"stun:[2001:db8::1]:3478\""
            .into()
    }

    fn read(&self, value: &Value) -> Option<RelayUrl> {
        value.text()?.parse().ok()
    }

    fn write(&self, setting: &RelayUrl) -> Value {
        Value::Text(setting.to_string())
    }
}

/// An address, or a network in CIDR form.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Network;

impl Kind<String> for Network {
    fn expected(&self) -> String {
        "an IP address or network such as \"10.0.0.1\" or \"10.0.0.0/8\"".into()
    }

    fn read(&self, value: &Value) -> Option<String> {
        let text = value.text()?;
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let longest = match address.parse().ok()? {
            IpAddr::V4(_) => Ipv4Addr::BITS,
            IpAddr::V6(_) => Ipv6Addr::BITS,
        };
        let fits = match prefix {
            Some(prefix) => number::<u32>(prefix)? <= longest,
            None => true,
        };
        fits.then(|| text.to_owned())
    }

    fn write(&self, setting: &String) -> Value {
        Value::Text(setting.clone())
    }
}

/// The origin of a web page exactly as browsers spell it (RFC 6454 §6.2): lower case, no path, no
/// port where it is the scheme's own. Clients sign it, so a second spelling would be another origin.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Origin;

impl Kind<String> for Origin {
    fn expected(&self) -> String {
        "an http or https origin such as \"https://chat.example.org\", in lower case, \
         without a path or the scheme's own port"
            .into()
    }

    fn read(&self, value: &Value) -> Option<String> {
        let text = value.text()?;
        let (authority, own_port) = match text.split_once("://")? {
            ("https", authority) => (authority, 443),
            ("http", authority) => (authority, 80),
            _ => return None,
        };
        let (host, port) = split_port(authority);
        let names_port = match port {
            Some(port) => number::<u16>(port).is_some_and(|port| port > 0 && port != own_port),
            None => true,
        };
        (names_port && is_host(host)).then(|| text.to_owned())
    }

    fn write(&self, setting: &String) -> Value {
        Value::Text(setting.clone())
    }
}

/// A host, all below one (`*.example.org`), or any (`*`).
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct HostPattern;

impl Kind<String> for HostPattern {
    fn expected(&self) -> String {
        "a host such as \"push.example.org\", \"*.example.org\" for all below one, or \"*\"".into()
    }

    fn read(&self, value: &Value) -> Option<String> {
        let text = value.text()?;
        let host = text.strip_prefix("*.").unwrap_or(text);
        (text == "*" || is_host(host)).then(|| text.to_owned())
    }

    fn write(&self, setting: &String) -> Value {
        Value::Text(setting.clone())
    }
}

/// The host and, behind the last colon outside brackets, the port.
pub(in crate::config) fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

pub(in crate::config) fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').map(str::parse::<Ipv6Addr>);
        return matches!(address, Some(Ok(address)) if format!("[{address}]") == host);
    }
    let is_label = |label: &str| {
        let legal =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        (1..64).contains(&label.len())
            && label.bytes().all(legal)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let last_is_number = host.rsplit('.').next().is_some_and(is_numeric);
    host.len() < 254
        && host.split('.').all(is_label)
        && (!last_is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Ports from one to another, both included, such as `49152-65535`.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Ports;

impl Kind<RangeInclusive<u16>> for Ports {
    fn expected(&self) -> String {
        "ports from 1 to 65535, the lower first, such as \"49152-65535\"".into()
    }

    fn read(&self, value: &Value) -> Option<RangeInclusive<u16>> {
        let (first, last) = value.text()?.split_once('-')?;
        let ports = number::<u16>(first)?..=number::<u16>(last)?;
        (*ports.start() > 0 && !ports.is_empty()).then_some(ports)
    }

    fn write(&self, setting: &RangeInclusive<u16>) -> Value {
        Value::Text(format!("{}-{}", setting.start(), setting.end()))
    }
}

/// A number in digits only: no sign, no leading zero.
pub(in crate::config) fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let plain = text == "0" || !text.starts_with('0');
    (digits && plain).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn an_origin_has_one_spelling() {
        for right in [
            "https://chat.example.org",
            "http://localhost:8000",
            "http://127.0.0.1:8000",
            "https://[2001:db8::1]:8443",
            "https://[::1]",
            "https://xn--bcher-kva.example",
            "http://example.org:443",
        ] {
            assert_eq!(Origin.read(&text(right)), Some(right.to_owned()), "{right}");
        }
        for wrong in [
            "",
            "chat.example.org",
            "ftp://chat.example.org",
            "https://",
            "https://chat.example.org/",
            "https://chat.example.org/path",
            "https://Chat.example.org",
            "HTTPS://chat.example.org",
            "https://chat.example.org:443",
            "http://chat.example.org:80",
            "https://chat.example.org:",
            "https://chat.example.org:0",
            "https://chat.example.org:65536",
            "https://chat.example.org:+1",
            "https://me@chat.example.org",
            "https://chat..example.org",
            "https://-chat.example.org",
            "https://chat.example.org?x",
            "https://256.0.0.1",
            "https://[::1",
            "https://::1",
            "https://[2001:DB8::1]",
            "https://bücher.example",
            "https://chat.example.org\n",
        ] {
            assert_eq!(Origin.read(&text(wrong)), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_network_is_an_address_with_a_prefix_that_fits() {
        for right in [
            "10.0.0.1",
            "::1",
            "10.0.0.0/8",
            "10.0.0.0/32",
            "::/0",
            "::1/128",
        ] {
            assert!(Network.read(&text(right)).is_some(), "{right}");
        }
        for wrong in [
            "",
            "10.0.0.0/33",
            "::1/129",
            "10.0.0.0/",
            "10/8",
            "10.0.0.0/+8",
            "host",
        ] {
            assert!(Network.read(&text(wrong)).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_host_pattern_is_a_host_all_below_one_or_any() {
        for right in [
            "push.example.org",
            "*.example.org",
            "*",
            "192.0.2.1",
            "localhost",
        ] {
            assert!(HostPattern.read(&text(right)).is_some(), "{right}");
        }
        for wrong in [
            "",
            "*.",
            "**",
            "*example.org",
            "a.*.org",
            "Push.example",
            "https://a",
            "a:1",
        ] {
            assert!(HostPattern.read(&text(wrong)).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_port_range_holds_at_least_one_port() {
        assert_eq!(Ports.read(&text("49152-65535")), Some(49152..=65535));
        assert_eq!(Ports.read(&text("5-5")), Some(5..=5));
        for wrong in ["5-4", "0-5", "5", "5-", "-5", "1-65536", "1-2-3", "a-b", ""] {
            assert_eq!(Ports.read(&text(wrong)), None, "{wrong}");
        }
    }

    #[test]
    fn a_public_address_belongs_to_one_machine() {
        assert!(Address.read(&text("192.0.2.1")).is_some());
        for wrong in ["0.0.0.0", "::", "224.0.0.1", "192.0.2.1:80", "host"] {
            assert!(Address.read(&text(wrong)).is_none(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_text_as_an_address_is_read_back_or_refused(input in "\\PC*|(https?://)?[a-z0-9.:\\[\\]/-]*") {
            let value = Value::Text(input);
            for kind in [&Origin as &dyn Kind<String>, &Network] {
                if let Some(setting) = kind.read(&value) {
                    prop_assert_eq!(kind.write(&setting), value.clone());
                }
            }
            let _ = Socket.read(&value);
            let _ = Address.read(&value);
            if let Some(address) = Listen.read(&value) {
                prop_assert_eq!(Listen.read(&Listen.write(&address)), Some(address));
            }
            if let Some(ports) = Ports.read(&value) {
                prop_assert_eq!(Ports.write(&ports), value);
            }
        }
    }
}
