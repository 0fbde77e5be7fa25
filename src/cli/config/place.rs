//! Where a value came from, in JSON.

use serde::Serialize;

use crate::config::Source;

/// A [`Source`] as members of a JSON object.
#[derive(Debug, Serialize)]
pub(super) struct Place {
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
}

impl Place {
    const fn new(source: &'static str) -> Self {
        Self {
            source,
            file: None,
            line: None,
            column: None,
            variable: None,
        }
    }
}

impl From<&Source> for Place {
    fn from(source: &Source) -> Self {
        match source {
            Source::Default => Self::new("default"),
            Source::Flag => Self::new("flag"),
            Source::Environment(variable) => Self {
                variable: Some(variable.clone()),
                ..Self::new("environment")
            },
            Source::File { path, line, column } => Self {
                file: Some(path.display().to_string()),
                line: Some(*line),
                column: Some(*column),
                ..Self::new("file")
            },
        }
    }
}
