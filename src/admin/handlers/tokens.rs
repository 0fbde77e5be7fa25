//! The key that signs tokens.

use super::super::call::Call;
use super::super::reply;
use super::super::route::Outcome;

/// `POST /v1/token/rotate-key`
pub(in super::super) async fn rotate_key(call: Call) -> Outcome {
    let operator = call.operator();
    Ok(reply::ok(&operator.rotate_token_key().await?))
}
