//! The media relay.

use std::time::Duration;

use super::super::call::Call;
use super::super::refusal::Refusal;
use super::super::reply;
use super::super::route::Outcome;
use crate::messenger::Old;
use crate::turn::{
    AllocationFigures, ErrorCode, Figures, Relay, Transport, TransportFigures as Carried,
};
use crate::wire::admin::{
    Allocation, Allocations, Count, CredentialsRequest, RelayFigures, TransportFigures,
};
use crate::wire::people::SecretRequest;

/// `GET /v1/turn/figures`
pub(in super::super) fn figures(call: &Call) -> Outcome {
    let figures = relay(call)?.figures();
    Ok(reply::ok(&relay_figures(&figures)))
}

/// `GET /v1/turn/allocations`
pub(in super::super) fn allocations(call: &Call) -> Outcome {
    let allocations: Vec<_> = relay(call)?.allocations().iter().map(allocation).collect();
    let holders = allocations.iter().map(|it| it.holder).max().unwrap_or(0);
    Ok(reply::ok(&Allocations {
        allocations,
        holders,
    }))
}

/// `POST /v1/turn/credentials`
pub(in super::super) async fn credentials(call: Call) -> Outcome {
    relay(&call)?;
    let operator = call.site.operator.clone();
    let CredentialsRequest { ttl } = call.json().await?;
    Ok(reply::ok(
        &operator.turn_credentials(ttl.map(Duration::from_secs))?,
    ))
}

/// `POST /v1/turn/rotate-secret`
pub(in super::super) async fn rotate_secret(call: Call) -> Outcome {
    let operator = call.operator();
    let SecretRequest { keep_old } = call.json().await?;
    let old = if keep_old { Old::Lapses } else { Old::Ends };
    Ok(reply::ok(&operator.rotate_turn_secret(old).await?))
}

fn relay(call: &Call) -> Result<&Relay, Refusal> {
    call.site.operator.relay().ok_or(Refusal::RelayOff)
}

/// What the relay counted, as it is told.
pub(super) fn relay_figures(figures: &Figures) -> RelayFigures {
    RelayFigures {
        allocations: figures.allocations,
        allocations_ever: figures.allocations_ever,
        connections: figures.connections,
        connections_refused: figures.connections_refused,
        datagrams: figures.datagrams,
        packets: figures.packets,
        bytes: figures.bytes,
        credentials_issued: figures.credentials_issued,
        nonces_stale: figures.refused(ErrorCode::StaleNonce),
        transports: figures.transports.iter().map(transport_figures).collect(),
        drops: counts(
            figures
                .drops
                .iter()
                .map(|(reason, count)| (reason.name(), *count)),
        ),
        refusals: counts(
            figures
                .refusals
                .iter()
                .map(|(code, count)| (code.number(), *count)),
        ),
    }
}

fn transport_figures((transport, carried): &(Transport, Carried)) -> TransportFigures {
    TransportFigures {
        transport: transport.name().to_owned(),
        allocations: carried.allocations,
        allocations_ever: carried.allocations_ever,
        expired: carried.expired,
        closed: carried.closed,
        evicted: carried.evicted,
        disconnected: carried.disconnected,
        packets_in: carried.from_clients.packets,
        bytes_in: carried.from_clients.bytes,
        packets_out: carried.to_clients.packets,
        bytes_out: carried.to_clients.bytes,
    }
}

fn allocation(live: &AllocationFigures) -> Allocation {
    Allocation {
        id: format!("{:08x}", u32::from_be_bytes(live.name)),
        transport: live.transport.name().to_owned(),
        family: if live.is_ipv6 { "ipv6" } else { "ipv4" }.to_owned(),
        holder: count(live.holder),
        age: live.age.as_secs(),
        expires_in: live.expires_in.as_secs(),
        permissions: count(live.permissions),
        channels: count(live.channels),
        packets_in: live.from_client.packets,
        bytes_in: live.from_client.bytes,
        packets_out: live.to_client.packets,
        bytes_out: live.to_client.bytes,
        over_rate: live.over_rate,
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// What occurred at all.
fn counts<T: ToString>(counted: impl Iterator<Item = (T, u64)>) -> Vec<Count> {
    counted
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| Count {
            what: what.to_string(),
            count,
        })
        .collect()
}
