//! `privcomm config`: what is set, whether it is right, what could be set.

mod check;
mod example;
mod place;
mod show;

use clap::Subcommand;

use super::exit::{CliError, Exit};

/// Check and show the configuration
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm config check --config ./config.toml
  privcomm config show --json
  privcomm config example > config.toml")]
pub(super) enum ConfigCommand {
    Check(check::Check),
    Show(show::Show),
    /// Print a configuration file with every key, its default and its reason, commented out
    Example,
}

impl ConfigCommand {
    pub(super) fn run(&self) -> Result<Exit, CliError> {
        match self {
            Self::Check(command) => command.run(),
            Self::Show(command) => command.run(),
            Self::Example => example::run(),
        }
    }
}
