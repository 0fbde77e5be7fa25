//! The secrets that outlive a restart, and the text they are kept as.
//!
//! ```text
//! # comment
//! pepper = "<base64 of 32 bytes>"
//! ```
//!
//! One line each, every name exactly once, in any order; blank lines and comments are skipped and
//! everything else is refused, so that a damaged file is noticed before a key of it is used. Errors
//! name lines and names, never values. Reading and writing the file is somebody else's.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{ContactKey, InviteKey, Pepper, TokenKey, TurnSecret};
use crate::base::Secret;

const HEADING: &str = "\
# The secrets of this privcomm. Whoever has this file can impersonate the server.
# Losing it loses every account: it belongs into the backup, and nowhere else.
";

const NAMES: [&str; 6] = [
    "pepper",
    "handle_salt",
    "token_key",
    "contact_key",
    "invite_key",
    "turn_secret",
];

/// The one secret that there needn't be.
const OPTIONAL: &str = "vapid_key";

/// Bytes of a P-256 key pair in PKCS #8, as it is kept here and read elsewhere.
pub const VAPID_KEY: usize = 138;

/// Public, and the same for as long as the accounts live: clients salt handles with it.
pub type HandleSalt = [u8; 16];

/// Everything made at first start that must be the same at the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// Hides handles.
    pub pepper: Pepper,
    /// What clients salt handles with; no secret, but lost with them.
    pub handle_salt: HandleSalt,
    /// Signs tokens.
    pub token_key: TokenKey,
    /// Hides contacts.
    pub contact_key: ContactKey,
    /// Hashes codes.
    pub invite_key: InviteKey,
    /// Shared with relays.
    pub turn_secret: TurnSecret,
    /// Proves to push services who sends (RFC 8292). None: nothing was ever to be sent.
    pub vapid_key: Option<Secret<VAPID_KEY>>,
}

/// Why a text isn't a set of secrets. Lines count from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// A line is of another form.
    #[error("line {line}: expected name = \"value\"")]
    Form {
        /// Which line.
        line: usize,
    },
    /// A line sets something that this version doesn't know.
    #[error("line {line}: unknown name; is this file of a newer privcomm?")]
    UnknownName {
        /// Which line.
        line: usize,
    },
    /// A name is set a second time.
    #[error("line {line}: {name} is set a second time")]
    Repeated {
        /// Which line.
        line: usize,
        /// Which name.
        name: &'static str,
    },
    /// A value is of the wrong kind or length.
    #[error("{name}: expected {expected}, found something else")]
    Value {
        /// Whose value.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A name isn't set.
    #[error("{name} is missing")]
    Missing {
        /// Which one.
        name: &'static str,
    },
}

impl Secrets {
    /// New secrets; `draw` gives fresh random bytes at every call.
    pub fn generate(mut draw: impl FnMut() -> Secret<32>) -> Self {
        let mut handle_salt = HandleSalt::default();
        handle_salt.copy_from_slice(&draw().expose()[..16]);
        Self {
            pepper: Pepper::new(draw()),
            handle_salt,
            token_key: TokenKey::new(draw()),
            contact_key: ContactKey::new(draw()),
            invite_key: InviteKey::new(draw()),
            turn_secret: TurnSecret::new(*draw().expose()),
            vapid_key: None,
        }
    }

    /// The text to keep, wiped when dropped.
    pub fn encode(&self) -> Zeroizing<String> {
        // Roomy enough never to move, which would leave a copy behind unwiped.
        let mut text = Zeroizing::new(String::with_capacity(2048));
        text.push_str(HEADING);
        let key = |secret: &Secret<32>| Zeroizing::new(STANDARD.encode(secret.expose()));
        let values: [Zeroizing<String>; NAMES.len()] = [
            key(self.pepper.secret()),
            Zeroizing::new(STANDARD.encode(self.handle_salt)),
            key(self.token_key.secret()),
            key(self.contact_key.secret()),
            key(self.invite_key.secret()),
            Zeroizing::new(self.turn_secret.as_str().to_owned()),
        ];
        for (name, value) in NAMES.iter().zip(&values) {
            let _ = writeln!(text, "{name} = \"{}\"", **value);
        }
        if let Some(vapid_key) = &self.vapid_key {
            let value = Zeroizing::new(STANDARD.encode(vapid_key.expose()));
            let _ = writeln!(text, "{OPTIONAL} = \"{}\"", *value);
        }
        text
    }

