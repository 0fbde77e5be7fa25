//! Invite and recovery codes.

use super::super::call::Call;
use super::super::refusal::Refusal;
use super::super::reply;
use super::super::route::Outcome;

/// `GET /v1/invites`
pub(in super::super) async fn list(call: Call) -> Outcome {
    Ok(reply::ok(&call.operator().invites().await?))
}

/// `POST /v1/invites`
pub(in super::super) async fn create(call: Call) -> Outcome {
    let operator = call.operator();
    let request = call.json().await?;
    Ok(reply::ok(&operator.create_invite(request).await?))
}

/// `GET /v1/invites/{id}`
pub(in super::super) async fn show(call: Call) -> Outcome {
    Ok(reply::ok(&call.operator().invite(&id(&call)?).await?))
}

/// `POST /v1/invites/{id}/revoke`
pub(in super::super) async fn revoke(call: Call) -> Outcome {
    let invite = call.operator().revoke_invite(&id(&call)?).await?;
    Ok(reply::ok(&invite))
}

fn id(call: &Call) -> Result<String, Refusal> {
    call.parameter("id", "expected the beginning of an invite's id")
}
