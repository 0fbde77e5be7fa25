//! `privcomm config check`: the code of startup, up to where the database would be opened.

use clap::Args;
use serde::Serialize;

use super::place::Place;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output;
use crate::cli::settings::Settings;
use crate::config::{ConfigError, Layers, Loaded, Problem};

/// Say whether the configuration is right; exit with 2 where it isn't
///
/// Does what `serve` does before it opens the database, and changes nothing.
#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    #[command(flatten)]
    settings: Settings,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
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
    pub(super) fn run(&self) -> Result<Exit, CliError> {
        let result = self
            .settings
            .layers()
            .and_then(|layers| Layers::load(&layers));
        if self.json {
            return document(&result);
        }
        result?;
        let subject = self.settings.file().map_or_else(
            || "no file; environment, flags and defaults are".into(),
            |path| format!("{} is", path.display()),
        );
        output::text(&format!("ok: {subject} right\n"))?;
        Ok(Exit::Done)
    }
}

fn document(result: &Result<Loaded, ConfigError>) -> Result<Exit, CliError> {
    let (problems, exit) = match result {
        Ok(_) => (Vec::new(), Exit::Done),
        Err(error) => (
            error.problems().iter().map(Complaint::from).collect(),
            Exit::Usage,
        ),
    };
    output::json(Document {
        ok: exit == Exit::Done,
        problems,
    })?;
    Ok(exit)
}
