//! `privcomm config set` and `privcomm config upgrade`

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::base::Trouble;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output::Output;
use crate::cli::settings::USUAL_FILE;
use crate::config::{Edit, EditError, RENAMES};

/// Set a key in the configuration file; comments stay, and the file of before is kept beside it
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm config set registration.mode closed
  privcomm config set turn.listen '[\"0.0.0.0:3479\"]'")]
pub(in crate::cli) struct Set {
    /// The key, as section.name
    key: String,

    /// Its value
    value: String,

    #[command(flatten)]
    file: File,
}

/// Give keys that were renamed their new names
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm config upgrade")]
pub(in crate::cli) struct Upgrade {
    #[command(flatten)]
    file: File,
}

/// Which file.
#[derive(Debug, Args)]
struct File {
    /// Configuration file
    #[arg(long, value_name = "FILE", env = "PRIVCOMM_CONFIG", hide_env_values = true, default_value = USUAL_FILE)]
    config: PathBuf,
}

#[derive(Serialize)]
struct Document {
    file: PathBuf,
    changed: bool,
    renamed: Vec<[&'static str; 2]>,
}

impl Set {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let mut edit = Edit::open(&self.file.config).map_err(wrong)?;
        edit.set(&self.key, &self.value).map_err(wrong)?;
        finish(&edit, &self.file.config, Vec::new(), output)
    }
}

impl Upgrade {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let mut edit = Edit::open(&self.file.config).map_err(wrong)?;
        let renamed = edit.upgrade(RENAMES).map_err(wrong)?;
        let renamed = renamed.iter().map(|it| [it.from, it.to]).collect();
        finish(&edit, &self.file.config, renamed, output)
    }
}

fn finish(
    edit: &Edit,
    file: &std::path::Path,
    renamed: Vec<[&'static str; 2]>,
    output: &Output,
) -> Result<Exit, CliError> {
    let changed = edit.save().map_err(wrong)?;
    let document = Document {
        file: file.to_owned(),
        changed,
        renamed,
    };
    output.show(&document, || {
        let file = file.display();
        if !changed {
            return format!("{file} needs no change\n");
        }
        let lines = document.renamed.iter().map(|it| it.join(" -> ") + "\n");
        let lines: String = lines.collect();
        format!("{lines}Written {file}. It counts once the daemon has read it: systemctl restart privcomm\n")
    })?;
    Ok(Exit::Done)
}

/// An error of the writer as one of a command.
pub(in crate::cli) fn wrong(error: EditError) -> CliError {
    match error {
        EditError::Wrong(error) => CliError::Config(error),
        other => {
            let exit = match other {
                EditError::File { .. } => Exit::Failed,
                _ => Exit::Usage,
            };
            CliError::Found {
                trouble: Trouble::ConfigFile,
                detail: other.to_string(),
                exit,
            }
        }
    }
}
