//! How the daemon is.

use super::super::call::Call;
use super::super::refusal::Refusal;
use super::super::reply::{self, Response};
use super::super::route::Outcome;
use super::turn::relay_figures;
use crate::net::certificate_ends;
use crate::wire::admin::{Purpose, Rows, Status, Surroundings, VERSION};

/// `GET /v1/status`
pub(in super::super) async fn show(call: Call) -> Outcome {
    let site = &call.site;
    let overview = site.operator.overview().await?;
    let shelf = site.backups.shelf.clone();
    // Reads the headers of files. A shelf that can't be read has none to tell of; doctor says why.
    let newest = tokio::task::spawn_blocking(move || shelf.newest().ok().flatten());
    Ok(reply::ok(&Status {
        version: VERSION.to_owned(),
        started_at: site.started_at,
        uptime: site.started.elapsed().as_secs(),
        connections: u64::try_from(site.connections.taken()).unwrap_or(u64::MAX),
        members: overview.members,
        queue: overview.queue,
        calls: overview.calls,
        relay: overview.relay.as_ref().map(relay_figures),
        relay_untold: overview.relay.is_none()
            && (site.surroundings.ports.iter()).any(|port| port.purpose == Purpose::Calls),
        disk: overview.disk,
        last_backup: newest.await.ok().flatten(),
        jobs: site.teller.tell().jobs,
        seen_outside: site.operator.seen_outside(),
        certificate_ends: site.certificate.as_deref().and_then(certificate_ends),
    }))
}

/// `GET /v1/surroundings`
pub(in super::super) fn surroundings(call: &Call) -> Response {
    reply::ok(&Surroundings {
        configured_at: call.site.teller.tell().configured_at,
        ..call.site.surroundings.clone()
    })
}

/// `GET /v1/database`: goes through every queue, so it takes a while where there are many.
pub(in super::super) async fn database(call: Call) -> Outcome {
    let sizes = call.site.backups.store.sizes().await;
    Ok(reply::ok(&sizes.map_err(Refusal::Store)?))
}

/// `GET /v1/database/rows`
pub(in super::super) async fn rows(call: Call) -> Outcome {
    let rows = call.site.backups.store.read_through().await;
    Ok(reply::ok(&Rows {
        rows: rows.map_err(Refusal::Store)?,
    }))
}

/// `POST /v1/socket-pass`
pub(in super::super) fn socket_pass(call: &Call) -> Response {
    reply::ok(&call.site.operator.socket_pass())
}

/// `POST /v1/socket-pass/seen`
pub(in super::super) async fn pass_seen(call: Call) -> Outcome {
    let (operator, question) = (call.operator(), call.json().await?);
    Ok(reply::ok(&operator.pass_seen(&question)))
}
