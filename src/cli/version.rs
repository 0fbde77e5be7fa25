//! `privcomm version`

use clap::Args;
use serde::Serialize;

use super::exit::{CliError, Exit};
use super::output::Output;

const NAME: &str = env!("CARGO_PKG_NAME");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Print the version
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm version --json")]
pub(super) struct Version;

#[derive(Serialize)]
struct Document {
    name: &'static str,
    version: &'static str,
}

impl Version {
    pub(super) fn run(output: &Output) -> Result<Exit, CliError> {
        let document = Document {
            name: NAME,
            version: VERSION,
        };
        output.show(&document, || format!("{NAME} {VERSION}\n"))?;
        Ok(Exit::Done)
    }
}
