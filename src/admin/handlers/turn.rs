//! The media relay.

use std::time::Duration;

use super::super::call::Call;
use super::super::refusal::Refusal;
use super::super::reply;
use super::super::route::Outcome;
use crate::turn::{Figures, Relay};
use crate::wire::admin::{Count, CredentialsRequest, RelayFigures};

/// `GET /v1/turn/figures`
pub(in super::super) fn figures(call: &Call) -> Outcome {
    let figures = relay(call)?.figures();
    Ok(reply::ok(&relay_figures(&figures)))
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
        credentials_issued: 0,
        nonces_stale: 0,
        transports: Vec::new(),
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
