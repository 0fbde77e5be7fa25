//! The environment: `PRIVCOMM_SECTION__KEY`.

use std::ffi::OsString;

use super::layers::Assignment;
use super::problem::{Fault, Problem, Source};
use super::value::Value;

const PREFIX: &str = "PRIVCOMM_";
const BETWEEN: &str = "__";

/// The value that a variable sets. Variables without a double underscore are no keys: they are
/// somebody else's, or flags such as `PRIVCOMM_CONFIG`.
pub(super) fn assignment(name: &OsString, text: &OsString) -> Option<Result<Assignment, Problem>> {
    let name = name.to_str()?;
    let (section, key) = name.strip_prefix(PREFIX)?.split_once(BETWEEN)?;
    let source = Source::Environment(name.to_owned());
    let Some(text) = text.to_str() else {
        return Some(Err(Problem {
            place: source,
            fault: Fault::NotText,
        }));
    };
    Some(Ok(Assignment {
        section: section.to_ascii_lowercase(),
        name: key.to_ascii_lowercase(),
        value: Value::from_word(text),
        source,
    }))
}
