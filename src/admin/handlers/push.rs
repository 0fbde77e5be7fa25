//! Notifications.

use super::super::call::Call;
use super::super::reply;
use super::super::route::Outcome;
use crate::wire::push::PushTestRequest;

/// `GET /v1/push`
pub(in super::super) async fn show(call: Call) -> Outcome {
    Ok(reply::ok(&call.operator().push_state().await?))
}

/// `POST /v1/push/test`
pub(in super::super) async fn test(call: Call) -> Outcome {
    let operator = call.operator();
    let PushTestRequest { user } = call.json().await?;
    Ok(reply::ok(&operator.test_push(&user).await?))
}

/// `POST /v1/push/rotate-key`
pub(in super::super) async fn rotate_key(call: Call) -> Outcome {
    Ok(reply::ok(&call.operator().rotate_push_key().await?))
}
