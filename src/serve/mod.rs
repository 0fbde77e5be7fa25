//! Floor 6, the composition root: builds the rooms bottom-up, supervises them, stops them in order.
//!
//! Stopping: nothing new is accepted, clients are told to come back, requests in flight finish,
//! what was accepted is committed, the file is closed. All of it within five seconds; then calls on
//! the media relay may go on for `turn.drain_timeout`. A second signal doesn't wait for any of that.

mod admin_socket;
mod banner;
mod daemon;
mod descriptors;
mod error;
mod metrics;
mod ready;
mod relay;
mod relay_box;
mod relay_test;
mod role;
mod signals;
mod state_dir;
mod supervised;
mod upkeep;

use std::path::PathBuf;

pub use admin_socket::found as admin_socket;
pub use daemon::Daemon;
pub use error::ServeError;
pub use relay::TurnAddresses;
pub use relay_test::{CheckOutcome, RelayPlace, RelayResult, RelayTest};
pub use role::Role;
pub use state_dir::state_directory;
pub use upkeep::{Upgraded, shelf, upgrade};

use self::relay_box::RelayBox;
use self::signals::Stop;
use self::supervised::Supervised;
use crate::config::Config;

/// What the command line says beyond the configuration.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// What the process is there for.
    pub role: Role,
    /// The state directory, in place of the configured one. A relay on its own has none.
    pub data: Option<PathBuf>,
    /// The configuration file, if one was read: it goes into backups.
    pub config_file: Option<PathBuf>,
    /// A file to write the real addresses to once everything listens.
    pub ready_file: Option<PathBuf>,
}

/// Runs the daemon until it is told to stop, or can't go on.
pub async fn run(config: Config, surroundings: Surroundings) -> Result<(), ServeError> {
    let stop = Stop::listen()?;
    let ready_file = surroundings.ready_file;
    match surroundings.role {
        Role::Appliance => {
            let daemon =
                Daemon::start_from(config, surroundings.data, surroundings.config_file).await?;
            supervise(daemon, stop, ready_file).await
        }
        Role::Relay => supervise(RelayBox::start(&config).await?, stop, ready_file).await,
    }
}

async fn supervise(
    running: impl Supervised,
    mut stop: Stop,
    ready_file: Option<PathBuf>,
) -> Result<(), ServeError> {
    let notice = running.notice();
    if let Some(path) = &ready_file {
        ready::write(path, &notice)?;
    }
    banner::show(&notice);
    tokio::select! {
        () = stop.asked() => tracing::info!("stopping"),
        () = running.failed() => {}
    }
    tokio::select! {
        outcome = running.stop() => outcome,
        () = stop.asked() => Err(ServeError::Hurried),
    }
}
