//! Members.

use super::super::call::Call;
use super::super::refusal::Refusal;
use super::super::reply;
use super::super::route::Outcome;

/// `GET /v1/users?after=&limit=`
pub(in super::super) async fn list(call: Call) -> Outcome {
    let query = call.query()?;
    let after = query.parsed("after", "expected a user id")?;
    let limit = query.parsed("limit", "expected 1 to 1000")?;
    Ok(reply::ok(&call.operator().users(after, limit).await?))
}

/// `GET /v1/users/{who}`
pub(in super::super) async fn show(call: Call) -> Outcome {
    Ok(reply::ok(&call.operator().user(&who(&call)?).await?))
}

/// `GET /v1/users/{who}/limits`
pub(in super::super) async fn limits(call: Call) -> Outcome {
    Ok(reply::ok(&call.operator().user_limits(&who(&call)?).await?))
}

/// `POST /v1/users/{who}/suspend`
pub(in super::super) async fn suspend(call: Call) -> Outcome {
    let (operator, who) = (call.operator(), who(&call)?);
    let request = call.json().await?;
    Ok(reply::ok(&operator.suspend_user(&who, request).await?))
}

/// `POST /v1/users/{who}/resume`
pub(in super::super) async fn resume(call: Call) -> Outcome {
    Ok(reply::ok(&call.operator().resume_user(&who(&call)?).await?))
}

/// `POST /v1/users/{who}/reset`
pub(in super::super) async fn reset(call: Call) -> Outcome {
    Ok(reply::ok(&call.operator().reset_user(&who(&call)?).await?))
}

/// `POST /v1/users/{who}/delete`
pub(in super::super) async fn delete(call: Call) -> Outcome {
    let operator = call.operator();
    Ok(reply::ok(&operator.delete_user(&who(&call)?).await?))
}

fn who(call: &Call) -> Result<String, Refusal> {
    call.parameter("who", "expected a handle or the beginning of a user id")
}
