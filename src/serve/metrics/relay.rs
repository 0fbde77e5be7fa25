//! The media relay. All zero where it is switched off.

use super::transports;
use crate::telemetry::Family;
use crate::turn::{DropReason, ErrorCode, Figures};

/// `issued` is how many credentials members were given, which the relay itself doesn't know.
pub(super) fn credentials(issued: u64) -> Family {
    let family = Family::counter(
        "privcomm_relay_credentials_total",
        "Credentials for the relay that members were given.",
    );
    family.is(issued)
}

pub(super) fn families(relayed: &Figures) -> Vec<Family> {
    let mut families = vec![
        Family::gauge("privcomm_relay_allocations", "Allocations now.").is(relayed.allocations),
        Family::counter(
            "privcomm_relay_allocations_opened_total",
            "Allocations that were made.",
        )
        .is(relayed.allocations_ever),
        Family::gauge(
            "privcomm_relay_connections",
            "Connections to the relay now, over TCP and TLS.",
        )
        .is(relayed.connections),
        Family::counter(
            "privcomm_relay_connections_refused_total",
            "Connections to the relay for which there was no place.",
        )
        .is(relayed.connections_refused),
    ];
    families.extend(traffic(relayed));
    families.extend(transports::families(relayed));
    families
}

fn traffic(relayed: &Figures) -> Vec<Family> {
    let drops = DropReason::ALL.map(|reason| (reason.name(), relayed.dropped(reason)));
    let refusals = ErrorCode::ALL.map(|code| (number(code), relayed.refused(code)));
    vec![
        Family::counter(
            "privcomm_relay_received_total",
            "Messages of every kind that came in to the relay.",
        )
        .is(relayed.datagrams),
        Family::counter(
            "privcomm_relay_packets_total",
            "Media packets that were handed over.",
        )
        .is(relayed.packets),
        Family::counter(
            "privcomm_relay_bytes_total",
            "Media in those packets, without headers.",
        )
        .is(relayed.bytes),
        Family::counter(
            "privcomm_relay_drops_total",
            "Messages to the relay that went no further, by reason.",
        )
        .by("reason", drops),
        Family::counter(
            "privcomm_relay_refusals_total",
            "Requests to the relay that were refused, by STUN error code; every client's first is a \
             401.",
        )
        .by("code", refusals),
    ]
}

const fn number(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BadRequest => "400",
        ErrorCode::Unauthenticated => "401",
        ErrorCode::Forbidden => "403",
        ErrorCode::UnknownAttribute => "420",
        ErrorCode::AllocationMismatch => "437",
        ErrorCode::StaleNonce => "438",
        ErrorCode::AddressFamilyNotSupported => "440",
        ErrorCode::WrongCredentials => "441",
        ErrorCode::UnsupportedTransportProtocol => "442",
        ErrorCode::PeerAddressFamilyMismatch => "443",
        ErrorCode::AllocationQuotaReached => "486",
        ErrorCode::ServerError => "500",
        ErrorCode::InsufficientCapacity => "508",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_its_number() {
        for code in ErrorCode::ALL {
            assert_eq!(number(code), code.number().to_string());
        }
    }
}