    /// Reads what [`Secrets::encode`] writes.
    pub fn decode(text: &str) -> Result<Self, SecretsError> {
        let mut values = [None; NAMES.len() + 1];
        for (at, line) in text.lines().enumerate() {
            let line = (at + 1, line.trim());
            if !line.1.is_empty() && !line.1.starts_with('#') {
                assign(&mut values, line)?;
            }
        }
        let [
            pepper,
            handle_salt,
            token_key,
            contact_key,
            invite_key,
            turn_secret,
            vapid_key,
        ] = values;
        Ok(Self {
            pepper: Pepper::new(key("pepper", pepper)?),
            handle_salt: *bytes("handle_salt", handle_salt, "16 bytes in base64")?.expose(),
            token_key: TokenKey::new(key("token_key", token_key)?),
            contact_key: ContactKey::new(key("contact_key", contact_key)?),
            invite_key: InviteKey::new(key("invite_key", invite_key)?),
            turn_secret: relay_secret("turn_secret", turn_secret)?,
            vapid_key: vapid_key
                .map(|_| bytes(OPTIONAL, vapid_key, "138 bytes in base64"))
                .transpose()?,
        })
    }
}

/// Notes the value of one line under its name's place in [`NAMES`], or behind them.
fn assign<'a>(
    values: &mut [Option<&'a str>; NAMES.len() + 1],
    (line, text): (usize, &'a str),
) -> Result<(), SecretsError> {
    let (name, value) = text.split_once('=').ok_or(SecretsError::Form { line })?;
    let value = value
        .trim()
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .filter(|value| !value.contains(['"', '\\']))
        .ok_or(SecretsError::Form { line })?;
    let (name, place) = NAMES
        .iter()
        .chain([&OPTIONAL])
        .zip(values)
        .find(|(known, _)| **known == name.trim())
        .ok_or(SecretsError::UnknownName { line })?;
    if place.replace(value).is_some() {
        return Err(SecretsError::Repeated { line, name });
    }
    Ok(())
}

fn key(name: &'static str, value: Option<&str>) -> Result<Secret<32>, SecretsError> {
    bytes(name, value, "32 bytes in base64")
}

fn bytes<const N: usize>(
    name: &'static str,
    value: Option<&str>,
    expected: &'static str,
) -> Result<Secret<N>, SecretsError> {
    let value = value.ok_or(SecretsError::Missing { name })?;
    STANDARD
        .decode(value)
        .map(Zeroizing::new)
        .ok()
        .and_then(|bytes| <[u8; N]>::try_from(bytes.as_slice()).ok())
        .map(Secret::new)
        .ok_or(SecretsError::Value { name, expected })
}

fn relay_secret(name: &'static str, value: Option<&str>) -> Result<TurnSecret, SecretsError> {
    let value = value.ok_or(SecretsError::Missing { name })?;
    TurnSecret::parse(value).map_err(|_| SecretsError::Value {
        name,
        expected: "16 to 512 printable characters without spaces",
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn secrets(first: u8) -> Secrets {
        let mut fill = first;
        Secrets::generate(|| {
            fill = fill.wrapping_add(1);
            Secret::new([fill; 32])
        })
    }

    fn line_of(text: &str, name: &str) -> String {
        let start = format!("{name} = ");
        let line = text.lines().find(|line| line.starts_with(&start));
        line.unwrap().to_owned()
    }

    #[test]
    fn every_secret_is_drawn_by_itself() {
        let text = secrets(0).encode();
        let mut lines: Vec<_> = NAMES.map(|name| line_of(&text, name)).to_vec();
        for line in &mut lines {
            *line = line.split_once('=').unwrap().1.to_owned();
        }
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), NAMES.len());
    }

    #[test]
    fn secrets_do_not_print() {
        let printed = format!("{:?}", secrets(0));
        assert!(printed.contains("Secret(32 bytes)") && printed.contains("TurnSecret(…)"));
    }

    #[test]
    fn a_key_for_push_services_may_be_there_or_not() {
        let mut with = secrets(0);
        with.vapid_key = Some(Secret::new([7; VAPID_KEY]));
        let text = with.encode();
        assert_eq!(Secrets::decode(&text), Ok(with));
        let short = text.replace(&line_of(&text, OPTIONAL), "vapid_key = \"AAAA\"");
        let refused = Secrets::decode(&short);
        assert!(matches!(
            refused,
            Err(SecretsError::Value { name: OPTIONAL, .. })
        ));
    }

    #[test]
    fn order_space_and_comments_do_not_matter() {
        let original = secrets(0);
        let text = original.encode();
        let mut lines: Vec<_> = text.lines().rev().collect();
        lines.extend(["", "   # a note", "\t"]);
        let spaced = lines.join("\r\n").replace(" = ", "=");
        assert_eq!(Secrets::decode(&spaced), Ok(original));
    }

    #[test]
    fn every_name_is_needed_once() {
        let text = secrets(0).encode();
        for name in NAMES {
            let line = line_of(&text, name);
            let without = text.replace(&line, "");
            assert_eq!(
                Secrets::decode(&without),
                Err(SecretsError::Missing { name })
            );
            let repeated = Secrets::decode(&format!("{}{line}", *text));
            assert_eq!(repeated, Err(SecretsError::Repeated { line: 9, name }));
        }
    }

    #[test]
    fn what_is_unknown_or_of_another_form_is_refused() {
        let text = secrets(0).encode();
        let with = |line: &str| Secrets::decode(&format!("{}{line}\n", *text));
        let form = Err(SecretsError::Form { line: 9 });
        assert_eq!(
            with("master_key = \"AA==\""),
            Err(SecretsError::UnknownName { line: 9 })
        );
        assert_eq!(with("[section]"), form);
        assert_eq!(with("pepper = AAAA"), form);
        assert_eq!(with("pepper = \""), form);
        assert_eq!(with("pepper = \"a\" # note\""), form);
    }

    #[test]
    fn a_value_has_its_length() {
        let text = secrets(0).encode();
        let with = |name: &str, bytes: usize| {
            let value = format!("{name} = \"{}\"", STANDARD.encode(vec![1; bytes]));
            Secrets::decode(&text.replace(&line_of(&text, name), &value))
        };
        let refused =
            |name: &str, bytes| matches!(with(name, bytes), Err(SecretsError::Value { .. }));
        for name in ["pepper", "token_key", "contact_key", "invite_key"] {
            assert!(refused(name, 31) && refused(name, 33) && with(name, 32).is_ok());
        }
        assert!(refused("handle_salt", 15) && refused("handle_salt", 17));
        assert!(with("handle_salt", 16).is_ok());
        assert!(refused("turn_secret", 9) && with("turn_secret", 12).is_ok());
    }

    proptest! {
        #[test]
        fn secrets_are_read_back(first: u8) {
            let original = secrets(first);
            prop_assert_eq!(Secrets::decode(&original.encode()), Ok(original));
        }

        #[test]
        fn garbage_is_refused_without_a_panic(text in "(\\PC|\n){0,200}") {
            prop_assert!(Secrets::decode(&text).is_err());
        }

        #[test]
        fn a_damaged_file_never_panics(at: prop::sample::Index, byte in "\\PC|\n") {
            let text = secrets(0).encode();
            let at = at.index(text.len());
            let _ = Secrets::decode(&format!("{}{byte}{}", &text[..at], &text[at + 1..]));
        }
    }
}
