//! `privcomm backup list`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::base::Timestamp;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{Output, table};
use crate::cli::settings::Settings;
use crate::cli::site::Site;
use crate::cli::when::moment;
use crate::cli::words::amount;
use crate::store::backup::Listed;

/// List the backups, the newest first
///
/// Shows what each says of itself; `backup verify` reads one to its end.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm backup list")]
pub(in crate::cli) struct List {
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
}

#[derive(Serialize)]
struct Document {
    directory: String,
    backups: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    name: String,
    path: String,
    bytes: u64,
    #[serde(flatten)]
    about: Option<About>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

#[derive(Serialize)]
struct About {
    made_at: Timestamp,
    made_by: String,
    schema: u64,
    epoch: u64,
    accounts: u64,
    messages: u64,
    sealed: bool,
}

impl List {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let site = Site::of(&self.settings, self.data.as_ref())?;
        let document = Document {
            directory: site.shelf.directory().display().to_string(),
            backups: site.shelf.list()?.iter().map(Entry::of).collect(),
        };
        output.show(&document, || words(&document))?;
        Ok(Exit::Done)
    }
}

impl Entry {
    fn of(listed: &Listed) -> Self {
        let about = listed.header.as_ref().ok().map(|header| About {
            made_at: header.made_at,
            made_by: header.made_by.clone(),
            schema: header.schema,
            epoch: header.epoch,
            accounts: header.accounts,
            messages: header.messages,
            sealed: header.is_sealed(),
        });
        Self {
            name: listed.name.clone(),
            path: listed.path.display().to_string(),
            bytes: listed.bytes,
            about,
            problem: listed.header.as_ref().err().map(ToString::to_string),
        }
    }

    fn row(&self) -> [String; 6] {
        let Some(about) = &self.about else {
            let problem = self.problem.clone().unwrap_or_default();
            let none = String::new;
            return [self.name.clone(), problem, none(), none(), none(), none()];
        };
        [
            self.name.clone(),
            moment(about.made_at),
            amount(self.bytes),
            about.made_by.clone(),
            about.accounts.to_string(),
            (if about.sealed { "yes" } else { "no" }).to_owned(),
        ]
    }
}

fn words(document: &Document) -> String {
    if document.backups.is_empty() {
        return format!("no backups in {}\n", document.directory);
    }
    let rows: Vec<_> = document.backups.iter().map(Entry::row).collect();
    let heads = ["NAME", "MADE", "SIZE", "BY", "ACCOUNTS", "SEALED"];
    table(heads, &rows)
}
