//! What calls need beside their signaling (PROTOCOL.md §7.4).

use super::{Outcome, Request, reply};
use crate::messenger::Member;

/// `GET /api/v1/turn-credentials`
pub(in super::super) fn turn_credentials(member: &Member, request: &Request) -> Outcome {
    let query = request.query()?;
    let call = query.parsed("call", "expected the id of a call")?;
    Ok(reply::ok(&member.turn_credentials(call)?))
}

/// `GET /api/v1/calls`
pub(in super::super) async fn history(member: Member, request: Request) -> Outcome {
    let query = request.query()?;
    let limit = query.parsed("limit", "expected a number")?;
    let before = query.parsed("before", "expected the id of a call")?;
    Ok(reply::ok(&member.call_history(limit, before).await?))
}
