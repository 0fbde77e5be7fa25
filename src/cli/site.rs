//! The state that a command works with while the daemon doesn't have it, and who says yes to it.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use super::exit::{CliError, Exit};
use super::settings::Settings;
use crate::base::{Clock, Timestamp, Trouble};
use crate::config::Config;
use crate::store::backup::{Belongings, Shelf};

/// A state directory with what belongs to it.
pub(super) struct Site {
    pub(super) config: Config,
    pub(super) belongings: Belongings,
    pub(super) shelf: Shelf,
    pub(super) now: Timestamp,
}

impl Site {
    /// The state that these settings and `data` name. Nothing is made or opened.
    pub(super) fn of(settings: &Settings, data: Option<&PathBuf>) -> Result<Self, CliError> {
        let config = settings.layers()?.load()?.into_config();
        let asked = data.cloned().or_else(|| config.store.path.clone());
        let state = crate::serve::state_directory(asked)?;
        Ok(Self {
            shelf: crate::serve::shelf(&config, &state),
            belongings: Belongings {
                state,
                config: settings.file().map(Into::into),
            },
            config,
            now: Clock::System.now(),
        })
    }
}

/// Asks the person at the terminal, unless `yes` was said before. Without either it is refused.
pub(super) fn confirm(yes: bool, question: &str) -> Result<(), CliError> {
    let refused = |detail: &str| CliError::Found {
        trouble: Trouble::Unconfirmed,
        detail: detail.to_owned(),
        exit: Exit::Refused,
    };
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(refused("this needs a yes, and nobody is there to give it"));
    }
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(refused("nothing was done"))
}
