//! `privcomm logs`: the journal of the unit.

use std::io;
use std::process::Command;

use clap::Args;

use super::exit::{CliError, Exit};
use super::output::Output;
use crate::base::Trouble;

/// Show the daemon's log, from the journal
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm logs --since '1 hour ago'
  privcomm logs --follow --grep relay")]
pub(super) struct Logs {
    /// From when on, as journalctl takes it: '1 hour ago', today, 2026-11-20
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Only the last so many lines
    #[arg(long, short = 'n', value_name = "N")]
    lines: Option<u32>,

    /// Wait for more
    #[arg(long, short)]
    follow: bool,

    /// Only lines that contain this (a regular expression)
    #[arg(long, value_name = "PATTERN")]
    grep: Option<String>,

    /// The unit
    #[arg(long, value_name = "NAME", default_value = "privcomm")]
    unit: String,
}

impl Logs {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let status = self
            .command(output)
            .status()
            .map_err(|error| absent(&error))?;
        match status.code() {
            Some(0) => Ok(Exit::Done),
            // journalctl exits so where nothing matches.
            Some(1) if self.grep.is_some() => Ok(Exit::Done),
            _ => Err(absent(&io::Error::other("journalctl failed"))),
        }
    }

    fn command(&self, output: &Output) -> Command {
        let mut command = Command::new("journalctl");
        command.args(["--unit", &self.unit]);
        command.args([
            "--output",
            if output.is_json() {
                "json"
            } else {
                "short-iso"
            },
        ]);
        for (option, value) in [("--since", &self.since), ("--grep", &self.grep)] {
            command.args(value.iter().flat_map(|value| [option, value.as_str()]));
        }
        if let Some(lines) = self.lines {
            command.args(["--lines", &lines.to_string()]);
        }
        if self.follow {
            command.arg("--follow");
        } else {
            command.arg("--no-pager");
        }
        command
    }
}

fn absent(error: &io::Error) -> CliError {
    CliError::Found {
        trouble: Trouble::NoJournal,
        detail: format!("the journal can't be read: {error}"),
        exit: Exit::Failed,
    }
}
