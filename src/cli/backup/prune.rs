//! `privcomm backup prune`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::settings::Settings;
use crate::cli::site::{Site, confirm};
use crate::cli::words::many;

/// Delete the oldest of the backups that were made by themselves
///
/// Those that you asked for, and the snapshots before upgrades, are never deleted.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm backup prune --keep 3")]
pub(in crate::cli) struct Prune {
    #[command(flatten)]
    settings: Settings,

    /// State directory [default: store.path]
    #[arg(
        long,
        value_name = "DIR",
        env = "PRIVCOMM_DATA",
        hide_env_values = true
    )]
    data: Option<PathBuf>,

    /// How many are kept [default: backup.keep]
    #[arg(long, value_name = "N")]
    keep: Option<usize>,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,
}

#[derive(Serialize)]
struct Document {
    deleted: Vec<String>,
}

impl Prune {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let site = Site::of(&self.settings, self.data.as_ref())?;
        let keep = self.keep.unwrap_or(site.config.backup.keep);
        let superfluous = site.shelf.superfluous(keep)?;
        if !superfluous.is_empty() {
            let names: Vec<_> = superfluous
                .iter()
                .map(|listed| listed.name.as_str())
                .collect();
            confirm(self.yes, &format!("Delete {}?", names.join(", ")))?;
        }
        let deleted = site.shelf.prune(keep)?;
        let document = Document {
            deleted: deleted.into_iter().map(|listed| listed.name).collect(),
        };
        output.show(&document, || {
            let mut text = format!("deleted {}", many(document.deleted.len() as u64, "backup"));
            for name in &document.deleted {
                text.push_str("\n  ");
                text.push_str(name);
            }
            text.push('\n');
            text
        })?;
        Ok(Exit::Done)
    }
}
