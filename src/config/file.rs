//! The file: TOML, with the place of every value.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::layers::Assignment;
use super::nearest;
use super::problem::{Fault, Problem, Source};
use super::value::Value;

/// A file's text with its name.
#[derive(Debug, Clone)]
pub(super) struct File {
    pub(super) path: Arc<Path>,
    pub(super) text: String,
}

impl File {
    /// Every value of the file, and what is wrong with its shape. A file that is no TOML has no
    /// values and one problem, because what follows a slip of syntax is guesswork.
    pub(super) fn assignments(&self) -> (Vec<Assignment>, Vec<Problem>) {
        let mut problems = Vec::new();
        let mut assignments = Vec::new();
        match DeTable::parse(&self.text) {
            Err(error) => {
                let fault = Fault::Syntax(error.message().replace('\n', ", "));
                problems.push(self.problem(error.span(), fault));
            }
            Ok(document) => {
                for (name, section) in document.get_ref() {
                    let place = Some(name.span());
                    match self.section(name.get_ref(), section.get_ref()) {
                        Ok(mut found) => assignments.append(&mut found),
                        Err(fault) => problems.push(self.problem(place, fault)),
                    }
                }
            }
        }
        assignments.sort_by_key(|assignment| assignment.source.position());
        problems.sort_by_key(|problem| problem.place.position());
        (assignments, problems)
    }

    fn section(&self, section: &str, value: &DeValue<'_>) -> Result<Vec<Assignment>, Fault> {
        if !super::Config::SECTIONS
            .iter()
            .any(|known| known.name == section)
        {
            return Err(Fault::UnknownSection {
                name: section.to_owned(),
                hint: nearest::section(section),
            });
        }
        let DeValue::Table(keys) = value else {
            return Err(Fault::NotASection {
                name: section.to_owned(),
                got: Value::from_toml(value).to_string(),
            });
        };
        let assignments = keys.iter().map(|(name, value)| Assignment {
            section: section.to_owned(),
            name: name.get_ref().clone().into_owned(),
            value: Value::from_toml(value.get_ref()),
            source: self.place(Some(name.span())),
        });
        Ok(assignments.collect())
    }

    fn problem(&self, span: Option<Range<usize>>, fault: Fault) -> Problem {
        Problem {
            place: self.place(span),
            fault,
        }
    }

    fn place(&self, span: Option<Range<usize>>) -> Source {
        let offset = span.map_or(0, |span| span.start).min(self.text.len());
        let before = String::from_utf8_lossy(&self.text.as_bytes()[..offset]);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Source::File {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl Source {
    /// Line and column, of what is in a file.
    const fn position(&self) -> (usize, usize) {
        match self {
            Self::File { line, column, .. } => (*line, *column),
            Self::Default | Self::Environment(_) | Self::Flag => (0, 0),
        }
    }
}
