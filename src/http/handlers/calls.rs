//! What calls need beside their signaling (PROTOCOL.md §7.4).

use super::{Outcome, reply};
use crate::messenger::Member;

/// `GET /api/v1/turn-credentials`
pub(in super::super) fn turn_credentials(member: &Member) -> Outcome {
    Ok(reply::ok(&member.turn_credentials()?))
}

/// `GET /api/v1/calls`: no history is kept, so this only ever says so.
pub(in super::super) fn history(member: &Member) -> Outcome {
    Err(member.call_history().into())
}
