//! `privcomm config`: what is set, whether it is right, what could be set.

mod check;
mod example;
mod place;
mod set;
mod show;

use clap::Subcommand;

pub(super) use self::set::wrong;

use super::exit::{CliError, Exit};
use super::output::Output;

/// Check, show and change the configuration
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm config check --config ./config.toml
  privcomm config show --json
  privcomm config example > config.toml")]
pub(super) enum ConfigCommand {
    Check(check::Check),
    Show(show::Show),
    Set(set::Set),
    Upgrade(set::Upgrade),
    /// Print a configuration file with every key, its default and its reason, commented out
    #[command(after_help = "Examples:\n  privcomm config example > config.toml")]
    Example,
}

impl ConfigCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Check(command) => command.run(output),
            Self::Set(command) => command.run(output),
            Self::Upgrade(command) => command.run(output),
            Self::Show(command) => command.run(output),
            Self::Example => example::run(output),
        }
    }
}
