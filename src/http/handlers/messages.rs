//! Messages over REST (PROTOCOL.md §4, §6).

use http::StatusCode;

use super::{Outcome, Request, reply};
use crate::messenger::Member;
use crate::wire::body::AckRequest;

/// `POST /api/v1/messages`
pub(in super::super) async fn send(member: Member, call: Request) -> Outcome {
    let accepted = member.send(call.json().await?).await?;
    Ok(reply::json(StatusCode::ACCEPTED, &accepted))
}

/// `GET /api/v1/messages`
pub(in super::super) async fn waiting(member: Member, call: Request) -> Outcome {
    let query = call.query()?;
    let limit = query.parsed("limit", "expected a whole number")?;
    let after = query.parsed("after", "expected the id of a message")?;
    Ok(reply::ok(&member.messages(limit, after).await?))
}

/// `POST /api/v1/messages/ack`
pub(in super::super) async fn acknowledge(member: Member, call: Request) -> Outcome {
    let AckRequest { message_ids } = call.json().await?;
    member.acknowledge(&message_ids).await?;
    Ok(reply::no_content())
}
