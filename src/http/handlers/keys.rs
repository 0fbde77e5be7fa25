//! Prekeys (PROTOCOL.md §2, §4).

use super::{Outcome, Request, reply};
use crate::messenger::Member;

/// `GET /api/v1/keys/{target}`
pub(in super::super) async fn bundle(member: Member, call: Request) -> Outcome {
    let target: String = call.parameter("target", "expected a user id or a phone hash")?;
    Ok(reply::ok(&member.bundle(&target).await?))
}

/// `GET /api/v1/keys/count`
pub(in super::super) async fn status(member: Member, _: Request) -> Outcome {
    Ok(reply::ok(&member.key_status().await?))
}

/// `PUT /api/v1/keys`
pub(in super::super) async fn upload(member: Member, call: Request) -> Outcome {
    Ok(reply::ok(&member.upload_keys(call.json().await?).await?))
}
