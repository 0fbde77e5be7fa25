//! `privcomm support bundle`: what somebody needs to help, and nothing private.
//!
//! The configuration holds no secrets. The log is the daemon's, which names nobody; whatever looks
//! like an address, an id or a key is blacked out here all the same, because a journal also holds
//! what others wrote.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::Command;

use clap::{Args, Subcommand};
use regex_lite::{Captures, Regex};
use serde::Serialize;

use super::daemon::Running;
use super::doctor::Doctor;
use super::exit::{CliError, Exit};
use super::finding::lines;
use super::output::{Output, text};
use super::tunnel::host_of;
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
        let public_url = match &loaded {
            Ok(loaded) => {
                let entries = loaded.entries();
                let set = entries.filter(|entry| entry.source != crate::config::Source::Default);
                for entry in set {
                    let _ = writeln!(bundle, "{} = {}", entry.key, entry.value);
                }
                loaded.config().server.public_url.clone()
            }
            Err(error) => {
                let _ = writeln!(bundle, "{error}");
                None
            }
        };
        let findings = Doctor::quick(self.daemon.clone()).examine(output)?;
        let _ = write!(bundle, "\n== doctor\n{}", lines(&findings));
        let reached = self.daemon.reach(output);
        if let Ok(status) = reached.and_then(|daemon| daemon.get::<Status>("/v1/status")) {
            let json = serde_json::to_string_pretty(&status).unwrap_or_default();
            let _ = write!(bundle, "\n== figures\n{json}\n");
        }
        let _ = write!(bundle, "\n== log\n{}", log());
        let host = public_url.as_deref().and_then(host_of);
        Ok(filter(&bundle, host.as_deref()))
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

/// The privacy filter: the public name, addresses but for this machine's own names for itself, ids,
/// and whatever is as long as a key.
fn filter(text: &str, host: Option<&str>) -> String {
    let mut text = text.to_owned();
    if let Some(host) = host {
        text = text.replace(host, "[public name]");
    }
    for (pattern, name) in [
        (
            r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[id]",
        ),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}\b", "[address]"),
        (
            r"(?i)(?:\b[0-9a-f]{1,4}|:):(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}",
            "[address]",
        ),
        (r"[\w.+-]+@[\w-]+\.[\w.]+", "[mail]"),
        (r"[A-Za-z0-9+/_=-]{32,}", "[key?]"),
    ] {
        let Ok(pattern) = Regex::new(pattern) else {
            continue;
        };
        text = pattern
            .replace_all(&text, |found: &Captures<'_>| {
                let found = &found[0];
                if is_public(found) {
                    found.to_owned()
                } else {
                    name.to_owned()
                }
            })
            .into_owned();
    }
    text
}

/// What is the same on every machine: loopback, every interface, times of day.
fn is_public(found: &str) -> bool {
    let is_time = found.len() <= 8 && found.split(':').all(|part| part.len() == 2);
    is_time || found.starts_with("127.") || found == "0.0.0.0" || ["::", "::1"].contains(&found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_private_passes_the_filter() {
        let text = "2026-11-20T15:02:03 user 3f0c1d2e-aaaa-4bbb-8ccc-0123456789ab of 203.0.113.7 and \
            2001:db8::17 at chat.example.org, anna@example.org, key \
            q83vEjRWeJASNFZ4kBI0VniQEjRWeJASNFZ4kBI0Vng=, on 127.0.0.1:8000 and 0.0.0.0:3478";
        let filtered = filter(text, Some("chat.example.org"));
        assert_eq!(
            filtered,
            "2026-11-20T15:02:03 user [id] of [address] and [address] at [public name], [mail], key \
             [key?], on 127.0.0.1:8000 and 0.0.0.0:3478"
        );
    }
}
