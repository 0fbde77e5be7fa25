//! The composition root: builds the rooms bottom-up, supervises them, stops them in order.

use std::path::PathBuf;

use crate::config::Config;

/// Why the daemon did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// This build has no rooms to serve.
    #[error("expected rooms to serve; this build has none")]
    Empty,
}

/// Runs the daemon with its state in `data`, until it is told to stop.
#[expect(
    clippy::unused_async,
    reason = "the rooms that it will await are not there"
)]
pub(crate) async fn run(_config: Config, _data: Option<PathBuf>) -> Result<(), ServeError> {
    Err(ServeError::Empty)
}
