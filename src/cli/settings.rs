//! The options of every command that needs the configuration.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::{ConfigError, Layers};

/// Where the package puts the file. Read where nothing else is named, and only if it is there.
pub(super) const USUAL_FILE: &str = "/etc/privcomm/config.toml";

/// Which configuration.
#[derive(Debug, Clone, Args)]
pub(super) struct Settings {
    /// Configuration file [default: /etc/privcomm/config.toml if it exists]
    #[arg(
        long,
        value_name = "FILE",
        env = "PRIVCOMM_CONFIG",
        hide_env_values = true
    )]
    config: Option<PathBuf>,

    /// Set one value, before environment and file: --set turn.enabled=false
    #[arg(long, value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
}

impl Settings {
    /// What file, environment and flags say, to be loaded.
    pub(super) fn layers(&self) -> Result<Layers, ConfigError> {
        let mut layers = Layers::default().environment(std::env::vars_os());
        if let Some(path) = self.file() {
            layers = layers.file(path)?;
        }
        for (key, value) in &self.set {
            layers = layers.flag(key, value);
        }
        Ok(layers)
    }

    /// The file that is read, if one is.
    pub(super) fn file(&self) -> Option<&Path> {
        let usual = Path::new(USUAL_FILE);
        match &self.config {
            Some(path) => Some(path),
            // One that can't be looked for is read, so that its error is heard.
            None => usual.try_exists().unwrap_or(true).then_some(usual),
        }
    }
}

fn assignment(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| "expected KEY=VALUE, such as turn.enabled=false".into())
}
