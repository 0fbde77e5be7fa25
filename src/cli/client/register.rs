//! `privcomm client register` and `restore`

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::place::{Place, Wish, ask, unusable};
use crate::base::{Private, UserId};
use crate::cli::daemon::runtime;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::client::{Client, Error, Invite, RecoveryCode, Registration, ServerUrl};

/// Make an account
///
/// The keys are made and kept on this machine before the server hears of them. So a command that was
/// interrupted can be given again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm client register https://chat.example/i#7Q2M-9XKD-4TRW anna
  privcomm client register https://chat.example anna    if registration is open
  privcomm client register http://127.0.0.1:8080 echo --dir /var/lib/echo-bot
  privcomm client register LINK anna --ask-passphrase")]
pub(in crate::cli) struct Register {
    #[command(flatten)]
    place: Place,

    /// A link of an invite, or the address of a server
    #[arg(value_name = "LINK")]
    link: String,

    /// The handle by which others find the account
    #[arg(value_name = "HANDLE")]
    handle: String,

    /// Keep the key of the account under a passphrase, and ask for it
    #[arg(long)]
    ask_passphrase: bool,
}

/// Have an account again, from a backup
///
/// The old device must not be used any more: two devices of one account end each other's sessions.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm client restore anna.backup
  PRIVCOMM_RECOVERY_CODE=XXXX-… privcomm client restore anna.backup --dir new")]
pub(in crate::cli) struct Restore {
    #[command(flatten)]
    place: Place,

    /// The file that `client export --backup` wrote
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Keep the key of the account under a passphrase, and ask for it
    #[arg(long)]
    ask_passphrase: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    user_id: UserId,
    server: &'a str,
}

impl Register {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let (server, code) = if self.link.contains('#') {
            let invite = Invite::parse(&self.link)?;
            (invite.server, Some(invite.code))
        } else {
            (ServerUrl::parse(&self.link)?, None)
        };
        let registration = Registration {
            server,
            handle: Private(self.handle.clone()),
            code,
        };
        let vault = self.place.new_vault(wish(self.ask_passphrase))?;
        let registering = Client::register(vault, registration, self.place.settings());
        tell(&runtime()?.block_on(registering)?, output)
    }
}

impl Restore {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let file = fs::read(&self.file)
            .map_err(|error| unusable(format!("can't read {}: {error}", self.file.display())))?;
        let code = match std::env::var("PRIVCOMM_RECOVERY_CODE") {
            Ok(code) => Private(code),
            Err(_) => ask("Recovery code: ")?,
        };
        let code = RecoveryCode::parse(&code).map_err(Error::from)?;
        let vault = self.place.new_vault(wish(self.ask_passphrase))?;
        let restoring = Client::restore(vault, file, code, self.place.settings());
        tell(&runtime()?.block_on(restoring)?, output)
    }
}

const fn wish(is_asked: bool) -> Wish {
    if is_asked { Wish::Asked } else { Wish::IfGiven }
}

fn tell(client: &Client, output: &Output) -> Result<Exit, CliError> {
    let document = Document {
        user_id: client.user(),
        server: client.server().origin().as_str(),
    };
    output.show(&document, || format!("{}\n", client.user()))?;
    if !output.is_json() {
        output.note(format_args!(
            "the account is at {}; others write to its handle, or to this id",
            client.server()
        ));
    }
    Ok(Exit::Done)
}
