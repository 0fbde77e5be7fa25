//! Which process holds a port, as /proc tells (proc(5)).

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// A transport with ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Tcp,
    Udp,
}

/// Who holds a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// Name and number; none: this user may not see whose the socket is.
    process: Option<(String, u32)>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some((name, pid)) => write!(f, "{name} (pid {pid})"),
            None => f.write_str("another user's process (sudo shows which)"),
        }
    }
}

impl Holder {
    /// Whoever would keep a socket from being bound to `address`.
    pub(super) fn of(transport: Transport, address: SocketAddr) -> Option<Self> {
        let (files, state) = match transport {
            Transport::Tcp => (["/proc/net/tcp", "/proc/net/tcp6"], Some("0A")),
            Transport::Udp => (["/proc/net/udp", "/proc/net/udp6"], None),
        };
        let texts = files
            .iter()
            .filter_map(|path| fs::read_to_string(path).ok());
        let inode = texts
            .flat_map(|text| entries(&text, state))
            .find(|(held, _)| collide(*held, address))
            .map(|(_, inode)| inode)?;
        Some(Self {
            process: process_of(inode),
        })
    }
}

/// Addresses with their inodes; of TCP only what listens.
fn entries(text: &str, state: Option<&str>) -> Vec<(SocketAddr, u64)> {
    let entry = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (address, found, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        if state.is_some_and(|state| state != *found) {
            return None;
        }
        Some((parse(address)?, inode.parse().ok()?))
    };
    text.lines().skip(1).filter_map(entry).collect()
}

/// Words of 32 bits in the machine's order, and a port, in hexadecimal digits.
fn parse(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let words = |index: usize| u32::from_str_radix(ip.get(index * 8..index * 8 + 8)?, 16).ok();
    let ip = match ip.len() {
        8 => IpAddr::from(words(0)?.to_ne_bytes()),
        32 => {
            let mut bytes = [0; 16];
            for (index, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&words(index)?.to_ne_bytes());
            }
            IpAddr::from(bytes)
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Whether two sockets can't have both. `::` takes IPv4 too, as far as can be seen from here.
fn collide(held: SocketAddr, wanted: SocketAddr) -> bool {
    let all = [
        IpAddr::from(Ipv4Addr::UNSPECIFIED),
        IpAddr::from(Ipv6Addr::UNSPECIFIED),
    ];
    held.port() == wanted.port()
        && wanted.port() != 0
        && (held.ip() == wanted.ip() || all.contains(&held.ip()) || all.contains(&wanted.ip()))
}

fn process_of(inode: u64) -> Option<(String, u32)> {
    let socket = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .find(|pid| {
            let files = fs::read_dir(format!("/proc/{pid}/fd"));
            let mut files = files.into_iter().flatten().filter_map(Result::ok);
            files.any(|file| {
                fs::read_link(file.path()).is_ok_and(|to| to.as_os_str() == socket.as_str())
            })
        })
        .map(|pid| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            (name.trim().to_owned(), pid)
        })
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_holder_of_a_port_is_found() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("[::1]:0").unwrap();
        for (transport, address) in [
            (Transport::Tcp, tcp.local_addr().unwrap()),
            (Transport::Udp, udp.local_addr().unwrap()),
        ] {
            let holder = Holder::of(transport, address).unwrap();
            assert_eq!(holder.process.unwrap().1, std::process::id());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_table(text in "(?s).{0,200}") {
            let _ = entries(&text, None);
            let _ = parse(&text);
        }
    }
}
