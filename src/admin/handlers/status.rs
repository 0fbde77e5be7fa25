//! How the daemon is.

use super::super::call::Call;
use super::super::reply::{self, Response};
use super::super::route::Outcome;
use super::turn::relay_figures;
use crate::net::certificate_ends;
use crate::wire::admin::{Status, VERSION};

/// `GET /v1/status`
pub(in super::super) async fn show(call: Call) -> Outcome {
    let site = &call.site;
    let overview = site.operator.overview().await?;
    Ok(reply::ok(&Status {
        version: VERSION.to_owned(),
        started_at: site.started_at,
        uptime: site.started.elapsed().as_secs(),
        connections: u64::try_from(site.connections.taken()).unwrap_or(u64::MAX),
        members: overview.members,
        queue: overview.queue,
        calls: overview.calls,
        relay: overview.relay.as_ref().map(relay_figures),
        disk: overview.disk,
        certificate_ends: site.certificate.as_deref().and_then(certificate_ends),
    }))
}

/// `GET /v1/surroundings`
pub(in super::super) fn surroundings(call: &Call) -> Response {
    reply::ok(&call.site.surroundings)
}

/// `POST /v1/socket-pass`
pub(in super::super) fn socket_pass(call: &Call) -> Response {
    reply::ok(&call.site.operator.socket_pass())
}
