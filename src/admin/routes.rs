//! The route table. A new endpoint is one row here, one handler, and its types in `wire::admin`.

use super::handlers::{metrics, status, turn};
use super::route::{Route, at_once};

/// Every route of the admin socket.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/status", |call| Box::pin(status::show(call))),
        Route::get("/v1/metrics", |call| Box::pin(metrics::show(call))),
        Route::get("/v1/turn/allocations", |call| {
            at_once(turn::allocations(&call))
        }),
        Route::get("/v1/turn/figures", |call| at_once(turn::figures(&call))),
        Route::post("/v1/turn/credentials", |call| {
            Box::pin(turn::credentials(call))
        }),
    ]
}
