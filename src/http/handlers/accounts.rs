//! Accounts and how one proves to own one (PROTOCOL.md §3, §4).
//!
//! What strangers send is held in memory until it is whole. So each of them has a place in the
//! waiting room meanwhile: of those there are few in all, and fewer for one address.

use http::StatusCode;

use super::{Outcome, Request, Response, reply};
use crate::messenger::{Member, Registration};
use crate::wire::body::ChallengeRequest;

/// `GET /api/v1/server`
pub(in super::super) fn server(call: &Request) -> Response {
    reply::ok(&call.visitor().server())
}

/// `POST /api/v1/register`
pub(in super::super) async fn register(call: Request) -> Outcome {
    let visitor = call.visitor();
    let _waiting = visitor.knock()?;
    Ok(match visitor.register(call.json().await?).await? {
        Registration::Created(account) => reply::json(StatusCode::CREATED, &account),
        Registration::Known(account) => reply::ok(&account),
    })
}

/// `POST /api/v1/auth/challenge`
pub(in super::super) async fn challenge(call: Request) -> Outcome {
    let visitor = call.visitor();
    let _waiting = visitor.knock()?;
    let ChallengeRequest { phone_hash } = call.json().await?;
    Ok(reply::ok(&visitor.challenge(&phone_hash)?))
}

/// `POST /api/v1/auth/token`, also at `/auth/token`
pub(in super::super) async fn token(call: Request) -> Outcome {
    let visitor = call.visitor();
    let _waiting = visitor.knock()?;
    Ok(reply::ok(&visitor.token(call.json().await?).await?))
}

/// `GET /api/v1/account`
pub(in super::super) async fn show(member: Member, _: Request) -> Outcome {
    Ok(reply::ok(&member.account().await?))
}

/// `PATCH /api/v1/account`
pub(in super::super) async fn patch(member: Member, call: Request) -> Outcome {
    let patch = call.json().await?;
    Ok(reply::ok(&member.patch_account(patch).await?))
}

/// `DELETE /api/v1/account`
pub(in super::super) async fn delete(member: Member, call: Request) -> Outcome {
    member.delete_account(call.json().await?).await?;
    Ok(reply::no_content())
}
