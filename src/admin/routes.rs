//! The route table. A new endpoint is one row here, one handler, and its types in `wire::admin`.

use std::time::Duration;

use super::handlers::{backup, metrics, status, turn};
use super::route::{Route, at_once};

/// How long a backup may take: it goes through the whole database, twice.
const BACKUP_PATIENCE: Duration = Duration::from_hours(6);

/// Every route of the admin socket.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/status", |call| Box::pin(status::show(call))),
        Route::get("/v1/metrics", |call| Box::pin(metrics::show(call))),
        Route::get("/v1/turn/allocations", |call| {
            at_once(turn::allocations(&call))
        }),
        Route {
            patience: BACKUP_PATIENCE,
            ..Route::post("/v1/backups", |call| Box::pin(backup::create(call)))
        },
        Route::get("/v1/turn/figures", |call| at_once(turn::figures(&call))),
        Route::post("/v1/turn/credentials", |call| {
            Box::pin(turn::credentials(call))
        }),
    ]
}
