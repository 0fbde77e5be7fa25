//! `privcomm config check`: the code of startup, up to where the database would be opened.

use clap::Args;
use serde::Serialize;

use super::place::Place;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{self, Output};
use crate::cli::settings::Settings;
use crate::config::{Layers, Problem};

/// Say whether the configuration is right; exit with 2 where it isn't
///
/// Does what `serve` does before it opens the database, and changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm config check
  privcomm config check --config ./new.toml     before it goes into force")]
pub(in crate::cli) struct Check {
    #[command(flatten)]
    settings: Settings,
}

#[derive(Serialize)]
struct Document {
    ok: bool,
    problems: Vec<Complaint>,
}

#[derive(Serialize)]
struct Complaint {
    message: String,
    #[serde(flatten)]
    place: Place,
}

impl From<&Problem> for Complaint {
    fn from(problem: &Problem) -> Self {
        Self {
            message: problem.fault.to_string(),
            place: Place::from(&problem.place),
        }
    }
}

impl Check {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let result = self
            .settings
            .layers()
            .and_then(|layers| Layers::load(&layers));
        let (problems, exit) = match &result {
            Ok(_) => (Vec::new(), Exit::Done),
            Err(error) => (
                error.problems().iter().map(Complaint::from).collect(),
                Exit::Usage,
            ),
        };
        if output.is_json() {
            let ok = exit == Exit::Done;
            output::document(&Document { ok, problems })?;
            return Ok(exit);
        }
        result?;
        let subject = self.settings.file().map_or_else(
            || "no file; environment, flags and defaults are".into(),
            |path| format!("{} is", path.display()),
        );
        output::text(&format!("ok: {subject} right\n"))?;
        Ok(exit)
    }
}
