//! Whether the database opens, and reads.

use super::Scene;
use crate::base::Trouble;
use crate::cli::finding::{Finding, Group};
use crate::cli::words::{amount, many};
use crate::store::{DATABASE_FILE, Sizes, schema_of};

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    vec![match &scene.daemon {
        Some(near) => {
            let status = &near.status;
            let sizes: Result<Sizes, _> = near.line.get("/v1/database");
            let free = sizes.map_or_else(
                |_| String::new(),
                |sizes| format!(", {} free in it", amount(sizes.reusable())),
            );
            let sentence = format!(
                "open, {}, {}, {}{free}",
                many(status.members.accounts, "account"),
                many(status.queue.messages, "message"),
                amount(status.disk.database_bytes)
            );
            Finding::ok(Group::Database, sentence)
        }
        None => alone(scene),
    }]
}

/// Without a daemon, read and not written to.
fn alone(scene: &Scene<'_>) -> Finding {
    let Some(state) = &scene.state else {
        return Finding::fail(
            Group::Database,
            Trouble::NoStateDirectory,
            "no state directory",
        );
    };
    match state.join(DATABASE_FILE).try_exists() {
        Ok(true) => {}
        Ok(false) => {
            let sentence = format!("none yet in {}", state.display());
            return Finding::ok(Group::Database, sentence);
        }
        Err(error) => {
            let sentence = format!("{}: {error}", state.display());
            return Finding::fail(Group::Database, Trouble::StateFile, sentence);
        }
    }
    match schema_of(state) {
        Ok(Some(schema)) => {
            let sentence = format!(
                "opens, format {}; privcomm db check reads all of it",
                schema.found
            );
            Finding::ok(Group::Database, sentence)
        }
        Ok(None) => Finding::ok(Group::Database, "opens, and is empty"),
        Err(error) => Finding::fail(Group::Database, Trouble::Database, error.to_string()),
    }
}
