//! Why the daemon did not start, or did not go on.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::auth::{InvalidTurnSecret, SecretsError};
use crate::base::Trouble;
use crate::net::{BindError, TlsError};
use crate::store::StoreError;
use crate::store::backup::BackupError;
use crate::turn::{NoNetwork, TurnError};

/// Why the daemon did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// There is nowhere to keep state.
    #[error("no state directory: set store.path or --data DIR, or have HOME in the environment")]
    NoStateDirectory,
    /// A file or directory can't be used.
    #[error("can't {action} {}: {source}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The secrets don't read as such.
    #[error("{}: {source}", path.display())]
    Secrets {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: SecretsError,
    },
    /// There is a database, and not the secrets that belong to it.
    #[error(
        "{} is missing, but there is a database beside it: new secrets would lock every member out",
        .0.display()
    )]
    SecretsLost(PathBuf),
    /// Clients can't sign where they connected to.
    #[error(
        "clients sign the origin they connect to, and a Unix socket has none\n  fix: set \
         server.public_url to what they reach it by, such as https://chat.example.org"
    )]
    NoOrigin,
    /// A relay on its own has nothing to check credentials with.
    #[error(
        "--role relay needs turn.secret_file, the secret that the appliance makes credentials with\n  \
         fix: make one with  (umask 077; openssl rand -base64 32 > FILE)  and set turn.secret_file \
         on every machine to a copy of it"
    )]
    TurnSecretMissing,
    /// `turn.secret_file` can't be read.
    #[error(
        "turn.secret_file: can't read {}: {source}\n  fix: put the secret there, readable by the user \
         that privcomm runs as",
        path.display()
    )]
    TurnSecretUnreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Everybody on the machine can read, change or use `turn.secret_file`.
    #[error(
        "turn.secret_file: every user of this machine can get at {path}\n  fix: chmod o= {path}",
        path = .0.display()
    )]
    TurnSecretShared(PathBuf),
    /// In `turn.denied_peers`, `turn.allowed_peers` or `push.allowed_networks`.
    #[error("turn.denied_peers, turn.allowed_peers or push.allowed_networks: {0}")]
    Networks(#[from] NoNetwork),
    /// `turn.secret_file` doesn't hold a secret.
    #[error(
        "turn.secret_file: {}: {source}\n  fix: write one with  openssl rand -base64 32  and copy it to \
         every machine that shares it",
        path.display()
    )]
    TurnSecret {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: InvalidTurnSecret,
    },
    /// There is nothing to run.
    #[error(
        "with --role relay there is only the media relay, and turn.enabled is false\n  \
         fix: set turn.enabled = true, or leave --role relay out"
    )]
    RelayDisabled,
    /// The relay listens and doesn't answer.
    #[error(
        "the media relay doesn't answer at its own addresses\n  fix: let this machine reach the \
         addresses in turn.listen and turn.tls_listen, past its own firewall"
    )]
    RelaySilent,
    /// TLS is asked for without what it needs.
    #[error(
        "TLS for calls needs a certificate and its key\n  \
         fix: set turn.tls_cert and turn.tls_key, or leave turn.tls_listen out (and disable \
         privcomm-443.socket)"
    )]
    TurnCertificateMissing,
    /// The certificate for TLS can't be used.
    #[error("turn.tls_cert and turn.tls_key: {0}")]
    TurnCertificate(#[from] TlsError),
    /// Notifications can't be sent.
    #[error("notifications: {0}\n  fix: put that right, or set push.enabled = false")]
    Push(String),
    /// The database can't be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The snapshot before a migration can't be made.
    #[error("the database must be migrated, and the snapshot before that failed: {0}")]
    Backup(#[from] BackupError),
    /// The media relay can't start.
    #[error(
        "{0}\n  fix: stop what uses that port, or set turn.listen to another, or turn.enabled = false"
    )]
    Turn(#[from] TurnError),
    /// An address can't be listened at.
    #[error("{0}\n  fix: stop what listens there, or set server.listen to another address")]
    Bind(#[from] BindError),
    /// Figures can't be served.
    #[error(
        "metrics: {0}\n  fix: stop what listens there, or set telemetry.metrics_listen to another address"
    )]
    Metrics(#[source] BindError),
    /// The admin socket can't be had.
    #[error("{0}\n  fix: stop what listens there, or set server.admin_socket to another path")]
    Admin(#[from] crate::admin::Error),
    /// The HTTP side can't start.
    #[error(transparent)]
    Http(#[from] crate::http::Error),
    /// systemd handed over a socket that is for nothing here.
    #[error(
        "systemd holds a socket named {0:?}, which is for nothing here\n  fix: set \
         FileDescriptorName=http or turn-tls in its .socket unit"
    )]
    UnknownSocket(String),
    /// A socket that systemd handed over can't be used.
    #[error("can't use the socket {name:?} that systemd holds: {source}")]
    Socket {
        /// Its name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A new value can't be taken up.
    #[error("can't take up the new configuration: {0}")]
    Reload(String),
    /// The system doesn't deliver signals.
    #[error("can't listen for signals: {0}")]
    Signals(io::Error),
    /// A part of the daemon failed.
    #[error("a part of the daemon failed: {0}; this is a bug, and the log above says where")]
    Failed(&'static str),
    /// The daemon was told twice to stop.
    #[error("stopped in a hurry, on a second signal")]
    Hurried,
    /// Not everything came to an end in time.
    #[error("stopped, but not everything came to an end in time")]
    Unfinished,
}

impl ServeError {
    /// The transport and the address that somebody else has, where that is what is wrong.
    pub fn taken(&self) -> Option<(&'static str, SocketAddr)> {
        let (transport, address, source) = match self {
            Self::Turn(TurnError::Listen { address, source }) => ("UDP", *address, source),
            Self::Turn(TurnError::ListenStream { address, source }) => ("TCP", *address, source),
            Self::Bind(BindError::Refused { address, source })
            | Self::Metrics(BindError::Refused { address, source }) => {
                ("TCP", address.parse().ok()?, source)
            }
            _ => return None,
        };
        (source.kind() == io::ErrorKind::AddrInUse).then_some((transport, address))
    }

    /// What this is in the catalogue.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::NoStateDirectory => Trouble::NoStateDirectory,
            Self::File { source, .. } if is_full(source) => Trouble::DiskFull,
            Self::File { .. } => Trouble::StateFile,
            Self::Secrets { .. } => Trouble::Secrets,
            Self::SecretsLost(_) => Trouble::SecretsLost,
            Self::NoOrigin => Trouble::NoOrigin,
            Self::TurnSecret { .. }
            | Self::TurnSecretMissing
            | Self::TurnSecretUnreadable { .. }
            | Self::TurnSecretShared(_) => Trouble::RelaySecret,
            Self::Metrics(_) => Trouble::MetricsAddress,
            Self::TurnCertificateMissing | Self::TurnCertificate(_) => Trouble::RelayCertificate,
            Self::Push(_) => Trouble::PushUnready,
            Self::Store(_) | Self::Backup(_) => Trouble::Database,
            Self::Turn(_) | Self::RelaySilent => Trouble::RelayAddress,
            Self::Bind(_) | Self::UnknownSocket(_) | Self::Socket { .. } => Trouble::HttpAddress,
            Self::Admin(_) => Trouble::AdminSocket,
            Self::Http(_) | Self::RelayDisabled | Self::Networks(_) | Self::Reload(_) => {
                Trouble::Configuration
            }
            Self::Signals(_) => Trouble::Process,
            Self::Failed(_) => Trouble::PartFailed,
            Self::Hurried | Self::Unfinished => Trouble::Unfinished,
        }
    }

    pub(super) fn file(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File {
            action,
            path: path.into(),
            source,
        }
    }
}

/// Whether there was no room, or none for this user.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
