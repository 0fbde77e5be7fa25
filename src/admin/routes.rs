//! The route table. A new endpoint is one row here, one handler, and its types in `wire::admin`.

use std::time::Duration;

use super::handlers::{
    audit, backup, invites, metrics, outside, push, status, tokens, turn, users,
};
use super::route::{Route, at_once};

/// How long a backup may take: it goes through the whole database, twice.
const BACKUP_PATIENCE: Duration = Duration::from_hours(6);

/// How long reading every row of the database may take.
const READING_PATIENCE: Duration = Duration::from_mins(10);

/// Every route of the admin socket.
pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/status", |call| Box::pin(status::show(call))),
        Route::get("/v1/surroundings", |call| {
            at_once(Ok(status::surroundings(&call)))
        }),
        Route::get("/v1/database", |call| Box::pin(status::database(call))),
        Route {
            patience: READING_PATIENCE,
            ..Route::get("/v1/database/rows", |call| Box::pin(status::rows(call)))
        },
        Route::post("/v1/socket-pass", |call| {
            at_once(Ok(status::socket_pass(&call)))
        }),
        Route::post("/v1/socket-pass/seen", |call| {
            Box::pin(status::pass_seen(call))
        }),
        Route::post("/v1/outside", |call| at_once(Ok(outside::prove(&call)))),
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
        Route::post("/v1/turn/rotate-secret", |call| {
            Box::pin(turn::rotate_secret(call))
        }),
        Route::post("/v1/token/rotate-key", |call| {
            Box::pin(tokens::rotate_key(call))
        }),
        Route::get("/v1/push", |call| Box::pin(push::show(call))),
        Route::post("/v1/push/test", |call| Box::pin(push::test(call))),
        Route::post("/v1/push/rotate-key", |call| {
            Box::pin(push::rotate_key(call))
        }),
        Route::get("/v1/audit", |call| Box::pin(audit::show(call))),
        Route::get("/v1/invites", |call| Box::pin(invites::list(call))),
        Route::post("/v1/invites", |call| Box::pin(invites::create(call))),
        Route::get("/v1/invites/{id}", |call| Box::pin(invites::show(call))),
        Route::post("/v1/invites/{id}/revoke", |call| {
            Box::pin(invites::revoke(call))
        }),
        Route::get("/v1/users", |call| Box::pin(users::list(call))),
        Route::get("/v1/users/{who}", |call| Box::pin(users::show(call))),
        Route::get("/v1/users/{who}/limits", |call| {
            Box::pin(users::limits(call))
        }),
        Route::post("/v1/users/{who}/suspend", |call| {
            Box::pin(users::suspend(call))
        }),
        Route::post("/v1/users/{who}/resume", |call| {
            Box::pin(users::resume(call))
        }),
        Route::post("/v1/users/{who}/reset", |call| Box::pin(users::reset(call))),
        Route::post("/v1/users/{who}/delete", |call| {
            Box::pin(users::delete(call))
        }),
    ]
}
