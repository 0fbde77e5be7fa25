//! Questions at a terminal; elsewhere every answer must stand on the command line.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::base::Trouble;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::talk;

/// Says something to whoever answers.
pub(super) fn say(words: &str) {
    talk(format_args!("{words}"));
}

/// Asks, or takes what is proposed.
pub(super) struct Asker {
    takes_all: bool,
}

impl Asker {
    pub(super) const fn new(takes_all: bool) -> Self {
        Self { takes_all }
    }

    /// Waits until somebody has done what they were told to, and pressed Enter. True: they skip it.
    /// Where nobody is at a terminal, or all is taken as proposed, it is skipped.
    pub(super) fn wait(&self, prompt: &str) -> Result<bool, CliError> {
        if self.takes_all || !io::stdin().is_terminal() {
            return Ok(true);
        }
        let answer = read(prompt)?;
        Ok(matches!(answer.trim(), "s" | "S" | "skip"))
    }

    /// The answer; `proposed` for an empty one.
    pub(super) fn ask(
        &self,
        question: &str,
        proposed: &str,
        flag: &str,
    ) -> Result<String, CliError> {
        if self.takes_all {
            return Ok(proposed.to_owned());
        }
        if !io::stdin().is_terminal() {
            return Err(CliError::Found {
                trouble: Trouble::Unconfirmed,
                detail: format!(
                    "nobody is there to answer; say {flag}, or --yes for \"{proposed}\""
                ),
                exit: Exit::Usage,
            });
        }
        let answer = read(&format!("{question} [{proposed}]"))?;
        Ok(match answer.trim() {
            "" | "y" | "Y" | "yes" => proposed.to_owned(),
            "n" | "N" | "no" => "none".to_owned(),
            other => other.to_owned(),
        })
    }
}

/// What is typed after `prompt`. The end of the input isn't an answer.
fn read(prompt: &str) -> Result<String, CliError> {
    write!(io::stderr(), "{prompt} ")?;
    let mut answer = String::new();
    if io::stdin().lock().read_line(&mut answer)? == 0 {
        return Err(CliError::Found {
            trouble: Trouble::Unconfirmed,
            detail: "the terminal went away before an answer came".to_owned(),
            exit: Exit::Refused,
        });
    }
    Ok(answer)
}
