//! Whom or what a command is about, as it was typed, on its way into a path.

use std::fmt::{self, Write as _};

/// A handle, or the beginning of an id.
#[derive(Debug, Clone)]
pub(super) struct Name(String);

impl Name {
    /// As it was typed.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it can be taken for the beginning of `id`.
    pub(super) fn begins(&self, id: &str) -> bool {
        let digits = |text: &str| text.replace('-', "").to_lowercase();
        let typed = digits(self.0.trim_end_matches(['…', '.']));
        digits(id).starts_with(&typed)
    }

    /// `prefix/NAME` or `prefix/NAME/suffix`, with the name percent-encoded (RFC 3986 §2).
    pub(super) fn path(&self, prefix: &str, suffix: &str) -> String {
        format!("{prefix}/{}{suffix}", encoded(&self.0))
    }
}

/// Everything but the unreserved characters is encoded.
fn encoded(text: &str) -> String {
    let mut path = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::words::harmless(&self.0))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Reads a name off the command line.
pub(super) fn name(text: &str) -> Result<Name, String> {
    match text.trim() {
        "" => Err("expected a name".to_owned()),
        text => Ok(Name(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_part_of_a_path_whatever_is_in_it() {
        let odd = name("../é?#%/ x").unwrap();
        assert_eq!(
            odd.path("/v1/users", "/reset"),
            "/v1/users/%2E%2E%2F%C3%A9%3F%23%25%2F%20x/reset"
        );
        assert!(name(" \t").is_err());
    }

    #[test]
    fn a_beginning_is_taken_as_it_is_shown() {
        let id = "3f0c1234-0000-4000-8000-000000000000";
        for typed in ["3f0c…", "3F0C", "3f0c12340", id] {
            assert!(name(typed).unwrap().begins(id), "{typed}");
        }
        assert!(!name("anna").unwrap().begins(id));
    }
}
