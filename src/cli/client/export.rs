//! `privcomm client export`

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::place::Place;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::{Output, document, talk};
use crate::client::{Client, Contact, Error, RecoveryCode};
use crate::wire::body::Account;

/// Print everything about the account: what the server holds, and what is known here
///
/// With --backup also write what it takes to have the account again on another device. The file is
/// sealed under a code, which is shown once: who has both is the account's owner. Sessions are not in
/// it, nor messages.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm client export > account.json
  privcomm client export --backup anna.backup")]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    place: Place,

    /// Write a backup to this file, which must be new
    #[arg(long, value_name = "FILE")]
    backup: Option<PathBuf>,
}

#[derive(Serialize)]
struct Document {
    server: String,
    account: Account,
    contacts: Vec<Contact>,
    waiting_to_be_sent: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_code: Option<String>,
}

impl Export {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let (client, runtime) = self.place.open()?;
        let mut exported = runtime.block_on(gather(&client))?;
        if let Some(path) = &self.backup {
            let (code, file) = runtime.block_on(client.backup())?;
            write(path, &file).map_err(|source| CliError::Write {
                path: path.clone(),
                source,
            })?;
            tell(&code, &mut exported, output);
        }
        document(&exported)?;
        Ok(Exit::Done)
    }
}

/// The code goes to the person, or into the document where a program reads.
fn tell(code: &RecoveryCode, exported: &mut Document, output: &Output) {
    let code = code.to_text();
    if output.is_json() {
        exported.recovery_code = Some(code.to_string());
    } else {
        talk(format_args!(
            "recovery code, shown this once; write it down, apart from the file:\n\n  {}\n",
            code.as_str()
        ));
    }
}

async fn gather(client: &Client) -> Result<Document, Error> {
    Ok(Document {
        server: client.server().to_string(),
        account: client.account().await?,
        contacts: client.contacts().await?,
        waiting_to_be_sent: client.waiting_to_be_sent(),
        recovery_code: None,
    })
}

/// For its owner alone, and nothing is overwritten.
fn write(path: &Path, file: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut target = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    target.write_all(file)?;
    target.sync_all()
}
