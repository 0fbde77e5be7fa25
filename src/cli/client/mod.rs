//! `privcomm client`: a member's side, for people at a terminal, for bots, and for trying things.

mod call_test;
mod contacts;
mod delete;
mod export;
mod listen;
mod place;
mod register;
mod send;
mod verify;

use clap::Subcommand;

use super::exit::{CliError, Exit};
use super::output::Output;
use crate::base::Trouble;
use crate::client::storage::StorageError;
use crate::client::{Error, Refusal};

/// Be a member: register, send, listen, verify
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Messages are encrypted on this machine and can be read on the recipient's only.
The account lives in a directory, which one process uses at a time: a bot that
listens sends through the same process.

Examples:
  privcomm client register https://chat.example/i#7Q2M-9XKD-4TRW anna
  privcomm client send ben 'Hello'
  privcomm client listen --json --input
  privcomm client verify ben")]
pub(super) enum ClientCommand {
    Register(register::Register),
    Restore(register::Restore),
    Send(send::Send),
    Listen(listen::Listen),
    #[command(subcommand)]
    Contacts(contacts::ContactsCommand),
    Verify(verify::Verify),
    CallTest(call_test::CallTest),
    Export(export::Export),
    Delete(delete::Delete),
}

impl ClientCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        match self {
            Self::Register(command) => command.run(output),
            Self::Restore(command) => command.run(output),
            Self::Send(command) => command.run(output),
            Self::Listen(command) => command.run(output),
            Self::Contacts(command) => command.run(output),
            Self::Verify(command) => command.run(output),
            Self::CallTest(command) => command.run(output),
            Self::Export(command) => command.run(output),
            Self::Delete(command) => command.run(output),
        }
    }
}

/// What an error of the client is in the catalogue.
pub(super) fn trouble_of(error: &Error) -> Trouble {
    match error {
        Error::NoAccount | Error::OtherAccount => Trouble::NoAccount,
        Error::Unreachable(_) | Error::NotConnected => Trouble::ServerUnreachable,
        Error::Refused { .. } | Error::OutboxFull { .. } => Trouble::ServerRefuses,
        Error::Storage(_) => Trouble::AccountStorage,
        Error::Encryption(
            Refusal::IdentityChanged | Refusal::OtherIdentity | Refusal::OtherSafetyNumber,
        ) => Trouble::SafetyNumber,
        Error::Foreign(_) => Trouble::ServerForeign,
        Error::OwnIdentity => Trouble::OwnIdentity,
        Error::Broken => Trouble::PartFailed,
        _ => Trouble::ClientInput,
    }
}

/// How a command ends that met this.
pub(super) fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Unreachable(_) | Error::NotConnected => Exit::Unreachable,
        Error::NoAccount | Error::UnknownPeer | Error::NoCall(_) => Exit::NotFound,
        Error::OtherAccount
        | Error::AlreadyConnected
        | Error::Storage(StorageError::InUse(_))
        | Error::Encryption(Refusal::IdentityChanged) => Exit::Conflict,
        Error::Refused { code, .. } => match code.status() {
            404 => Exit::NotFound,
            401 | 403 => Exit::Refused,
            409 | 410 => Exit::Conflict,
            429 | 503 | 507 => Exit::Later,
            400..500 => Exit::Usage,
            _ => Exit::Failed,
        },
        Error::OutboxFull { .. } => Exit::Later,
        Error::OwnIdentity | Error::Storage(StorageError::Passphrase(_)) => Exit::Refused,
        Error::Encryption(Refusal::OtherSafetyNumber) => Exit::ChecksFailed,
        Error::Address | Error::InTheClear | Error::Link | Error::Oneself => Exit::Usage,
        _ => Exit::Failed,
    }
}
