//! Strict JSON: at most [`MAX_DEPTH`] deep, no member twice, unknown members ignored
//! (PROTOCOL.md §1).
//!
//! A text is read twice: once to check its shape and note the members that say what it is, once
//! into its type. The shape check can't be left to the types, because they skip what they don't
//! know, and what is skipped could be hostile.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// How deep objects and arrays may nest.
pub const MAX_DEPTH: u8 = 16;

/// Why a text was refused. Never holds a part of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON, not UTF-8, too deep, or a member stands twice.
    #[error(
        "expected one JSON text in UTF-8, at most 16 levels deep, without duplicate members; it breaks at byte {at}"
    )]
    Malformed {
        /// Where reading stopped, in bytes from the start.
        at: usize,
    },
    /// A member is missing or of another type than it should be.
    #[error("member {field:?}: {problem}")]
    Field {
        /// The path to the member.
        field: String,
        /// What was expected of it.
        problem: &'static str,
    },
}

/// What a text says about itself, noted in passing by [`outline`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outline<'a> {
    /// The top-level member `type`, where it is a string.
    pub kind: Option<Cow<'a, str>>,
    /// The top-level member `id`, where it is a string.
    pub id: Option<Cow<'a, str>>,
    /// The top-level member `call_id`, where it is a string.
    pub call_id: Option<Cow<'a, str>>,
    /// Whether there is a top-level member `hi` or `call`: what `mvchat.v1` wraps its content in.
    pub envelope: Option<Envelope>,
}

/// The members that stand for a type in `mvchat.v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Envelope {
    /// `hi`
    Hi,
    /// `call`
    Call,
}

/// Reads `text` as a `T`.
pub fn parse<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, JsonError> {
    let text = std::str::from_utf8(text).map_err(|error| JsonError::Malformed {
        at: error.valid_up_to(),
    })?;
    outline(text)?;
    parse_checked(text)
}

/// Checks the shape of `text` and says what it is.
pub fn outline(text: &str) -> Result<Outline<'_>, JsonError> {
    let mut outline = Outline::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    Walk {
        depth: 0,
        outline: Some(&mut outline),
    }
    .deserialize(&mut reader)
    .and_then(|_| reader.end())
    .map_err(|error| malformed(text, &error))?;
    Ok(outline)
}

/// Reads `text`, whose shape [`outline`] has approved, as a `T`.
pub fn parse_checked<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, JsonError> {
    // The quick way first; the path to what is wrong is only worked out when something is.
    if let Ok(value) = serde_json::from_str(text) {
        return Ok(value);
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let missing = missing_member(&error.inner().to_string());
        let problem = match missing {
            Some(_) => "this member is missing",
            None => "not of the type or form that is expected here",
        };
        let path = error.path().to_string();
        let field = match (path.as_str(), missing) {
            (".", Some(name)) => name,
            (".", None) => "(the whole text)".to_owned(),
            (_, Some(name)) => format!("{path}.{name}"),
            (_, None) => path,
        };
        JsonError::Field { field, problem }
    })
}

/// The name in serde's "missing field `name`", which comes from our types and not from the text.
fn missing_member(message: &str) -> Option<String> {
    let (name, _) = message.strip_prefix("missing field `")?.split_once('`')?;
    Some(name.to_owned())
}

fn malformed(text: &str, error: &serde_json::Error) -> JsonError {
    let line_start = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum::<usize>();
    JsonError::Malformed {
        at: line_start + error.column(),
    }
}

/// Walks one value; at the top level of an object it notes the members of the outline.
struct Walk<'o, 'a> {
    depth: u8,
    outline: Option<&'o mut Outline<'a>>,
}

impl Walk<'_, '_> {
    fn deeper<E: serde::de::Error>(&self) -> Result<u8, E> {
        let depth = self.depth + 1;
        if depth > MAX_DEPTH {
            Err(E::custom("too deep"))
        } else {
            Ok(depth)
        }
    }
}

