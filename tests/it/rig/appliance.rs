//! A daemon inside the test's own process.

use std::path::PathBuf;
use std::sync::Arc;

use privcomm::config::{Layers, ListenAddress};
use privcomm::messenger::Messenger;
use privcomm::serve::{Daemon, Role};
use tempfile::TempDir;

use super::{Person, Place, Process};

/// Rates far above what a test asks for.
const LIFTED: [&str; 15] = [
    "limits.register=1000000/1s",
    "limits.challenge=1000000/1s",
    "limits.token=1000000/1s",
    "limits.bundle=1000000/1s",
    "limits.bundle_pair=1000000/1s",
    "limits.key_upload=1000000/1s",
    "limits.account_changes=1000000/1s",
    "limits.turn_credentials=1000000/1s",
    "limits.call_starts=1000000/1s",
    "limits.call_starts_pair=1000000/1s",
    "limits.messages=1000000/1s",
    "limits.messages_burst=1000000",
    "limits.frames=1000000/1s",
    "limits.frames_burst=1000000",
    "limits.unauthenticated_per_address=500",
];

/// What a daemon is started with: a directory of its own and settings.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(super) role: Role,
    pub(super) data: Arc<TempDir>,
    /// The state directory, where it is to be another.
    elsewhere: Option<PathBuf>,
    pub(super) settings: Vec<String>,
}

impl Setup {
    /// The limits of the protocol, ports of the system's choice, an empty directory.
    pub(crate) fn strict() -> Self {
        let setup = Self {
            role: Role::Appliance,
            data: Arc::new(TempDir::new().unwrap()),
            elsewhere: None,
            settings: Vec::new(),
        };
        setup
            .set("server.listen=127.0.0.1:0")
            .set("turn.listen=127.0.0.1:0")
            .set("store.disk_floor=1 MiB")
    }

    /// The same without rate limits, for tests of something else.
    pub(crate) fn lenient() -> Self {
        LIFTED.into_iter().fold(Self::strict(), Self::set)
    }

    /// A relay on its own, to be spawned.
    pub(crate) fn relay() -> Self {
        Self {
            role: Role::Relay,
            data: Arc::new(TempDir::new().unwrap()),
            elsewhere: None,
            settings: Vec::new(),
        }
    }

    /// With one setting, written `section.key=value`.
    pub(crate) fn set(mut self, setting: impl Into<String>) -> Self {
        self.settings.push(setting.into());
        self
    }

    /// Where the state is.
    pub(crate) fn data(&self) -> &std::path::Path {
        self.elsewhere
            .as_deref()
            .unwrap_or_else(|| self.data.path())
    }

    /// With its state in this directory.
    pub(crate) fn at(mut self, state: PathBuf) -> Self {
        self.elsewhere = Some(state);
        self
    }

    /// Starts a daemon in this process.
    pub(crate) async fn start(self) -> Appliance {
        let mut layers = Layers::default();
        for setting in &self.settings {
            let (key, value) = setting.split_once('=').unwrap();
            layers = layers.flag(key, value);
        }
        let config = layers.load().unwrap().into_config();
        let data = self.data().to_owned();
        let daemon = Daemon::start(config, Some(data)).await.unwrap();
        let [ListenAddress::Tcp(address)] = daemon.http_addresses() else {
            panic!("expected one TCP address");
        };
        Appliance {
            place: Place::new(*address),
            daemon,
            setup: self,
        }
    }

    /// Starts the real binary.
    pub(crate) async fn spawn(self) -> Process {
        Process::start(self).await
    }

    /// Starts the real binary, which must refuse to run, and gives what it said.
    pub(crate) async fn fail(self) -> String {
        Process::fail(self).await
    }
}

/// A running daemon.
#[derive(Debug)]
pub(crate) struct Appliance {
    place: Place,
    daemon: Daemon,
    setup: Setup,
}

impl Appliance {
    /// A daemon without rate limits.
    pub(crate) async fn start() -> Self {
        Setup::lenient().start().await
    }

    /// Where it listens.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Bars a member.
    pub(crate) async fn suspend(&self, person: &Person) {
        let user = person.user().parse().unwrap();
        self.messenger().suspend(user).await.unwrap();
    }

    /// Lets a member in again.
    pub(crate) async fn resume(&self, person: &Person) {
        let user = person.user().parse().unwrap();
        self.messenger().resume(user).await.unwrap();
    }

    /// The use cases, which the operator's commands call.
    pub(crate) fn messenger(&self) -> &Messenger {
        self.daemon.messenger()
    }

    /// Where it serves its figures.
    pub(crate) fn metrics(&self) -> Place {
        let Some(ListenAddress::Tcp(address)) = self.daemon.metrics_address() else {
            panic!("expected telemetry.metrics_listen");
        };
        Place::new(*address)
    }

    /// The path of its admin socket.
    pub(crate) fn admin_socket(&self) -> &std::path::Path {
        self.daemon.admin_socket()
    }

    /// Stops it in order, and gives back what it was started with: its state is still there.
    pub(crate) async fn stop(self) -> Setup {
        self.daemon.stop().await.unwrap();
        self.setup
    }
}
