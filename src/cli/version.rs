//! `privcomm version`

use clap::Args;
use serde::Serialize;

use super::exit::{CliError, Exit};
use super::output;

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Print the version
#[derive(Debug, Args)]
pub(super) struct Version {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    name: &'static str,
    version: &'static str,
}

impl Version {
    pub(super) fn run(&self) -> Result<Exit, CliError> {
        if self.json {
            output::json(Document {
                name: NAME,
                version: VERSION,
            })?;
        } else {
            output::text(&format!("{NAME} {VERSION}\n"))?;
        }
        Ok(Exit::Done)
    }
}
