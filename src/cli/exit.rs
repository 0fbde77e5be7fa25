//! How a command ends.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::client;
use super::holder::{Holder, Transport};
use super::output::talk;
use crate::admin::client::ClientError;
use crate::base::Trouble;
use crate::config::{ConfigError, Fault};
use crate::serve::ServeError;
use crate::store::StoreError;
use crate::store::backup::BackupError;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// It was done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The daemon can't be reached.
    Unreachable = 3,
    /// What was named doesn't exist.
    NotFound = 4,
    /// It isn't allowed.
    Refused = 5,
    /// Things stand otherwise than this needs.
    Conflict = 6,
    /// What was checked isn't right.
    ChecksFailed = 7,
    /// It may work in a while (`EX_TEMPFAIL` of sysexits.h).
    Later = 75,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("can't start the log: {0}")]
    Logging(String),
    #[error("can't start threads: {0}")]
    Runtime(io::Error),
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Daemon(#[from] ClientError),
    #[error(transparent)]
    Client(#[from] crate::client::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error("can't write to {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("can't write to stdout: {0}")]
    Output(#[from] io::Error),
    /// A command panicked.
    #[error("the command broke off: {0}; this is a bug")]
    Broken(String),
    /// What a command found out by itself.
    #[error("{detail}")]
    Found {
        trouble: Trouble,
        detail: String,
        exit: Exit,
    },
}

impl CliError {
    /// Says on stderr what went wrong, with its code and the way out, and how to exit.
    pub(super) fn report(&self) -> Exit {
        match self {
            Self::Config(error) => {
                for problem in error.problems() {
                    talk(format_args!("error {}: {problem}", Trouble::Configuration));
                }
                talk(format_args!("  fix: {}", fix_of(error)));
            }
            // Whoever reads stdout has read enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            error => complain(error),
        }
        self.exit()
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Usage,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            Self::Daemon(ClientError::Refused(refused)) => match refused.problem.status {
                _ if refused.trouble == Trouble::NotOperator => Exit::Unreachable,
                404 => Exit::NotFound,
                401 | 403 => Exit::Refused,
                409 | 410 => Exit::Conflict,
                429 | 503 => Exit::Later,
                400..500 => Exit::Usage,
                _ => Exit::Failed,
            },
            Self::Daemon(_) => Exit::Unreachable,
            Self::Client(error) => client::exit_of(error),
            Self::Found { exit, .. } => *exit,
            other => exit_of(other.trouble()),
        }
    }

    /// What this is in the catalogue.
    pub(super) fn trouble(&self) -> Trouble {
        match self {
            Self::Config(_) => Trouble::Configuration,
            Self::Serve(ServeError::Store(error)) | Self::Store(error) => of_store(error),
            Self::Serve(ServeError::Backup(error)) | Self::Backup(error) => of_backup(error),
            Self::Logging(_) | Self::Runtime(_) | Self::Write { .. } | Self::Output(_) => {
                Trouble::Process
            }
            Self::Broken(_) => Trouble::PartFailed,
            Self::Serve(error) => error.trouble(),
            Self::Daemon(error) => error.trouble(),
            Self::Client(error) => client::trouble_of(error),
            Self::Found { trouble, .. } => *trouble,
        }
    }

    /// The way out; none: the sentence has it already.
    fn fix(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Serve(_) | Self::Store(_) | Self::Backup(_)
                if self.to_string().contains("\n  fix: ") =>
            {
                None
            }
            Self::Daemon(error) if let Some(fix) = error.fix() => Some(Cow::Owned(fix)),
            _ => Some(Cow::Borrowed(self.trouble().fix())),
        }
    }
}

/// How a command ends that met this by itself.
fn exit_of(trouble: Trouble) -> Exit {
    match trouble {
        Trouble::BackupUnknown | Trouble::DatabaseMissing => Exit::NotFound,
        Trouble::DatabaseInUse => Exit::Conflict,
        _ => Exit::Failed,
    }
}

/// What an error of the database is in the catalogue.
fn of_store(error: &StoreError) -> Trouble {
    match error {
        StoreError::AlreadyOpen { .. } => Trouble::DatabaseInUse,
        StoreError::NewerSchema { .. } | StoreError::NewerTable { .. } => Trouble::DatabaseNewer,
        StoreError::Full => Trouble::DiskFull,
        StoreError::Record(_) | StoreError::Damaged(_) => Trouble::DatabaseDamaged,
        StoreError::File { reason, .. } if reason.kind() == io::ErrorKind::NotFound => {
            Trouble::DatabaseMissing
        }
        StoreError::File { .. } => Trouble::StateFile,
        _ => Trouble::Database,
    }
}

/// What an error of a backup is in the catalogue.
fn of_backup(error: &BackupError) -> Trouble {
    match error {
        BackupError::Foreign | BackupError::Damaged(_) => Trouble::BackupDamaged,
        BackupError::Sealed | BackupError::WrongPassphrase => Trouble::BackupSealed,
        BackupError::NotFound { .. } | BackupError::Ambiguous { .. } => Trouble::BackupUnknown,
        BackupError::NewerFormat { .. } => Trouble::DatabaseNewer,
        BackupError::Unexchangeable { .. } => Trouble::BackupMount,
        BackupError::Store(error) => of_store(error),
        _ => Trouble::BackupFailed,
    }
}

/// What mends a configuration. One that can't be read is no matter of what stands in it.
fn fix_of(error: &ConfigError) -> &'static str {
    let is_unread = |fault: &Fault| matches!(fault, Fault::Unreadable(_));
    if error.problems().iter().any(|one| is_unread(&one.fault)) {
        "let this user read it: sudo, or chmod    or name another: --config FILE"
    } else {
        Trouble::Configuration.fix()
    }
}

fn complain(error: &CliError) {
    let said = match error {
        CliError::Serve(error) => named(error).unwrap_or_else(|| error.to_string()),
        error => error.to_string(),
    };
    talk(format_args!("error {}: {said}", error.trouble()));
    if let Some(fix) = error.fix() {
        talk(format_args!("  fix: {fix}"));
    }
}

/// What is said of a port that somebody else has: who that is.
fn named(error: &ServeError) -> Option<String> {
    let (name, address) = error.taken()?;
    let transport = match name {
        "UDP" => Transport::Udp,
        _ => Transport::Tcp,
    };
    let holder = Holder::of(transport, address)?;
    let place = if address.ip().is_unspecified() {
        address.port().to_string()
    } else {
        address.to_string()
    };
    let said = error.to_string();
    let fix = said.split_once("\n  fix: ").map_or("", |(_, fix)| fix);
    Some(format!("{name} {place} is taken by {holder}\n  fix: {fix}"))
}
