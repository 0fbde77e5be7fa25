//! The media relay: real allocations, real packets, refusals, buffers.

use std::fs;
use std::net::SocketAddr;

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::holder::{Holder, Transport};
use crate::cli::turn::trial;
use crate::cli::words::millis;
use crate::serve::{CheckOutcome, RelayResult};

/// The port of TURN (RFC 8656, section 6).
const PORT: u16 = 3478;

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    let config = scene.config();
    let Some(near) = &scene.daemon else {
        if !config.turn.enabled {
            return vec![off()];
        }
        let usual = vec![SocketAddr::from(([0, 0, 0, 0], PORT))];
        let places = config.turn.listen.unwrap_or(usual);
        return places.into_iter().map(held).collect();
    };
    if near.status.relay.is_none() {
        return vec![off()];
    }
    let certificate = scene.running.relay_certificate();
    let results = match trial(&near.line, certificate, 50) {
        Ok(results) => results,
        Err(error) => {
            let sentence = error.to_string();
            return vec![Finding::fail(
                Group::Relay,
                Trouble::RelayUnreachable,
                sentence,
            )];
        }
    };
    let mut findings: Vec<_> = results.iter().map(finding).collect();
    findings.extend(buffers(near.here.receive_buffer));
    findings
}

fn off() -> Finding {
    Finding::warn(
        Group::Relay,
        Trouble::RelayOff,
        "the media relay is switched off",
    )
}

fn held(address: SocketAddr) -> Finding {
    let port = address.port();
    match Holder::of(Transport::Udp, address) {
        Some(holder) => {
            let sentence = format!("UDP {port} is taken by {holder}");
            Finding::fail(Group::Relay, Trouble::RelayAddress, sentence)
        }
        None => Finding::ok(Group::Relay, format!("UDP {port} is free")),
    }
}

fn finding(result: &RelayResult) -> Finding {
    let RelayResult {
        transport,
        place,
        detail,
        notes,
        ..
    } = result;
    let took = result
        .median_us
        .map_or_else(String::new, |it| format!(", {}", millis(it)));
    let mut sentence = format!("{transport} {place}: {detail}{took}");
    for note in notes {
        sentence = format!("{sentence}; {note}");
    }
    let trouble = result.trouble.unwrap_or(Trouble::RelayUnreachable);
    match result.outcome {
        CheckOutcome::Ok => Finding::ok(Group::Relay, sentence),
        CheckOutcome::Warn => Finding::warn(Group::Relay, trouble, sentence),
        CheckOutcome::Fail => Finding::fail(Group::Relay, trouble, sentence),
    }
}

/// Whether the system gives the relay's sockets what they ask for. It cuts silently.
fn buffers(asked: u64) -> Option<Finding> {
    let most = fs::read_to_string("/proc/sys/net/core/rmem_max").ok()?;
    let most: u64 = most.trim().parse().ok()?;
    let [asked, got] = [asked, most].map(|bytes| bytes >> 10);
    (most < asked << 10).then(|| {
        let sentence = format!("receive buffers of {got} KiB, {asked} KiB asked for");
        Finding::warn(Group::Relay, Trouble::RelayBuffers, sentence)
    })
}
