//! Whether the web side answers on this machine; without a daemon, who holds its port.

use std::net::SocketAddr;

use super::{Scene, public};
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::holder::{Holder, Transport};
use crate::config::ListenAddress;
use crate::wire::admin::Purpose;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(near) = &scene.daemon else {
        return scene
            .config()
            .server
            .listen
            .iter()
            .filter_map(held)
            .collect();
    };
    let web = near
        .here
        .ports
        .iter()
        .filter(|port| port.purpose == Purpose::Web);
    web.filter_map(|port| {
        let mut address: SocketAddr = port.address.parse().ok()?;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        Some(public::visit(
            scene,
            Group::Http,
            &format!("http://{address}"),
        ))
    })
    .flatten()
    .collect()
}

fn held(address: &ListenAddress) -> Option<Finding> {
    let ListenAddress::Tcp(address) = address else {
        return None;
    };
    Some(match Holder::of(Transport::Tcp, *address) {
        Some(holder) => {
            let sentence = format!("TCP {} is taken by {holder}", address.port());
            Finding::fail(Group::Http, Trouble::HttpAddress, sentence)
        }
        None => Finding::ok(Group::Http, format!("TCP {} is free", address.port())),
    })
}
