//! Whether the database opens, and reads.

use std::path::Path;
use std::time::Duration;

use super::Scene;
use super::scene::Near;
use crate::base::Trouble;
use crate::cli::exit::CliError;
use crate::cli::finding::{Finding, Group};
use crate::cli::words::{amount, many};
use crate::store::{DATABASE_FILE, Schema, Sizes, StoreError, read_through, schema_of};
use crate::wire::admin::Rows;

/// A larger file isn't read through: a check is done in seconds.
const READ_THROUGH: u64 = 1 << 30;

/// How long reading it may take.
const PATIENCE: Duration = Duration::from_mins(10);

pub(super) fn check(scene: &Scene<'_>) -> Vec<Finding> {
    vec![match &scene.daemon {
        Some(near) => open(near).unwrap_or_else(|error| broken(&error)),
        None => alone(scene),
    }]
}

/// What the daemon says that has it open.
fn open(near: &Near<'_>) -> Result<Finding, CliError> {
    let (status, line) = (&near.status, &near.line);
    let sizes: Sizes = line.get("/v1/database")?;
    let mut sentence = format!(
        "open, {}, {}, {}, {} free in it",
        many(status.members.accounts, "account"),
        many(status.queue.messages, "message"),
        amount(sizes.file_bytes),
        amount(sizes.reusable()),
    );
    if sizes.file_bytes <= READ_THROUGH {
        let Rows { rows } = line.get_within("/v1/database/rows", PATIENCE)?;
        sentence = format!("{sentence}; {} read as they should", many(rows, "row"));
    }
    if let Some(bytes) = sizes.worth_packing() {
        let bytes = amount(bytes);
        sentence = format!("{sentence}; privcomm db compact would free {bytes}");
    }
    Ok(Finding::ok(Group::Database, sentence))
}

fn broken(error: &CliError) -> Finding {
    Finding::fail(Group::Database, error.trouble(), error.to_string())
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
    match state.join(DATABASE_FILE).metadata() {
        Ok(file) => match look(state, file.len()) {
            Ok(finding) => finding,
            Err(error @ StoreError::Unclosed) => Finding::ok(Group::Database, error.to_string()),
            Err(error) => broken(&error.into()),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let sentence = format!("none yet in {}", state.display());
            Finding::ok(Group::Database, sentence)
        }
        Err(error) => {
            let sentence = format!("{}: {error}", state.display());
            Finding::fail(Group::Database, Trouble::StateFile, sentence)
        }
    }
}

fn look(state: &Path, bytes: u64) -> Result<Finding, StoreError> {
    let found = if bytes <= READ_THROUGH {
        read_through(state)?.map(|(schema, rows)| (schema, Some(rows)))
    } else {
        schema_of(state)?.map(|schema| (schema, None))
    };
    let Some((schema, rows)) = found else {
        return Ok(Finding::ok(Group::Database, "opens, and is empty"));
    };
    let Schema { found, current } = schema;
    if found > current {
        let sentence =
            format!("has format {found}, and this version knows formats up to {current}");
        return Ok(Finding::fail(
            Group::Database,
            Trouble::DatabaseNewer,
            sentence,
        ));
    }
    let rows = rows.filter(|_| found == current);
    let rows = rows.map_or_else(String::new, |rows| {
        format!(", {} read as they should", many(rows, "row"))
    });
    let sentence =
        format!("opens, format {found}{rows}; privcomm db check compares every checksum");
    Ok(Finding::ok(Group::Database, sentence))
}
