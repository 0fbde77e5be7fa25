//! `privcomm restore`: a backup in the place of the state.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::backup::{PassphraseSource, named};
use super::exit::{CliError, Exit};
use super::output::Output;
use super::progress;
use super::service;
use super::settings::Settings;
use super::site::{Site, confirm};
use super::words::many;
use crate::store::backup::{Drill, Restore, Restored};

/// Put a backup in the place of the state
///
/// The service is stopped for it and started after it; a daemon that was started by hand must be
/// stopped before. The previous state is kept beside it. One-time prekeys and tokens of the backup
/// are dropped, and clients are told of the restore by a higher epoch.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm restore daily-20261119 --drill      would it work? changes nothing
  sudo privcomm restore daily-20261119 --yes")]
pub(super) struct RestoreCommand {
    #[command(flatten)]
    settings: Settings,

    /// State directory [default: store.path]
    #[arg(
        long,
        value_name = "DIR",
        env = "PRIVCOMM_DATA",
        hide_env_values = true
    )]
    data: Option<PathBuf>,

    /// Do everything but the exchange, beside the state, and take it away again
    #[arg(long)]
    drill: bool,

    /// Don't ask
    #[arg(long, short)]
    yes: bool,

    #[command(flatten)]
    passphrase: PassphraseSource,

    /// A file, or what the name of a backup begins with
    name: String,
}

#[derive(Serialize)]
struct DrillDocument {
    ok: bool,
    path: String,
    schema: u64,
    schema_after: u64,
    accounts: u64,
    messages: u64,
    made_by: String,
}

#[derive(Serialize)]
struct Document {
    kept: Option<String>,
    epoch_before: u64,
    epoch: u64,
    config: Option<String>,
    /// Whether the service runs again.
    started: bool,
}

impl RestoreCommand {
    pub(super) fn run(&self, output: &Output) -> Result<Exit, CliError> {
        let site = Site::of(&self.settings, self.data.as_ref())?;
        let (path, header) = named(&site.shelf, &self.name)?;
        let passphrase = header
            .is_sealed()
            .then(|| self.passphrase.known_one())
            .transpose()?;
        let restore = Restore {
            file: path,
            passphrase,
            state: site.belongings.state.clone(),
            now: site.now,
        };
        if self.drill {
            return drill(&restore, output);
        }
        confirm(
            self.yes,
            &format!(
                "Put {} in the place of {}?",
                restore.file.display(),
                restore.state.display()
            ),
        )?;
        let stopped = service::is_active() && service::keeps_state_in(&restore.state);
        if stopped {
            service::have("stop");
        }
        let restored = progress::shown(output, "restoring", |progress| restore.run(progress));
        // With the old state or the new one: there is always a whole one.
        let started = stopped && service::have("start");
        tell(&site, &restored?, started, output)
    }
}

fn drill(restore: &Restore, output: &Output) -> Result<Exit, CliError> {
    let drill = progress::shown(output, "drill", |progress| restore.drill(progress))?;
    let Drill { header, schema, .. } = drill;
    let document = DrillDocument {
        ok: true,
        path: restore.file.display().to_string(),
        schema: header.schema,
        schema_after: schema,
        accounts: header.accounts,
        messages: header.messages,
        made_by: header.made_by,
    };
    output.show(&document, || {
        let format = if document.schema == schema {
            format!("format {schema}")
        } else {
            format!("format {} -> {schema}", document.schema)
        };
        format!(
            "opens, checksums ok, {format}, {}, secrets present, made by {}\n",
            many(document.accounts, "account"),
            document.made_by
        )
    })?;
    Ok(Exit::Done)
}

fn tell(
    site: &Site,
    restored: &Restored,
    started: bool,
    output: &Output,
) -> Result<Exit, CliError> {
    let text = |path: &PathBuf| path.display().to_string();
    let document = Document {
        kept: restored.kept.as_ref().map(text),
        epoch_before: restored.epoch_before,
        epoch: restored.epoch,
        config: restored.config.as_ref().map(text),
        started,
    };
    output.show(&document, || {
        let kept = document.kept.as_ref();
        let kept = kept.map_or_else(String::new, |kept| {
            format!("previous state kept as {kept}; ")
        });
        let started = if started { "; started" } else { "" };
        format!(
            "{kept}restored; epoch {} -> {}{started}\n",
            document.epoch_before, document.epoch
        )
    })?;
    if let Some(config) = &document.config {
        let present = site.belongings.config.as_ref();
        let present = present.map_or_else(|| "yours".to_owned(), text);
        output.note(format_args!(
            "its configuration is in {config}; compare it with {present}, which was left as it is"
        ));
    }
    if !started {
        output.note(format_args!(
            "next: start the daemon (systemctl start privcomm)"
        ));
    }
    Ok(Exit::Done)
}
