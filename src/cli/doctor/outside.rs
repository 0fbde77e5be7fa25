//! Whether anybody outside reaches this machine.

use std::net::SocketAddr;
use std::time::Duration;

use super::Scene;
use crate::base::{Timestamp, Trouble};
use crate::cli::daemon::Running;
use crate::cli::exit::{CliError, Exit};
use crate::cli::finding::{Finding, Group};
use crate::cli::output::Output;
use crate::cli::ports::reach_of;
use crate::cli::qr;
use crate::cli::when::{moment, recent};
use crate::wire::admin::Port;
use crate::wire::outside::ProofLink;

/// How long a proof is believed: routers are replaced, and providers change.
const BELIEVED: Duration = Duration::from_hours(30 * 24);

/// A port where calls come in.
struct Door {
    name: String,
    seen: Option<Timestamp>,
}

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let near = match scene.needs_daemon(Group::Outside) {
        Ok(near) => near,
        Err(finding) => return finding,
    };
    let seen = &near.status.seen_outside;
    let mut doors: Vec<Door> = Vec::new();
    for port in &near.here.ports {
        let Some(reach) = reach_of(port.purpose) else {
            continue;
        };
        let seen = seen.of(reach);
        let Some(name) = open(port, seen) else {
            continue;
        };
        if doors.iter().all(|door| door.name != name) {
            doors.push(Door { name, seen });
        }
    }
    let Some(first) = doors.first() else {
        return vec![Finding::ok(
            Group::Outside,
            "calls are on loopback: nobody outside is meant",
        )];
    };
    if doors.iter().all(|door| door.seen.is_none()) {
        let sentence = format!("nobody outside has been seen to reach {}", first.name);
        return vec![Finding::warn(
            Group::Outside,
            Trouble::NotSeenOutside,
            sentence,
        )];
    }
    doors.iter().map(|door| finding(door, scene.now)).collect()
}

/// What a port is called that somebody outside is meant to reach, or did.
fn open(port: &Port, seen: Option<Timestamp>) -> Option<String> {
    let address: SocketAddr = port.address.parse().ok()?;
    let is_meant = !address.ip().is_loopback() || seen.is_some();
    is_meant.then(|| format!("{} {}", port.protocol.to_uppercase(), address.port()))
}

fn finding(door: &Door, now: Timestamp) -> Finding {
    let name = &door.name;
    let warn = |sentence| Finding::warn(Group::Outside, Trouble::NotSeenOutside, sentence);
    match door.seen {
        Some(at) if now.since(at) <= BELIEVED => {
            let sentence = format!("{name} was reached from outside, seen {}", recent(at));
            Finding::ok(Group::Outside, sentence)
        }
        Some(at) => warn(format!("{name} was last reached on {}", recent(at))),
        None => warn(format!("nobody outside has been seen to reach {name}")),
    }
}

/// Makes a link for whoever is outside, and prints it this once.
pub(super) fn link(daemon: &Running, output: &Output) -> Result<Exit, CliError> {
    let made: ProofLink = daemon.reach(output)?.post("/v1/outside", &())?;
    output.show(&made, || {
        let picture = qr::picture(&made.link.0, qr::ink());
        format!("{}\n{}", made.link.0, picture.unwrap_or_default())
    })?;
    if !output.is_json() {
        output.note(format_args!(
            "open it on a phone without Wi-Fi; good once, until {}. Then: privcomm ports",
            moment(made.expires_at)
        ));
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::finding::Outcome;

    #[test]
    fn a_proof_is_believed_for_a_month() {
        let seen = Timestamp::from_millis(1_000_000);
        let door = Door {
            name: "UDP 3478".to_owned(),
            seen: Some(seen),
        };
        let last = seen.saturating_add(BELIEVED);
        assert_eq!(finding(&door, last).outcome, Outcome::Ok);
        let later = last.saturating_add(Duration::from_millis(1));
        assert_eq!(finding(&door, later).outcome, Outcome::Warn);
    }
}
