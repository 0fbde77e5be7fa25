//! `privcomm serve`: the daemon.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use tokio::runtime::Builder;

use super::exit::{CliError, Exit};
use super::settings::Settings;
use crate::config::{ListenAddress, Loaded, Telemetry};
use crate::serve::{Logs, Role, ServeError, Sockets, Surroundings};

/// How long work on blocking threads may hold up the end of a daemon that has already stopped.
const LEFTOVERS: Duration = Duration::from_secs(1);

/// Run the daemon
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privcomm serve                                   on this machine only
  privcomm serve --data ./state --listen 127.0.0.1:0
  privcomm serve --config /etc/privcomm/config.toml --set telemetry.log=debug
  privcomm serve --role relay --set turn.secret_file=/etc/privcomm/turn-secret")]
pub(super) struct Serve {
    #[command(flatten)]
    settings: Settings,

    /// What to run: the whole appliance, or only a media relay for one on another machine
    #[arg(long, value_name = "ROLE", env = "PRIVCOMM_ROLE", hide_env_values = true, default_value = "appliance", value_parser = role())]
    role: Role,

    /// State directory, with the database and the secrets [default: store.path]
    #[arg(
        long,
        value_name = "DIR",
        env = "PRIVCOMM_DATA",
        hide_env_values = true
    )]
    data: Option<PathBuf>,

    /// Write the real addresses to this file, as JSON, once everything listens
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,

    /// Address of the web and API side, in place of server.listen; may be repeated
    #[arg(long, value_name = "ADDR")]
    listen: Vec<ListenAddress>,
}

impl Serve {
    pub(super) fn run<E: fmt::Display>(
        self,
        start_logging: impl FnOnce(&Telemetry) -> Result<Logs, E>,
    ) -> Result<Exit, CliError> {
        let config_file = self.settings.file().map(Into::into);
        let (settings, listen) = (self.settings, self.listen);
        let read = move || {
            let mut layers = settings.layers()?;
            if !listen.is_empty() {
                layers = layers.flag_list("server.listen", &listen);
            }
            layers.load().map(Loaded::into_config)
        };
        let config = read()?;
        let logs = start_logging(&config.telemetry)
            .map_err(|error| CliError::Logging(error.to_string()))?;
        let surroundings = Surroundings {
            role: self.role,
            config_file,
            data: self.data,
            ready_file: self.ready_file,
            sockets: Sockets::inherited()?,
            logs,
            read: Box::new(read),
        };
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(CliError::Runtime)?;
        let result = runtime.block_on(crate::serve::run(config, surroundings));
        match result {
            Err(ServeError::Hurried) => runtime.shutdown_background(),
            _ => runtime.shutdown_timeout(LEFTOVERS),
        }
        result?;
        Ok(Exit::Done)
    }
}

fn role() -> impl TypedValueParser<Value = Role> {
    let words = Role::WORDS.map(|(word, _)| word);
    PossibleValuesParser::new(words).map(|chosen| {
        let role = Role::WORDS.into_iter().find(|(word, _)| *word == chosen);
        role.map_or_else(Role::default, |(_, role)| role)
    })
}
