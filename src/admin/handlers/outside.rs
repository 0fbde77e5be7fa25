//! Whether anybody outside reaches this machine.

use super::super::call::Call;
use super::super::reply::{self, Response};

/// `POST /v1/outside`
pub(in super::super) fn prove(call: &Call) -> Response {
    reply::ok(&call.operator().prove_outside())
}
