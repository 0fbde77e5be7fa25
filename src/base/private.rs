//! Values that may be used but not seen.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that prints as a placeholder: handles, addresses, payloads, anything about a person.
///
/// Always on, in every build: a log line that names somebody can't be written by accident.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private<T>(pub T);

impl<T> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹private›")
    }
}

impl<T> fmt::Display for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹private›")
    }
}

impl<T> std::ops::Deref for Private<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Private<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_value_prints_a_placeholder() {
        assert_eq!(
            format!("{} {:?}", Private("anna"), Private([1, 2])),
            "‹private› ‹private›"
        );
    }
}
