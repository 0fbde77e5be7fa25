//! Who may call whom, and who is never heard from (PROTOCOL.md §4).

use super::{Outcome, Refusal, Request, Response, reply};
use crate::base::UserId;
use crate::messenger::Member;
use crate::wire::body::ContactRequest;

/// `GET /api/v1/contacts`
pub(in super::super) fn list(member: &Member) -> Response {
    reply::ok(&member.contacts())
}

/// `GET /api/v1/contacts/{user_id}`
pub(in super::super) fn show(member: &Member, call: &Request) -> Outcome {
    Ok(reply::ok(&member.contact(user(call)?)?))
}

/// `PUT /api/v1/contacts/{user_id}`
pub(in super::super) async fn put(member: Member, call: Request) -> Outcome {
    let user = user(&call)?;
    let ContactRequest { state } = call.json().await?;
    Ok(reply::ok(&member.put_contact(user, state).await?))
}

/// `DELETE /api/v1/contacts/{user_id}`
pub(in super::super) async fn remove(member: Member, call: Request) -> Outcome {
    member.remove_contact(user(&call)?).await?;
    Ok(reply::no_content())
}

fn user(call: &Request) -> Result<UserId, Refusal> {
    call.parameter("user_id", "expected a user id")
}
