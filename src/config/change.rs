//! What differs between the configuration that is in force and one that was read since.

use super::key::Reload;
use crate::config::Config;

/// A key that has another value now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The key, as `section.name`.
    pub key: String,
    /// What a running daemon does about it.
    pub reload: Reload,
}

impl Config {
    /// The keys that have another value in `new`, in the order of the example.
    pub fn changes<'a>(&'a self, new: &'a Self) -> impl Iterator<Item = Change> + 'a {
        Self::keys()
            .filter(|key| (key.write)(self) != (key.write)(new))
            .map(|key| Change {
                key: key.path(),
                reload: key.reload,
            })
    }

    /// This configuration with those values of `new` that need no restart.
    ///
    /// # Errors
    ///
    /// What is wrong with a value. None is in a configuration that was loaded.
    pub fn reloaded(&self, new: &Self) -> Result<Self, String> {
        let mut config = self.clone();
        for key in Self::keys().filter(|key| key.reload == Reload::Yes) {
            (key.read)(&mut config, &(key.write)(new))?;
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LogLevel, RegistrationMode};

    #[test]
    fn a_reload_takes_up_what_needs_no_restart() {
        let old = Config::default();
        let mut new = old.clone();
        new.telemetry.log = LogLevel::Debug;
        new.registration.mode = Some(RegistrationMode::Closed);
        new.server.max_connections = 7;
        let changes: Vec<_> = old.changes(&new).collect();
        let change = |key: &str, reload| Change {
            key: key.to_owned(),
            reload,
        };
        let expected = [
            change("server.max_connections", Reload::No),
            change("registration.mode", Reload::Yes),
            change("telemetry.log", Reload::Yes),
        ];
        assert_eq!(changes, expected);
        let reloaded = old.reloaded(&new).unwrap();
        assert_eq!(reloaded.telemetry, new.telemetry);
        assert_eq!(reloaded.registration, new.registration);
        assert_eq!(reloaded.server, old.server);
    }

    #[test]
    fn what_is_in_force_already_is_no_change() {
        let config = Config::default();
        assert_eq!(config.changes(&config).count(), 0);
        assert_eq!(config.reloaded(&config), Ok(config));
    }
}
