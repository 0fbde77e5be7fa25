//! Defaults below the file, below the environment, below flags: together one configuration.

use std::ffi::OsString;
use std::path::Path;

use super::environment;
use super::file::File;
use super::nearest;
use super::problem::{ConfigError, Fault, Problem, Source};
use super::value::Value;
use crate::config::Config;

/// A JSON or WebSocket message has at most so much around its payload, in bytes.
const ENVELOPE: usize = 1024;

/// What the operator said, not yet looked at.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    file: Option<File>,
    environment: Vec<(OsString, OsString)>,
    flags: Vec<(String, Value)>,
}

/// A configuration in which everything is right, and where each value came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    config: Config,
    sources: Vec<(String, Source)>,
}

/// One key of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key, as `section.name`.
    pub key: String,
    /// Its value as the file would have it.
    pub value: Value,
    /// Where that came from.
    pub source: Source,
}

/// A value for a key that may exist.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) section: String,
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) source: Source,
}

impl Layers {
    /// Adds the file at `path`.
    ///
    /// # Errors
    ///
    /// It can't be read, or is no UTF-8.
    pub fn file(self, path: &Path) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(self.file_text(path, text)),
            Err(error) => Err(ConfigError::new(vec![Problem {
                place: Source::File {
                    path: path.into(),
                    line: 1,
                    column: 1,
                },
                fault: Fault::Unreadable(error),
            }])),
        }
    }

    /// Adds `text` as the file; `path` is what it is called in messages.
    pub fn file_text(mut self, path: &Path, text: impl Into<String>) -> Self {
        self.file = Some(File {
            path: path.into(),
            text: text.into(),
        });
        self
    }

    /// Adds the environment, of which only `PRIVCOMM_SECTION__KEY` matters. The order is kept.
    pub fn environment(
        mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        self.environment.extend(variables);
        self
    }

    /// Adds a flag that sets `key`, written `section.name`. The last of several counts.
    pub fn flag(mut self, key: impl Into<String>, value: &str) -> Self {
        self.flags.push((key.into(), Value::from_word(value)));
        self
    }

    /// Adds a flag that was given several times and sets a list.
    pub fn flag_list<T: std::fmt::Display>(
        mut self,
        key: impl Into<String>,
        items: impl IntoIterator<Item = T>,
    ) -> Self {
        self.flags.push((key.into(), Value::texts(items)));
        self
    }

    /// Makes one configuration of everything.
    ///
    /// # Errors
    ///
    /// All that is wrong, at once. A wrong value is an error even where a higher layer overrides it.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let (assignments, mut problems) = self.assignments();
        let mut loaded = Loaded {
            config: Config::default(),
            sources: Vec::new(),
        };
        for assignment in assignments {
            if let Err(problem) = loaded.assign(assignment) {
                problems.push(problem);
            }
        }
        if problems.is_empty() {
            problems = loaded.conflicts();
        }
        if problems.is_empty() {
            Ok(loaded)
        } else {
            Err(ConfigError::new(problems))
        }
    }

    /// Every value that was set, the lowest layer first.
    fn assignments(&self) -> (Vec<Assignment>, Vec<Problem>) {
        let (mut assignments, mut problems) = self
            .file
            .as_ref()
            .map_or_else(Default::default, File::assignments);
        let variables = self.environment.iter();
        for result in variables.filter_map(|(name, text)| environment::assignment(name, text)) {
            match result {
                Ok(assignment) => assignments.push(assignment),
                Err(problem) => problems.push(problem),
            }
        }
        assignments.extend(self.flags.iter().map(|(key, value)| {
            let (section, name) = key.split_once('.').unwrap_or((key, ""));
            Assignment {
                section: section.to_owned(),
                name: name.to_owned(),
                value: value.clone(),
                source: Source::Flag,
            }
        }));
        (assignments, problems)
    }
}

impl Loaded {
    /// The configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The configuration, without its sources.
    pub fn into_config(self) -> Config {
        self.config
    }

    /// Every key, in the order of the example.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        Config::keys().map(|key| Entry {
            key: key.path(),
            value: (key.write)(&self.config),
            source: self.source(&key.path()),
        })
    }

    fn source(&self, key: &str) -> Source {
        let set = self.sources.iter().rev().find(|(path, _)| path == key);
        set.map_or(Source::Default, |(_, source)| source.clone())
    }

    fn assign(&mut self, assignment: Assignment) -> Result<(), Problem> {
        let Assignment {
            section,
            name,
            value,
            source,
        } = assignment;
        let known = Config::keys().find(|key| key.section == section && key.name == name);
        let result = match known {
            None => Err(unknown(&section, &name)),
            Some(key) => (key.read)(&mut self.config, &value).map_err(|expected| Fault::Invalid {
                key: key.path(),
                expected,
                got: value.to_string(),
            }),
        };
        match result {
            Ok(()) => {
                self.sources.push((format!("{section}.{name}"), source));
                Ok(())
            }
            Err(fault) => Err(Problem {
                place: source,
                fault,
            }),
        }
    }

    /// What is wrong between values that are right by themselves: what is allowed but fits into no
    /// frame or body would be refused at the door.
    fn conflicts(&self) -> Vec<Problem> {
        let Config {
            limits,
            messages,
            calls,
            ..
        } = &self.config;
        let frame = ("limits.frame_bytes", limits.frame_bytes);
        let body = ("limits.body", limits.body);
        let payload = ("messages.max_payload", messages.max_payload);
        let pairs = [
            (frame, payload),
            (body, payload),
            (frame, ("calls.sdp_bytes", calls.sdp_bytes)),
            (frame, ("calls.candidate_bytes", calls.candidate_bytes)),
        ];
        let small = pairs
            .into_iter()
            .filter(|((_, holder), (_, held))| *holder < held + ENVELOPE);
        small
            .map(|((key, got), (other, value))| Problem {
                place: match self.source(key) {
                    Source::Default => self.source(other),
                    set => set,
                },
                fault: Fault::TooSmallFor {
                    key,
                    least: value + ENVELOPE,
                    other,
                    value,
                    got,
                },
            })
            .collect()
    }
}

fn unknown(section: &str, name: &str) -> Fault {
    if Config::SECTIONS.iter().any(|known| known.name == section) {
        Fault::UnknownKey {
            key: format!("{section}.{name}"),
            hint: nearest::key(section, name),
        }
    } else {
        Fault::UnknownSection {
            name: section.to_owned(),
            hint: nearest::section(section),
        }
    }
}

#[cfg(test)]
mod tests;
