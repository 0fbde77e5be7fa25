//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    Default,
    /// The file; line and column count from 1, the column in characters.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// The environment variable of this name.
    Environment(String),
    /// A flag of the command line.
    Flag,
}

/// As `config show` says it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

/// Everything that is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) const fn new(problems: Vec<Problem>) -> Self {
        Self { problems }
    }

    /// The problems, in the order of file, environment and flags; at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// One line a problem.
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// One thing that is wrong.
#[derive(Debug)]
pub struct Problem {
    /// Where.
    pub place: Source,
    /// What.
    pub fault: Fault,
}

/// `file:line:column: what`, so that editors can jump there.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Source::File { path, line, column } => {
                write!(f, "{}:{line}:{column}: {}", path.display(), self.fault)
            }
            Source::Default => self.fault.fmt(f),
            place => write!(f, "{place}: {}", self.fault),
        }
    }
}

/// What can be wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file can't be read.
    #[error("expected a readable file: {0}")]
    Unreadable(std::io::Error),
    /// The file is no TOML.
    #[error("expected TOML: {0}")]
    Syntax(String),
    /// A variable's value is not UTF-8.
    #[error("expected UTF-8 text")]
    NotText,
    /// No section has this name.
    #[error("unknown section [{name}]; {hint}")]
    UnknownSection {
        /// The name.
        name: String,
        /// What may have been meant.
        hint: String,
    },
    /// A section's name stands for a value.
    #[error("expected a section [{name}]; got {got}")]
    NotASection {
        /// The name.
        name: String,
        /// What came.
        got: String,
    },
    /// No key has this name.
    #[error("unknown key {key}; {hint}")]
    UnknownKey {
        /// The key, with its section.
        key: String,
        /// What may have been meant.
        hint: String,
    },
    /// The value is not what the key takes.
    #[error("{key}: expected {expected}; got {got}")]
    Invalid {
        /// The key, with its section.
        key: String,
        /// What the key takes.
        expected: String,
        /// What came.
        got: String,
    },
    /// Two values, each right by itself, don't go together.
    #[error("{key}: expected at least {least} so that it holds {other} = {value}; got {got}")]
    TooSmallFor {
        /// The key, with its section.
        key: &'static str,
        /// The least it must be.
        least: usize,
        /// The key whose value it must hold.
        other: &'static str,
        /// That value.
        value: usize,
        /// What came.
        got: usize,
    },
}
