//! Floor 6, the composition root: builds the rooms bottom-up, supervises them, stops them in order.
//!
//! Stopping: nothing new is accepted, clients are told to come back, requests in flight finish,
//! what was accepted is committed, the file is closed. All of it within five seconds; a second
//! signal doesn't wait for that.

mod banner;
mod daemon;
mod descriptors;
mod error;
mod ready;
mod relay;
mod signals;
mod state_dir;

use std::path::PathBuf;

pub use daemon::Daemon;
pub use error::ServeError;
pub use relay::TurnAddresses;

use crate::config::Config;

/// What the command line says beyond the configuration.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The state directory, in place of the configured one.
    pub data: Option<PathBuf>,
    /// A file to write the real addresses to once everything listens.
    pub ready_file: Option<PathBuf>,
}

/// Runs the daemon until it is told to stop, or can't go on.
pub async fn run(config: Config, surroundings: Surroundings) -> Result<(), ServeError> {
    let mut stop = signals::Stop::listen()?;
    let daemon = Daemon::start(config, surroundings.data).await?;
    if let Some(path) = &surroundings.ready_file {
        ready::write(path, &daemon)?;
    }
    banner::show(&daemon);
    tokio::select! {
        () = stop.asked() => tracing::info!("stopping"),
        () = daemon.failed() => {}
    }
    tokio::select! {
        outcome = daemon.stop() => outcome,
        () = stop.asked() => Err(ServeError::Hurried),
    }
}
