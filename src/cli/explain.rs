//! `privcomm explain`: what a code means and what to do about it.

use clap::Args;
use serde::Serialize;

use super::exit::{CliError, Exit};
use super::output::{Output, table};
use super::words::hanging;
use crate::base::Trouble;

/// Say what a code such as PC-ADM-01 means, and what mends it
///
/// Without a code: every code there is.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm explain PC-ADM-01
  privcomm explain --json")]
pub(super) struct Explain {
    /// The code
    code: Option<Trouble>,
}

#[derive(Serialize)]
struct Document {
    codes: Vec<Explained>,
}

#[derive(Serialize)]
struct Explained {
    code: Trouble,
    sentence: &'static str,
    cause: &'static str,
    fix: &'static str,
}

impl From<Trouble> for Explained {
    fn from(trouble: Trouble) -> Self {
        Self {
            code: trouble,
            sentence: trouble.sentence(),
            cause: trouble.cause(),
            fix: trouble.fix(),
        }
    }
}

impl Explain {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let asked = self.code.as_ref();
        let troubles = asked.map_or(Trouble::ALL, std::slice::from_ref);
        let document = Document {
            codes: troubles.iter().copied().map(Explained::from).collect(),
        };
        output.show(&document, || match self.code {
            Some(trouble) => in_full(trouble),
            None => list(),
        })?;
        Ok(Exit::Done)
    }
}

fn in_full(trouble: Trouble) -> String {
    format!(
        "{trouble}: {}\n\n{}\n\n  {}\n",
        trouble.sentence(),
        hanging(trouble.cause(), 0),
        hanging(&format!("fix: {}", trouble.fix()), 2)
    )
}

fn list() -> String {
    let row = |trouble: &Trouble| [trouble.code().to_owned(), trouble.sentence().to_owned()];
    let rows: Vec<_> = Trouble::ALL.iter().map(row).collect();
    table(["CODE", "MEANING"], &rows)
}
