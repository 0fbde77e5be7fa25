//! Whether anybody outside reaches this machine.

use std::net::SocketAddr;

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::wire::admin::Purpose;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let near = match scene.needs_daemon(Group::Outside) {
        Ok(near) => near,
        Err(finding) => return finding,
    };
    let calls = near
        .here
        .ports
        .iter()
        .filter(|port| port.purpose == Purpose::Calls);
    let open = calls.filter_map(|port| port.address.parse::<SocketAddr>().ok());
    let open = open
        .filter(|address| !address.ip().is_loopback())
        .map(|address| address.port());
    vec![match open.into_iter().next() {
        None => Finding::ok(
            Group::Outside,
            "calls are on loopback: nobody outside is meant",
        ),
        Some(port) => {
            let sentence = format!("nobody outside has been seen to reach UDP {port}");
            Finding::warn(Group::Outside, Trouble::NotSeenOutside, sentence).mended_by(
                "from another network: privcomm turn test --url …    (privcomm turn credentials)",
            )
        }
    }]
}
