//! The way to a WebSocket (PROTOCOL.md §3, §5): checked here, then handed over as it is.

use super::super::call::Bearer;
use super::super::connection;
use super::super::handshake::Handshake;
use super::{Outcome, Refusal, Request};
use crate::base::UserId;
use crate::ws::{Credential, Opening};

/// `GET /ws`
pub(in super::super) async fn open(call: Request) -> Outcome {
    upgrade(call, None).await
}

/// `GET /ws/{user_id}`
pub(in super::super) async fn open_named(call: Request) -> Outcome {
    let user = call.parameter("user_id", "expected a user id")?;
    upgrade(call, Some(user)).await
}

async fn upgrade(mut call: Request, named_user: Option<UserId>) -> Outcome {
    let handshake = Handshake::read(call.version(), call.headers())?;
    call.site.origins.admit(call.headers())?;
    let credential = credential(&call).await?;
    let knock = match credential {
        Credential::Header(_) => None,
        Credential::Query(_) | Credential::FirstFrame => Some(call.visitor().knock()?),
    };
    let opening = Opening {
        credential,
        named_user,
        knock,
        dialect: handshake.dialect(),
    };
    hand_over(&mut call, opening);
    Ok(handshake.response())
}

/// A token in the header is checked now, while an HTTP status can still say that it is bad; one in
/// the query is checked after the upgrade, where browsers can see the outcome.
async fn credential(call: &Request) -> Result<Credential, Refusal> {
    match Bearer::of(call.headers()) {
        Bearer::Token(token) => {
            let member = call.site.messenger.authenticate(token).await?;
            Ok(Credential::Header(member))
        }
        Bearer::Unusable => Err(Refusal::NoToken),
        Bearer::Absent => Ok(match call.query()?.value("token")? {
            Some(token) => Credential::Query(token.to_owned()),
            None => Credential::FirstFrame,
        }),
    }
}

/// Once the answer is out, the connection and its place are the door's.
fn hand_over(call: &mut Request, opening: Opening) {
    let (door, permit) = (call.site.door.clone(), call.arrival.permit.clone());
    let upgrade = call.upgrade();
    call.site.tasks.spawn_guest("upgrade", async move {
        if let Some((stream, leftover)) = connection::take_over(upgrade).await {
            door.spawn(stream, leftover, opening, permit);
        }
    });
}
