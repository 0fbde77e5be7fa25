//! `privcomm user`: the members.

mod change;
mod limits;
mod list;
mod show;

use clap::{Args, Subcommand};

use super::exit::{CliError, Exit};
use super::output::Output;
use super::who::{Name, name};

/// See, suspend, reset and delete members
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A member goes by handle, or by any beginning of the user id that no other has;
@NAME is a handle for certain. The daemon knows handles by a keyed hash only: it
can't list them.

Examples:
  privcomm user list
  privcomm user show anna
  privcomm user suspend mallory --for 7d --reason \"calls\"")]
pub(super) enum UserCommand {
    List(list::List),
    Show(show::Show),
    Suspend(change::Suspend),
    Resume(change::Resume),
    Reset(change::Reset),
    Delete(change::Delete),
    Limits(limits::Limits),
}

impl UserCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::List(command) => command.run(output),
            Self::Show(command) => command.run(output),
            Self::Suspend(command) => command.run(output),
            Self::Resume(command) => command.run(output),
            Self::Reset(command) => command.run(output),
            Self::Delete(command) => command.run(output),
            Self::Limits(command) => command.run(output),
        }
    }
}

/// Which member.
#[derive(Debug, Args)]
struct Who {
    /// A handle, or any beginning of a user id that no other has
    #[arg(value_name = "USER", value_parser = name)]
    user: Name,
}

impl Who {
    fn path(&self, suffix: &str) -> String {
        self.user.path("/v1/users", suffix)
    }
}
