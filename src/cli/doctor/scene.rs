//! What the checks look at.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Runtime;

use super::Doctor;
use crate::base::{Clock, Timestamp, Trouble};
use crate::cli::daemon::{Daemon, Running, runtime};
use crate::cli::exit::CliError;
use crate::cli::finding::{Finding, Group};
use crate::cli::output::Output;
use crate::config::{Config, Loaded};
use crate::wire::admin::{Status, Surroundings};

/// Everything that more than one check needs.
pub(super) struct Scene<'a> {
    pub(super) runtime: Runtime,
    pub(super) now: Timestamp,
    pub(super) running: &'a Running,
    /// The configuration, or what is wrong with it.
    pub(super) loaded: Result<Loaded, CliError>,
    /// The daemon; none: it can't be reached.
    pub(super) daemon: Option<Near<'a>>,
    /// Why it can't.
    pub(super) absence: Option<(Trouble, String)>,
    /// Where state is kept, as far as it is known.
    pub(super) state: Option<PathBuf>,
    pub(super) is_offline: bool,
    pub(super) hold: Duration,
    pub(super) metrics: Option<SocketAddr>,
}

/// A daemon that answers.
pub(super) struct Near<'a> {
    pub(super) line: Daemon<'a>,
    pub(super) here: Surroundings,
    pub(super) status: Status,
}

impl<'a> Scene<'a> {
    pub(super) fn look(doctor: &'a Doctor, output: &'a Output) -> Result<Self, CliError> {
        let loaded = doctor.daemon.load();
        let near = doctor.daemon.reach(output).and_then(|line| {
            let here: Surroundings = line.get("/v1/surroundings")?;
            let status = line.get("/v1/status")?;
            Ok(Near { line, here, status })
        });
        let (daemon, absence) = match near {
            Ok(near) => (Some(near), None),
            Err(error) => (None, Some((error.trouble(), error.to_string()))),
        };
        let configured = loaded.as_ref().ok();
        let configured = configured.and_then(|loaded| loaded.config().store.path.clone());
        let told = daemon.as_ref().map(|near| near.here.state_dir.clone());
        let asked = told.or_else(|| doctor.data.clone()).or(configured);
        Ok(Self {
            runtime: runtime()?,
            now: Clock::System.now(),
            running: &doctor.daemon,
            loaded,
            daemon,
            absence,
            state: crate::serve::state_directory(asked).ok(),
            is_offline: doctor.offline,
            hold: doctor.hold,
            metrics: doctor.metrics,
        })
    }

    /// The configuration, or the default where it is wrong.
    pub(super) fn config(&self) -> Config {
        self.loaded
            .as_ref()
            .map(|loaded| loaded.config().clone())
            .unwrap_or_default()
    }

    /// The daemon, or the line that says that this can't be checked without.
    pub(super) fn needs_daemon(&self, group: Group) -> Result<&Near<'a>, Vec<Finding>> {
        self.daemon
            .as_ref()
            .ok_or_else(|| vec![Finding::ok(group, "not checked: the daemon can't be asked")])
    }
}
