//! Proofs that this server is reached from outside.

use super::{Outcome, Request, reply};

/// `POST /api/v1/outside`
pub(in super::super) async fn begin(call: Request) -> Outcome {
    let visitor = call.visitor();
    let _waiting = visitor.knock()?;
    Ok(reply::ok(&visitor.begin_proof(&call.json().await?)?))
}

/// `POST /api/v1/outside/report`
pub(in super::super) async fn report(call: Request) -> Outcome {
    let visitor = call.visitor();
    let _waiting = visitor.knock()?;
    Ok(reply::ok(&visitor.report_proof(&call.json().await?)?))
}
