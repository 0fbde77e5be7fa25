//! Paths and realms.

use std::path::PathBuf;

use super::{Kind, Value};

/// A path from the root, so that it means the same wherever the daemon was started.
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct AbsolutePath;

impl Kind<PathBuf> for AbsolutePath {
    fn expected(&self) -> String {
        "an absolute path".into()
    }

    fn read(&self, value: &Value) -> Option<PathBuf> {
        let path = PathBuf::from(value.text()?);
        path.is_absolute().then_some(path)
    }

    fn write(&self, setting: &PathBuf) -> Value {
        Value::Text(setting.display().to_string())
    }
}

/// The realm of TURN credentials: fewer than 128 characters that can stand between quotes
/// (RFC 8489 §14.9).
#[derive(Debug, Clone, Copy)]
pub(in crate::config) struct Realm;

impl Kind<String> for Realm {
    fn expected(&self) -> String {
        "a name of 1 to 127 printable ASCII characters without quotes and backslashes".into()
    }

    fn read(&self, value: &Value) -> Option<String> {
        let text = value.text()?;
        let printable =
            |byte: u8| (byte.is_ascii_graphic() || byte == b' ') && !b"\"\\".contains(&byte);
        ((1..128).contains(&text.len()) && text.bytes().all(printable)).then(|| text.to_owned())
    }

    fn write(&self, setting: &String) -> Value {
        Value::Text(setting.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_starts_at_the_root() {
        assert!(AbsolutePath.read(&Value::Text("/var/lib".into())).is_some());
        assert!(AbsolutePath.read(&Value::Text("data".into())).is_none());
        assert!(AbsolutePath.read(&Value::Integer(1)).is_none());
    }

    #[test]
    fn a_realm_fits_between_quotes() {
        for (realm, fits) in [
            ("chat.example.org", true),
            ("two words", true),
            ("a\"b", false),
            ("a\\b", false),
            ("a\nb", false),
            ("é", false),
            ("", false),
        ] {
            assert_eq!(
                Realm.read(&Value::Text(realm.into())).is_some(),
                fits,
                "{realm}"
            );
        }
        assert!(Realm.read(&Value::Text("a".repeat(127))).is_some());
        assert!(Realm.read(&Value::Text("a".repeat(128))).is_none());
    }
}
