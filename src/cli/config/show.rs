//! `privcomm config show`

use clap::Args;
use serde::Serialize;

use super::place::Place;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{Output, table};
use crate::cli::settings::Settings;
use crate::config::{Entry, Loaded, Value};

/// Print every value with where it came from
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm config show
  privcomm config show --json | jq .settings")]
pub(in crate::cli) struct Show {
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Document {
    settings: Vec<Setting>,
}

#[derive(Serialize)]
struct Setting {
    key: String,
    value: Value,
    #[serde(flatten)]
    place: Place,
}

impl From<Entry> for Setting {
    fn from(entry: Entry) -> Self {
        Self {
            place: Place::from(&entry.source),
            key: entry.key,
            value: entry.value,
        }
    }
}

impl Show {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let loaded = self.settings.layers()?.load()?;
        let document = Document {
            settings: loaded.entries().map(Setting::from).collect(),
        };
        output.show(&document, || {
            table(["KEY", "VALUE", "SOURCE"], &rows(&loaded))
        })?;
        Ok(Exit::Done)
    }
}

fn rows(loaded: &Loaded) -> Vec<[String; 3]> {
    let row = |entry: Entry| [entry.key, entry.value.to_string(), entry.source.to_string()];
    loaded.entries().map(row).collect()
}
