//! What the operator types: one file per command.
//!
//! Data goes to stdout, talk to stderr. `--json` makes one document `{"v":1,…}` of the data, to
//! which members are only ever added.

mod audit;
mod backup;
mod client;
mod completions;
mod config;
mod daemon;
mod database;
mod doctor;
mod exit;
mod explain;
mod finding;
mod holder;
mod invite;
mod logs;
mod man;
mod output;
mod ports;
mod progress;
mod push;
mod qr;
mod restore;
mod serve;
mod service;
mod settings;
mod setup;
mod site;
mod status;
mod support;
mod token;
mod tunnel;
mod turn;
mod user;
mod version;
mod web;
mod when;
mod who;
mod words;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::base::task::words_of_panic;
use crate::config::Telemetry;
use crate::serve::Logs;
use exit::CliError;
use output::Output;

/// A command line.
#[derive(Debug, Parser)]
#[command(name = "privcomm", version, about, long_about = None, max_term_width = 100)]
#[command(
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  privcomm serve                     on this machine only, with no configuration
  privcomm config example            every setting with its default and reason
  privcomm config check              is the configuration right?
  privcomm setup                     four questions, and members reach it
  privcomm status                    how the running daemon is
  privcomm invite create --qr        a link for somebody new
  privcomm user list                 who is here
  privcomm doctor                    check everything, and say what mends it
  privcomm client listen --json      a member's client, for people and bots
  privcomm explain PC-ADM-01         what a code means and what mends it

Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 daemon not reachable,
4 not found, 5 refused, 6 conflict, 7 checks failed, 75 try later."
)]
pub struct Invocation {
    #[command(flatten)]
    output: Output,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Setup(setup::Setup),
    Status(status::Status),
    Doctor(doctor::Doctor),
    Ports(ports::Ports),
    Logs(logs::Logs),
    #[command(subcommand)]
    Invite(invite::InviteCommand),
    #[command(subcommand)]
    User(user::UserCommand),
    #[command(subcommand)]
    Config(config::ConfigCommand),
    #[command(subcommand)]
    Tunnel(tunnel::TunnelCommand),
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    Restore(restore::RestoreCommand),
    #[command(subcommand)]
    Db(database::DatabaseCommand),
    #[command(subcommand)]
    Support(support::SupportCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    Audit(audit::AuditCommand),
    #[command(subcommand)]
    Turn(turn::TurnCommand),
    #[command(subcommand)]
    Push(push::PushCommand),
    #[command(subcommand)]
    Web(web::WebCommand),
    #[command(subcommand)]
    Client(client::ClientCommand),
    Explain(explain::Explain),
    Completions(completions::Completions),
    Man(man::Manual),
    Version(version::Version),
}

impl Invocation {
    /// The command line of this process. Ends the process for `--help`, and with exit code 2 where
    /// it can't be understood.
    pub fn from_arguments() -> Self {
        Self::parse()
    }
}

/// Does what the command line says. `start_logging` is called by commands that log.
pub fn run<E: fmt::Display>(
    invocation: Invocation,
    start_logging: impl FnOnce(&Telemetry) -> Result<Logs, E>,
) -> ExitCode {
    let output = &invocation.output;
    let command = || match invocation.command {
        Command::Serve(command) => command.run(start_logging),
        Command::Config(command) => command.run(output),
        Command::Status(command) => command.run(output),
        Command::Backup(command) => command.run(output),
        Command::Restore(command) => command.run(output),
        Command::Db(command) => command.run(output),
        Command::Invite(command) => command.run(output),
        Command::User(command) => command.run(output),
        Command::Token(command) => command.run(output),
        Command::Audit(command) => command.run(output),
        Command::Doctor(command) => command.run(output),
        Command::Setup(command) => command.run(output),
        Command::Support(command) => command.run(output),
        Command::Logs(command) => command.run(output),
        Command::Ports(command) => command.run(output),
        Command::Tunnel(command) => command.run(output),
        Command::Turn(command) => command.run(output),
        Command::Push(command) => command.run(output),
        Command::Web(command) => command.run(output),
        Command::Client(command) => command.run(output),
        Command::Explain(command) => command.run(output),
        Command::Version(version::Version) => version::Version::run(output),
        Command::Completions(command) => command.run(),
        Command::Man(command) => command.run(),
    };
    // What was under way is not used again: the process ends.
    let ended = catch_unwind(AssertUnwindSafe(command));
    let result = ended.unwrap_or_else(|said| Err(CliError::Broken(words_of_panic(&*said).into())));
    result.unwrap_or_else(|error| error.report()).into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Invocation::command().debug_assert();
    }

    #[test]
    fn every_command_shows_in_its_help_how_it_is_used() {
        let mut without = Vec::new();
        let mut commands = vec![("privcomm".to_owned(), Invocation::command())];
        while let Some((name, command)) = commands.pop() {
            let help = command.get_after_help().map(ToString::to_string);
            let is_used = |line: &str| line.starts_with("  ") && line.contains(&name);
            let mut after = help.iter().flat_map(|help| help.lines());
            if !(after.any(|line| line == "Examples:") && after.any(is_used)) {
                without.push(name.clone());
            }
            for next in command.get_subcommands() {
                commands.push((format!("{name} {}", next.get_name()), next.clone()));
            }
        }
        assert!(without.is_empty(), "{without:#?}");
    }
}
