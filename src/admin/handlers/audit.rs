//! What operators did.

use super::super::call::Call;
use super::super::reply;
use super::super::route::Outcome;
use crate::base::Timestamp;

/// `GET /v1/audit?since=&limit=`, `since` in milliseconds since 1970.
pub(in super::super) async fn show(call: Call) -> Outcome {
    let query = call.query()?;
    let since = query.parsed("since", "expected milliseconds since 1970")?;
    let since = Timestamp::from_millis(since.unwrap_or(0));
    let limit = query.parsed("limit", "expected a number")?;
    Ok(reply::ok(&call.operator().audit(since, limit).await?))
}
