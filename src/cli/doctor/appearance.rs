//! As whom those appear to the daemon who come in by its public name.

use std::net::{IpAddr, ToSocketAddrs, UdpSocket};

use super::scene::Near;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::tunnel::host_of;
use crate::wire::admin::{Appearance, PassQuestion, PassSeen, SocketPass};

/// What the daemon says of the socket that came in by `base` with `pass`.
pub(super) fn of(near: &Near<'_>, pass: &SocketPass, base: &str) -> Option<Finding> {
    let question = PassQuestion {
        pass: pass.pass.clone(),
        own: own_addresses(base),
    };
    let seen: PassSeen = near.line.post("/v1/socket-pass/seen", &question).ok()?;
    Some(finding(seen.from?))
}

fn finding(appearance: Appearance) -> Finding {
    match appearance {
        Appearance::Itself => Finding::ok(Group::Public, "you appear as yourself"),
        Appearance::Outside => Finding::ok(Group::Public, "you appear at a public address"),
        Appearance::Near => Finding::warn(
            Group::Public,
            Trouble::AppearsAsProxy,
            "you appear as a proxy or router of this network",
        ),
    }
}

/// The addresses that this machine has on the way to a host.
fn own_addresses(base: &str) -> Vec<IpAddr> {
    let host = host_of(base).unwrap_or_default();
    let places = (host.as_str(), 443).to_socket_addrs();
    let own = places.into_iter().flatten().filter_map(|place| {
        let any: IpAddr = match place.ip() {
            IpAddr::V4(_) => [0; 4].into(),
            IpAddr::V6(_) => [0; 16].into(),
        };
        // Nothing is sent: the system only chooses the address that it would send from.
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(place).ok()?;
        Some(socket.local_addr().ok()?.ip())
    });
    own.collect()
}
