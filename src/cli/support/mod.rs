//! `privcomm support bundle`: what somebody needs to help, and nothing private.
//!
//! The configuration holds no secrets. The log is the daemon's, which names nobody; whatever looks
//! like an address, an id or a key is blacked out here all the same, because a journal also holds
//! what others wrote.

mod filter;

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::daemon::{Running, runtime};
use super::doctor::Doctor;
use super::exit::{CliError, Exit};
use super::finding::lines;
use super::output::{Output, text};
use super::tunnel::Cloudflared;
use crate::base::Trouble;
use crate::wire::admin::{Status, VERSION};

/// Lines of the log.
const LOG_LINES: &str = "200";

/// Help others help you
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm support bundle              look at what would be written")]
pub(super) enum SupportCommand {
    Bundle(Bundle),
}

/// Gather configuration, checks, versions, figures and log lines, with nothing private in them
///
/// Shows all of it before it is written.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm support bundle
  privcomm support bundle --to report.txt --yes")]
pub(super) struct Bundle {
    #[command(flatten)]
    daemon: Running,

    /// The file to write; without it the bundle is only shown
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,

    /// Write it without asking
    #[arg(long, short)]
    yes: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    bundle: &'a str,
    written_to: Option<&'a PathBuf>,
}

impl SupportCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Bundle(command) => command.run(output),
        }
    }
}

impl Bundle {
    fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let bundle = self.gather(output)?;
        if !output.is_json() {
            text(&bundle)?;
        }
        if let Some(path) = &self.to {
            self.confirm()?;
            // Nothing that is there already is replaced.
            let mut options = OpenOptions::new();
            let file = options.write(true).create_new(true).mode(0o600).open(path);
            let written = file.and_then(|mut file| file.write_all(bundle.as_bytes()));
            written.map_err(|error| CliError::Found {
                trouble: Trouble::StateFile,
                detail: format!("can't write {}: {error}", path.display()),
                exit: Exit::Failed,
            })?;
            output.note(format_args!("Written {}", path.display()));
        }
        if output.is_json() {
            let written_to = self.to.as_ref();
            super::output::document(&Document {
                bundle: &bundle,
                written_to,
            })?;
        }
        Ok(Exit::Done)
    }

    fn confirm(&self) -> Result<(), CliError> {
        super::site::confirm(self.yes, "Write this?")
    }

    fn gather(&self, output: &Output) -> Result<String, CliError> {
        let loaded = self.daemon.load();
        let mut bundle = format!("privcomm {VERSION}\n\n== machine\n{}", machine());
        bundle.push_str("\n== configuration (what isn't the default)\n");
        let mut values = Vec::new();
        match &loaded {
            Ok(loaded) => {
                let entries = loaded.entries();
                let set = entries.filter(|entry| entry.source != crate::config::Source::Default);
                for entry in set {
                    let _ = writeln!(bundle, "{} = {}", entry.key, entry.value);
                    values.push(entry.value.to_string());
                }
            }
            Err(error) => {
                let _ = writeln!(bundle, "{error}");
                values.push(error.to_string());
            }
        }
        let findings = Doctor::quick(self.daemon.clone()).examine(output)?;
        let _ = write!(bundle, "\n== doctor\n{}", lines(&findings));
        let reached = self.daemon.reach(output);
        if let Ok(status) = reached.and_then(|daemon| daemon.get::<Status>("/v1/status")) {
            let json = serde_json::to_string_pretty(&status).unwrap_or_default();
            let _ = write!(bundle, "\n== figures\n{json}\n");
        }
        let _ = write!(bundle, "\n== log\n{}", log());
        let tunnel = runtime()?.block_on(Cloudflared::look(None));
        let rules = tunnel.rules().into_iter().flatten();
        values.extend(rules.map(|rule| rule.hostname.clone()));
        Ok(filter::apply(&bundle, &filter::hosts(&values)))
    }
}

fn machine() -> String {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="));
    format!(
        "Linux {} {}, {}\n",
        kernel.trim(),
        std::env::consts::ARCH,
        name.unwrap_or("unknown").trim_matches('"')
    )
}

fn log() -> String {
    let arguments = [
        "--unit",
        "privcomm",
        "--no-pager",
        "--output",
        "short-iso",
        "--no-hostname",
        "--lines",
        LOG_LINES,
    ];
    let output = Command::new("journalctl").args(arguments).output();
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        _ => "no journal\n".to_owned(),
    }
}
