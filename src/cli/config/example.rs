//! `privcomm config example`

use serde::Serialize;

use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;

#[derive(Serialize)]
struct Document {
    toml: String,
}

pub(super) fn run(output: &Output) -> Result<Exit, CliError> {
    let toml = crate::config::example();
    let document = Document { toml };
    output.show(&document, || document.toml.clone())?;
    Ok(Exit::Done)
}
