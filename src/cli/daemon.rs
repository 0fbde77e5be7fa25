//! The options of every command that asks the running daemon, and the asking.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::{Builder, Runtime};

use super::exit::CliError;
use super::output::Output;
use super::settings::Settings;
use crate::admin::client::{Answer, Client, ClientError};
use crate::config::Loaded;
use crate::wire::admin::VERSION;

/// Which daemon.
#[derive(Debug, Clone, Args)]
pub(super) struct Running {
    #[command(flatten)]
    pub(super) settings: Settings,

    /// The daemon's admin socket [default: server.admin_socket, else /run/privcomm/admin.sock, else
    /// that of a daemon started by hand]
    #[arg(
        long,
        value_name = "PATH",
        env = "PRIVCOMM_SOCKET",
        hide_env_values = true
    )]
    socket: Option<PathBuf>,
}

impl Running {
    /// A line to the daemon. Whether anybody is there shows at the first question.
    pub(super) fn reach<'a>(&self, output: &'a Output) -> Result<Daemon<'a>, CliError> {
        let path = match &self.socket {
            Some(path) => path.clone(),
            None => crate::serve::admin_socket(self.settings.layers()?.load()?.config()),
        };
        Ok(Daemon {
            client: Client::new(path),
            runtime: runtime()?,
            output,
        })
    }

    /// Whether one daemon is meant, and no other.
    pub(super) fn is_named(&self) -> bool {
        self.socket.is_some()
    }

    /// The certificate of the daemon's relay, where the configuration names one that can be read.
    pub(super) fn relay_certificate(&self) -> Option<PathBuf> {
        let loaded = self.settings.layers().ok()?.load().ok()?;
        loaded.config().turn.tls_cert.clone()
    }

    /// The configuration that the daemon would have, by file, environment and flags.
    pub(super) fn load(&self) -> Result<Loaded, CliError> {
        Ok(self.settings.layers()?.load()?)
    }

    /// The file of it, if one is read.
    pub(super) fn file(&self) -> Option<&Path> {
        self.settings.file()
    }
}

/// A runtime for one command.
pub(super) fn runtime() -> Result<Runtime, CliError> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(CliError::Runtime)
}

/// The running daemon.
pub(super) struct Daemon<'a> {
    client: Client,
    runtime: Runtime,
    output: &'a Output,
}

impl Daemon<'_> {
    /// What is at `path`.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.heard(self.runtime.block_on(self.client.get(path)))
    }

    /// The same for something that takes longer.
    pub(super) fn get_within<T: DeserializeOwned>(
        &self,
        path: &str,
        patience: Duration,
    ) -> Result<T, CliError> {
        let client = self.client.clone().with_patience(patience);
        self.heard(self.runtime.block_on(client.get(path)))
    }

    /// Has something done or made.
    pub(super) fn post<B: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, CliError> {
        self.heard(self.runtime.block_on(self.client.post(path, body)))
    }

    /// The same line, for something that takes longer.
    pub(super) fn patient(mut self, patience: Duration) -> Self {
        self.client = self.client.with_patience(patience);
        self
    }

    fn heard<T>(&self, answer: Result<Answer<T>, ClientError>) -> Result<T, CliError> {
        let Answer { body, version } = answer?;
        if version != VERSION {
            self.output.note(format_args!(
                "note: this is privcomm {VERSION}, the daemon is {version}; restart it to have both alike"
            ));
        }
        Ok(body)
    }
}
