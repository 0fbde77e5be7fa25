//! `privcomm backup verify`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{PassphraseSource, named};
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::progress;
use crate::cli::settings::Settings;
use crate::cli::site::Site;
use crate::cli::words::many;
use crate::store::backup::verify;

/// Read a backup from its first byte to its last, and compare every checksum
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm backup verify daily-20261119
  privcomm backup verify ./moved.pcb   a file from elsewhere")]
pub(in crate::cli) struct Verify {
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

    #[command(flatten)]
    passphrase: PassphraseSource,

    /// A file, or what the name of a backup begins with
    name: String,
}

#[derive(Serialize)]
struct Document {
    ok: bool,
    path: String,
    schema: u64,
    accounts: u64,
    messages: u64,
    made_by: String,
}

impl Verify {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let site = Site::of(&self.settings, self.data.as_ref())?;
        let (path, header) = named(&site.shelf, &self.name)?;
        let passphrase = header
            .is_sealed()
            .then(|| self.passphrase.known_one())
            .transpose()?;
        let header = progress::shown(output, "verifying", |progress| {
            verify(&path, passphrase.as_ref(), progress)
        })?;
        let document = Document {
            ok: true,
            path: path.display().to_string(),
            schema: header.schema,
            accounts: header.accounts,
            messages: header.messages,
            made_by: header.made_by,
        };
        output.show(&document, || {
            format!(
                "ok: {}: checksums ok, format {}, {}, {}, made by {}\n",
                document.path,
                document.schema,
                many(document.accounts, "account"),
                many(document.messages, "message"),
                document.made_by
            )
        })?;
        Ok(Exit::Done)
    }
}
