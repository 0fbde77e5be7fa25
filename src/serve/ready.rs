//! A file that tells scripts and tests where the daemon really listens.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::banner::Notice;
use super::error::ServeError;
use super::relay::TurnAddresses;

#[derive(Serialize)]
struct Ready<'a> {
    /// TCP addresses, and `unix:` paths.
    http: Vec<String>,
    #[serde(flatten)]
    turn: &'a TurnAddresses,
    /// Where figures are served.
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<String>,
    /// The path of the admin socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<&'a Path>,
}

/// Writes the file whole, so that whoever sees it sees all of it.
pub(super) fn write(path: &Path, notice: &Notice<'_>) -> Result<(), ServeError> {
    let ready = Ready {
        http: notice.http().iter().map(ToString::to_string).collect(),
        turn: notice.turn,
        metrics: notice.metrics.map(ToString::to_string),
        admin: notice.admin_socket(),
    };
    let failed = |source| ServeError::file("write", path, source);
    let text = serde_json::to_string(&ready).map_err(|error| failed(error.into()))?;
    let draft = path.with_extension("draft");
    fs::write(&draft, text).map_err(failed)?;
    fs::rename(&draft, path).map_err(failed)
}
