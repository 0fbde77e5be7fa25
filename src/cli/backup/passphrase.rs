//! Where a passphrase comes from: a file, the environment, or the person at the terminal, unseen.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::PathBuf;

use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::base::Trouble;
use crate::cli::exit::{CliError, Exit};
use crate::store::backup::Passphrase;

const VARIABLE: &str = "PRIVCOMM_BACKUP_PASSPHRASE";

/// How a passphrase is given. Never as an argument: others can read those.
#[derive(Debug, Args)]
pub(in crate::cli) struct PassphraseSource {
    /// Read the passphrase from this file [default: $PRIVCOMM_BACKUP_PASSPHRASE, else the terminal]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseSource {
    /// The passphrase for a new backup; at the terminal it is asked for twice.
    pub(in crate::cli) fn new_one(&self) -> Result<Passphrase, CliError> {
        if let Some(passphrase) = self.given()? {
            return Ok(passphrase);
        }
        let first = ask("Passphrase for the backup: ")?;
        if ask("Once more: ")? == first {
            Ok(first)
        } else {
            Err(missing("the two passphrases differ"))
        }
    }

    /// The passphrase of a backup that is sealed.
    pub(in crate::cli) fn known_one(&self) -> Result<Passphrase, CliError> {
        match self.given()? {
            Some(passphrase) => Ok(passphrase),
            None => ask("Passphrase of the backup: "),
        }
    }

    fn given(&self) -> Result<Option<Passphrase>, CliError> {
        let text = match &self.passphrase_file {
            Some(path) => fs::read_to_string(path)
                .map_err(|error| missing(&format!("can't read {}: {error}", path.display())))?,
            None => match std::env::var(VARIABLE) {
                Ok(text) => text,
                Err(_) => return Ok(None),
            },
        };
        let passphrase = Passphrase::new(text);
        passphrase
            .map(Some)
            .ok_or_else(|| missing("the passphrase is empty"))
    }
}

fn missing(detail: &str) -> CliError {
    CliError::Found {
        trouble: Trouble::BackupSealed,
        detail: detail.to_owned(),
        exit: Exit::Usage,
    }
}

/// Asks at the terminal itself, whatever stdin is.
fn ask(question: &str) -> Result<Passphrase, CliError> {
    let line = ask_unseen(question)?
        .ok_or_else(|| missing("a passphrase is needed, and there is no terminal"))?;
    Passphrase::new(line).ok_or_else(|| missing("the passphrase is empty"))
}

/// What is typed at the terminal and not shown, whatever stdin is; none: there is no terminal.
pub(in crate::cli) fn ask_unseen(question: &str) -> io::Result<Option<String>> {
    let terminal = File::options().read(true).write(true).open("/dev/tty");
    let Ok(terminal) = terminal else {
        return Ok(None);
    };
    read_unseen(&terminal, question).map(Some)
}

fn read_unseen(mut terminal: &File, question: &str) -> io::Result<String> {
    write!(terminal, "{question}")?;
    let before = tcgetattr(terminal)?;
    let mut unseen = before.clone();
    unseen.local_modes -= LocalModes::ECHO;
    tcsetattr(terminal, OptionalActions::Flush, &unseen)?;
    let _echo = Echo { terminal, before };
    let mut line = String::new();
    BufReader::new(terminal).read_line(&mut line)?;
    writeln!(terminal)?;
    Ok(line)
}

/// Lets the terminal show again what is typed.
struct Echo<'a> {
    terminal: &'a File,
    before: Termios,
}

impl Drop for Echo<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}