impl<'a> DeserializeSeed<'a> for Walk<'_, 'a> {
    /// The string this value is, if it is one.
    type Value = Option<Cow<'a, str>>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Walk<'_, 'a> {
    type Value = Option<Cow<'a, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let depth = self.deeper()?;
        let mut names: Vec<Cow<'a, str>> = Vec::with_capacity(4);
        while let Some(Name(name)) = map.next_key()? {
            let string = map.next_value_seed(Walk {
                depth,
                outline: None,
            })?;
            if let Some(outline) = self.outline.as_mut() {
                match name.as_ref() {
                    "type" => outline.kind = string,
                    "id" => outline.id = string,
                    "call_id" => outline.call_id = string,
                    "hi" => outline.envelope = Some(Envelope::Hi),
                    "call" => outline.envelope = Some(Envelope::Call),
                    _ => {}
                }
            }
            names.push(name);
        }
        if has_duplicates(&mut names) {
            Err(A::Error::custom("duplicate member"))
        } else {
            Ok(None)
        }
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let depth = self.deeper()?;
        while seq
            .next_element_seed(Walk {
                depth,
                outline: None,
            })?
            .is_some()
        {}
        Ok(None)
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        // An escaped string is only copied where somebody wants to see it.
        Ok((self.depth == 1).then(|| Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Few members are compared with each other; many are sorted first, so that nobody can make this
/// quadratic.
fn has_duplicates(names: &mut [Cow<'_, str>]) -> bool {
    if names.len() > 16 {
        names.sort_unstable();
        return names.windows(2).any(|pair| pair[0] == pair[1]);
    }
    names
        .iter()
        .enumerate()
        .any(|(index, name)| names[..index].contains(name))
}

/// A member's name, or any string, borrowed from the text unless it has escapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
        }

        deserializer.deserialize_str(Text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only reading it matters")]
    struct Sample {
        count: u8,
        list: Vec<u8>,
    }

    #[test]
    fn sixteen_levels_pass_and_seventeen_do_not() {
        assert!(outline(&nested(16)).is_ok());
        assert!(matches!(
            outline(&nested(17)),
            Err(JsonError::Malformed { .. })
        ));
        assert!(outline(&nested(100_000)).is_err());
    }

    #[test]
    fn a_member_that_stands_twice_is_refused_at_every_level_and_in_every_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":{"a":1,"a":2}}"#,
            r#"{"x":[{"a":1,"\u0061":2}]}"#,
        ] {
            assert!(outline(text).is_err(), "{text}");
        }
        let many = (0..50)
            .map(|n| format!("\"m{n}\":0"))
            .collect::<Vec<_>>()
            .join(",");
        assert!(outline(&format!("{{{many},\"m\":0}}")).is_ok());
        assert!(outline(&format!("{{{many},\"m7\":0}}")).is_err());
    }

    #[test]
    fn the_outline_notes_strings_of_the_top_level_only() {
        let text = r#"{"id":"7","type":"a\u0062c","x":{"call_id":"inner"},"call_id":4}"#;
        let outline = outline(text).unwrap();
        assert_eq!(outline.kind.as_deref(), Some("abc"));
        assert_eq!(outline.id.as_deref(), Some("7"));
        assert_eq!(outline.call_id, None);
    }

    #[test]
    fn an_error_names_the_member_and_never_its_content() {
        let error = parse::<Sample>(br#"{"count":"secret","list":[]}"#).unwrap_err();
        assert!(
            matches!(&error, JsonError::Field { field, .. } if field == "count"),
            "{error}"
        );
        assert!(!error.to_string().contains("secret"));
        let error = parse::<Sample>(br#"{"count":1,"list":[1,999]}"#).unwrap_err();
        assert!(
            matches!(&error, JsonError::Field { field, .. } if field == "list[1]"),
            "{error}"
        );
        let error = parse::<Sample>(br#"{"count":1}"#).unwrap_err();
        assert!(
            matches!(&error, JsonError::Field { field, .. } if field == "list"),
            "{error}"
        );
        assert!(parse::<Sample>(br#"{"count":1,"list":[],"later":{"x":[]}}"#).is_ok());
    }

    #[test]
    fn what_follows_the_text_is_refused() {
        assert_eq!(outline("{} {}"), Err(JsonError::Malformed { at: 4 }));
        assert!(outline("").is_err());
        assert!(parse::<Value>(b"{\"a\":\"\xff\"}").is_err());
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from)
        ];
        leaf.prop_recursive(8, 64, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(".*", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
                        let _ = parse::<Sample>(&bytes);
        }

        #[test]
        fn what_serde_writes_is_read(value in value()) {
            prop_assert!(outline(&value.to_string()).is_ok());
        }

        #[test]
        fn what_this_accepts_serde_accepts(text in r#"[\[\]{}":,a0\\ ]{0,24}"#) {
            if outline(&text).is_ok() {
                prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
            }
        }
    }
}
