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
        write!(io::stderr(), "{question} [{proposed}] ")?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer)?;
        Ok(match answer.trim() {
            "" | "y" | "Y" | "yes" => proposed.to_owned(),
            "n" | "N" | "no" => "none".to_owned(),
            other => other.to_owned(),
        })
    }
}
