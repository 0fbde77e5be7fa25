//! What can be found out about the machine: its address, and its firewall.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::process::Command;

/// Of the documentation (RFC 5737): nothing is sent there, the system only says from where it would.
const FAR: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// What is to be said about calls, and whether a router must be told of them.
pub(super) fn calls() -> (String, Router) {
    let voice = "Voice can't pass a tunnel, so it has its own door:\n     \
        UDP and TCP 3478 on this machine.\n    ";
    let (place, router) = match own_address() {
        None => (
            "This machine has no way out; members can't call from outside.".to_owned(),
            Router::None,
        ),
        Some(ip) if is_private(ip) => (
            format!("This machine is {ip}, behind a router. Forward UDP and TCP 3478 to it,"),
            Router::Before,
        ),
        Some(ip) => (
            format!("This machine is {ip}, which members reach directly."),
            Router::None,
        ),
    };
    (format!("{voice} {place}"), router)
}

/// Whether a router stands before this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Router {
    /// Members reach the machine without.
    None,
    /// It must forward the ports of calls.
    Before,
}

fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(FAR).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Addresses of networks behind a router (RFC 1918, RFC 6598).
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64,
        IpAddr::V6(_) => false,
    }
}

/// How the firewall of this machine takes calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Firewall {
    /// Its rules can't be read.
    Unknown,
    /// It lets them in.
    Open,
    /// It drops them; this command opens it.
    Drops(String),
}

impl Firewall {
    /// What is in force now.
    pub(super) fn look() -> Self {
        let listing = |program: &str, arguments: &[&str]| {
            let output = Command::new(program).args(arguments).output().ok()?;
            output
                .status
                .success()
                .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let nftables = listing("nft", &["list", "ruleset"]);
        let iptables = || listing("iptables", &["-S", "INPUT"]);
        match nftables
            .map(|text| nft(&text))
            .or_else(|| iptables().map(|text| ipt(&text)))
        {
            None => Self::Unknown,
            Some(None) => Self::Open,
            Some(Some(command)) => Self::Drops(command),
        }
    }
}

/// The command that opens the port, where a ruleset of nftables drops it.
fn nft(ruleset: &str) -> Option<String> {
    let mut table = "inet filter";
    let mut chain = "";
    for line in ruleset.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("table ") {
            table = name.trim_end_matches(" {");
        } else if let Some(name) = line.strip_prefix("chain ") {
            chain = name.trim_end_matches(" {");
        } else if line.contains("hook input") && line.contains("policy drop") && !opens(ruleset) {
            return Some(format!(
                "nft add rule {table} {chain} meta l4proto '{{ udp, tcp }}' th dport 3478 accept"
            ));
        }
    }
    None
}

/// The same for a listing of iptables.
fn ipt(listing: &str) -> Option<String> {
    let drops = listing.lines().any(|line| line.trim() == "-P INPUT DROP");
    (drops && !opens(listing)).then(|| {
        "iptables -I INPUT -p udp --dport 3478 -j ACCEPT; iptables -I INPUT -p tcp --dport 3478 -j ACCEPT".to_owned()
    })
}

/// Whether a rule names the port and accepts.
fn opens(rules: &str) -> bool {
    let accepts = |line: &str| line.to_lowercase().contains("accept");
    rules
        .lines()
        .any(|line| line.contains("3478") && !line.contains("tcp dport") && accepts(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROPS: &str = "table inet filter {\n\tchain input {\n\t\ttype filter hook input priority \
        filter; policy drop;\n\t\ttcp dport 22 accept\n\t}\n}\n";

    #[test]
    fn a_ruleset_that_drops_gets_the_command_that_opens() {
        let command = nft(DROPS).unwrap();
        assert!(
            command.starts_with("nft add rule inet filter input "),
            "{command}"
        );
        assert_eq!(nft(&DROPS.replace("tcp dport 22", "udp dport 3478")), None);
        assert_eq!(nft(&DROPS.replace("policy drop", "policy accept")), None);
        assert!(ipt("-P INPUT DROP\n").is_some());
        assert_eq!(
            ipt("-P INPUT DROP\n-A INPUT -p udp --dport 3478 -j ACCEPT\n"),
            None
        );
        assert_eq!(ipt("-P INPUT ACCEPT\n"), None);
    }

    #[test]
    fn a_private_address_is_behind_a_router() {
        for (ip, private) in [
            ("192.168.1.20", true),
            ("100.64.0.1", true),
            ("100.1.0.1", false),
            ("9.9.9.9", false),
        ] {
            assert_eq!(is_private(ip.parse().unwrap()), private, "{ip}");
        }
    }
}
