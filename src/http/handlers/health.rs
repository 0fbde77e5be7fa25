//! How the daemon is (PROTOCOL.md §4).

use http::StatusCode;

use super::{Outcome, Request, Response, reply};
use crate::wire::body::{HealthStatus, Liveness};

/// `GET /health` and `/health/ready`
pub(in super::super) async fn ready(call: Request) -> Outcome {
    let health = call.site.messenger.health().await;
    let status = match health.status {
        HealthStatus::Degraded => StatusCode::SERVICE_UNAVAILABLE,
        HealthStatus::Healthy | HealthStatus::Off => StatusCode::OK,
    };
    Ok(reply::json(status, &health))
}

/// `GET /health/live`
pub(in super::super) fn live() -> Response {
    reply::ok(&Liveness {
        status: HealthStatus::Healthy,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
