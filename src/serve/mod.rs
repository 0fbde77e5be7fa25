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
mod moving;
mod push;
mod ready;
mod relay;
mod relay_box;
mod relay_test;
mod role;
mod signals;
mod sockets;
mod state_dir;
mod supervised;
mod surroundings;
mod systemd;
mod terms;
mod upkeep;

use std::fmt;
use std::path::PathBuf;

/// For the operator's checks: the web side as its visitors see it.
pub use crate::http::{Page, VisitError, Visitor};
pub use crate::net::Verdict;
pub use crate::web::{Asset as PageFile, Coding, files as page_files};
pub use admin_socket::found as admin_socket;
pub use daemon::Daemon;
pub use error::ServeError;
pub use relay::TurnAddresses;
pub use relay_test::{CheckOutcome, RelayPlace, RelayResult, RelayTest};
pub use role::Role;
pub use sockets::Sockets;
pub use state_dir::state_directory;
pub use upkeep::{Upgraded, shelf, upgrade};

use self::relay_box::RelayBox;
use self::signals::{Signals, Wish};
use self::supervised::Supervised;
use self::systemd::Pulse;
use crate::config::{Config, ConfigError};
pub use crate::telemetry::Logs;

/// What the command line says beyond the configuration.
pub struct Surroundings {
    /// What the process is there for.
    pub role: Role,
    /// The state directory, in place of the configured one. A relay on its own has none.
    pub data: Option<PathBuf>,
    /// The configuration file, if one was read: it goes into backups.
    pub config_file: Option<PathBuf>,
    /// A file to write the real addresses to once everything listens.
    pub ready_file: Option<PathBuf>,
    /// Sockets that listen already.
    pub sockets: Sockets,
    /// The log, whose level can be changed.
    pub logs: Logs,
    /// Reads the configuration again, from all its sources.
    pub read: Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("data", &self.data)
            .field("ready_file", &self.ready_file)
            .field("sockets", &self.sockets)
            .finish_non_exhaustive()
    }
}

/// Runs the daemon until it is told to stop, or can't go on.
pub async fn run(config: Config, surroundings: Surroundings) -> Result<(), ServeError> {
    let signals = Signals::listen()?;
    let Surroundings {
        role,
        data,
        config_file,
        ready_file,
        sockets,
        logs,
        read,
    } = surroundings;
    let reloading = Reloading { logs, read };
    match role {
        Role::Appliance => {
            let daemon = Daemon::start_from(config, data, config_file, sockets).await?;
            supervise(daemon, signals, ready_file, reloading).await
        }
        Role::Relay => {
            let relay = RelayBox::start(&config, sockets).await?;
            supervise(relay, signals, ready_file, reloading).await
        }
    }
}

async fn supervise(
    mut running: impl Supervised,
    mut signals: Signals,
    ready_file: Option<PathBuf>,
    reloading: Reloading,
) -> Result<(), ServeError> {
    let notice = running.notice();
    if let Some(path) = &ready_file {
        ready::write(path, &notice)?;
    }
    banner::show(&notice);
    systemd::ready(&running.summary());
    loop {
        let wish = tokio::select! {
            wish = signals.next() => wish,
            () = running.failed() => break,
            () = feed_watchdog(&running) => break,
        };
        match wish {
            Wish::Reload => reloading.reload(&mut running).await,
            Wish::Stop => {
                tracing::info!("stopping");
                break;
            }
        }
    }
    systemd::stopping();
    tokio::select! {
        outcome = running.stop() => outcome,
        () = signals.stop() => Err(ServeError::Hurried),
        () = systemd::stay_alive() => Err(ServeError::Unfinished),
    }
}

/// What a reload needs.
struct Reloading {
    logs: Logs,
    read: Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>,
}

impl Reloading {
    /// Reads the configuration again and takes up what can be. What can't be read or used changes
    /// nothing and is named in the log.
    async fn reload(&self, running: &mut impl Supervised) {
        systemd::reloading();
        let refused = match (self.read)() {
            Err(error) => error.problems().iter().map(ToString::to_string).collect(),
            Ok(config) => self.take_up(running, &config).await,
        };
        let summary = running.summary();
        if refused.is_empty() {
            return systemd::ready(&summary);
        }
        for problem in &refused {
            tracing::error!("not reloaded, the configuration before stays in force: {problem}");
        }
        systemd::ready(&format!(
            "{summary}; the new configuration was refused, see the log"
        ));
    }

    /// What is wrong with `config`; nothing, and it is in force as far as it can be.
    async fn take_up(&self, running: &mut impl Supervised, config: &Config) -> Vec<String> {
        let taken = running.reload(config).await;
        let spoken = taken.map_err(|error| error.to_string()).and_then(|()| {
            let spoken = self.logs.speak(config.telemetry.log);
            spoken.map_err(|error| error.to_string())
        });
        spoken.err().into_iter().collect()
    }
}

/// Feeds systemd's watchdog, where there is one, for ever.
async fn feed_watchdog(running: &impl Supervised) {
    let Some(period) = systemd::feeding() else {
        return std::future::pending().await;
    };
    let report = |pulse| match pulse {
        Pulse::Well => systemd::alive(),
        Pulse::Failing(error) => {
            tracing::error!("a round trip failed: {error}");
            systemd::status(&format!("a round trip failed: {error}"));
            systemd::alive();
        }
        Pulse::Late(period) => {
            let late = format!("no answer for {} s", period.as_secs());
            tracing::error!("{late}");
            systemd::status(&late);
        }
    };
    running.feel_pulse(period, report).await;
}
