//! `privcomm web`: the pages that browsers get.

use clap::Subcommand;
use serde::Serialize;

use super::exit::{CliError, Exit};
use super::output::Output;
use crate::serve::{Coding, PageFile, page_files};

/// Look at the pages that are served
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  privcomm web hashes")]
pub(super) enum WebCommand {
    /// Print the SHA-256 of every file of the web client, in the form of sha256sum
    ///
    /// They are those of this program. What a name on the internet serves is compared with them by
    /// `privcomm doctor --only public`, and by anybody else with curl and sha256sum.
    #[command(after_help = "\
Examples:
  privcomm web hashes
  privcomm web hashes --json
  curl -s https://chat.example.org/app/app.js | sha256sum")]
    Hashes,
}

#[derive(Serialize)]
struct Document {
    files: Vec<File>,
}

#[derive(Serialize)]
struct File {
    path: String,
    sha256: String,
    media_type: &'static str,
    bytes: usize,
    /// Lengths as they go over the wire; null where packing gains nothing.
    gzip_bytes: Option<usize>,
    brotli_bytes: Option<usize>,
}

impl WebCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Hashes => hashes(output),
        }
    }
}

fn hashes(output: &Output) -> Result<Exit, CliError> {
    let files: Vec<File> = page_files().iter().map(File::of).collect();
    let document = Document { files };
    output.show(&document, || {
        let line = |file: &File| format!("{}  {}\n", file.sha256, file.path);
        document.files.iter().map(line).collect()
    })?;
    Ok(Exit::Done)
}

impl File {
    fn of(file: &PageFile) -> Self {
        Self {
            path: file.path.clone(),
            sha256: file.digest.clone(),
            media_type: file.kind,
            bytes: file.length(),
            gzip_bytes: file.packed_length(Coding::Gzip),
            brotli_bytes: file.packed_length(Coding::Brotli),
        }
    }
}
