//! How a command ends.

use std::io;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::serve::ServeError;

/// The exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// It was done.
    Done = 0,
    /// It failed.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
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
    #[error("can't write to stdout: {0}")]
    Output(#[from] io::Error),
}

impl CliError {
    /// Says on stderr what went wrong, a line each, and how to exit.
    pub(super) fn report(self) -> Exit {
        match self {
            Self::Config(error) => {
                for problem in error.problems() {
                    super::output::talk(format_args!("error: {problem}"));
                }
                Exit::Usage
            }
            // Whoever reads stdout has read enough.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
            error => {
                super::output::talk(format_args!("error: {error}"));
                Exit::Failed
            }
        }
    }
}
