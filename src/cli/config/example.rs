//! `privcomm config example`

use crate::cli::exit::{CliError, Exit};
use crate::cli::output;

pub(super) fn run() -> Result<Exit, CliError> {
    output::text(&crate::config::example())?;
    Ok(Exit::Done)
}
