//! The media relay: real allocations, real packets, refusals, buffers.

use std::net::SocketAddr;

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::holder::{Holder, Transport};
use crate::cli::turn::trial;
use crate::cli::words::millis;
use crate::serve::{CheckOutcome, RelayResult};
use crate::wire::admin::Surroundings;

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
    if near.status.relay_untold {
        let sentence = "it runs, but members aren't told where";
        return vec![Finding::fail(Group::Relay, Trouble::RelayUntold, sentence)];
    }
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
    findings.extend(buffers(&near.here));
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

/// Whether the system gave the relay's sockets what they asked for. It cuts silently.
fn buffers(here: &Surroundings) -> Option<Finding> {
    let got = here.receive_buffer_got?;
    let [got_kib, asked_kib] = [got, here.receive_buffer].map(|bytes| bytes >> 10);
    Some(if got < here.receive_buffer {
        let sentence = format!("receive buffers of {got_kib} KiB, {asked_kib} KiB asked for");
        Finding::warn(Group::Relay, Trouble::RelayBuffers, sentence)
    } else {
        let sentence = format!("receive buffers of {got_kib} KiB, as asked for");
        Finding::ok(Group::Relay, sentence)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_the_system_cut_is_told() {
        let here = |got| Surroundings {
            receive_buffer: 8 << 20,
            receive_buffer_got: got,
            ..Surroundings::default()
        };
        let code = |got| buffers(&here(got)).map(|finding| finding.code);
        assert_eq!(code(None), None);
        assert_eq!(code(Some(8 << 20)), Some(None));
        assert_eq!(code(Some(208 << 10)), Some(Some(Trouble::RelayBuffers)));
    }
}
