//! Where a member's devices are woken (PROTOCOL.md §4).

use super::{Outcome, Request, reply};
use crate::messenger::Member;

/// `GET /api/v1/push-tokens/vapid-key`
pub(in super::super) fn vapid_key(member: &Member) -> Outcome {
    Ok(reply::ok(&member.vapid_key()?))
}

/// `PUT /api/v1/push-tokens`
pub(in super::super) async fn put(member: Member, call: Request) -> Outcome {
    member.put_push_token(call.json().await?).await?;
    Ok(reply::no_content())
}

/// `DELETE /api/v1/push-tokens`
pub(in super::super) async fn remove(member: Member, call: Request) -> Outcome {
    member.remove_push_token(call.json().await?).await?;
    Ok(reply::no_content())
}
