//! A value as an operator wrote it, before anybody knows what it should be.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use toml::de::{DeInteger, DeValue};

/// What stands behind a key: in the file with TOML's types, elsewhere as one word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// True or false.
    Switch(bool),
    /// Several values.
    List(Vec<Self>),
    /// The text of an environment variable or a flag, which becomes whatever the key is.
    Word(String),
    /// What no key takes, by its name: a float, a date, a table.
    Foreign(&'static str),
}

impl Value {
    /// The value of an environment variable or a flag. Brackets and quotes are read as TOML.
    pub(super) fn from_word(word: &str) -> Self {
        if !word.starts_with(['[', '"', '\'']) {
            return Self::Word(word.to_owned());
        }
        DeValue::parse(word).map_or_else(
            |_| Self::Word(word.to_owned()),
            |parsed| Self::from_toml(parsed.get_ref()),
        )
    }

    /// A value of a TOML document.
    pub(super) fn from_toml(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.clone().into_owned()),
            DeValue::Integer(number) => integer(number).map_or(
                Self::Foreign("a number of more than 64 bits"),
                Self::Integer,
            ),
            DeValue::Boolean(switch) => Self::Switch(*switch),
            DeValue::Array(items) => Self::List(
                items
                    .iter()
                    .map(|item| Self::from_toml(item.get_ref()))
                    .collect(),
            ),
            DeValue::Float(_) => Self::Foreign("a number with a fraction"),
            DeValue::Datetime(_) => Self::Foreign("a date"),
            DeValue::Table(_) => Self::Foreign("a table"),
        }
    }

    /// A list of texts.
    pub(super) fn texts<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(
            items
                .into_iter()
                .map(|item| Self::Text(item.to_string()))
                .collect(),
        )
    }

    /// Whether this says "nothing": an empty text or an empty list.
    pub(super) const fn is_nothing(&self) -> bool {
        match self {
            Self::Text(text) | Self::Word(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Integer(_) | Self::Switch(_) | Self::Foreign(_) => false,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Word(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Word(word) => word.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn switch(&self) -> Option<bool> {
        match self {
            Self::Switch(switch) => Some(*switch),
            Self::Word(word) => word.parse().ok(),
            _ => None,
        }
    }

    /// The items of a list; a word is a list with commas.
    pub(super) fn items(&self) -> Option<Cow<'_, [Self]>> {
        match self {
            Self::List(items) => Some(Cow::Borrowed(items)),
            Self::Word(word) if word.is_empty() => Some(Cow::Borrowed(&[])),
            Self::Word(word) => {
                let items = word
                    .split(',')
                    .map(|item| Self::Word(item.trim().to_owned()));
                Some(Cow::Owned(items.collect()))
            }
            _ => None,
        }
    }

    fn to_toml(&self) -> toml::Value {
        match self {
            Self::Text(text) | Self::Word(text) => text.as_str().into(),
            Self::Integer(number) => (*number).into(),
            Self::Switch(switch) => (*switch).into(),
            Self::List(items) => toml::Value::Array(items.iter().map(Self::to_toml).collect()),
            Self::Foreign(name) => (*name).into(),
        }
    }
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

/// As TOML; what no key takes, by its name.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(name) => f.write_str(name),
            value => value.to_toml().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_brackets_or_quotes_is_toml() {
        assert_eq!(Value::from_word(r#"["a", "b"]"#), Value::texts(["a", "b"]));
        assert_eq!(Value::from_word(r#""a""#), Value::Text("a".into()));
        assert_eq!(Value::from_word("[::1]:80"), Value::Word("[::1]:80".into()));
    }

    #[test]
    fn a_word_becomes_what_it_is_asked_for() {
        assert_eq!(Value::from_word("17").integer(), Some(17));
        assert_eq!(Value::from_word("17").text(), Some("17"));
        assert_eq!(Value::from_word("true").switch(), Some(true));
        let items = Value::from_word("a, b");
        assert_eq!(items.items().unwrap().len(), 2);
        assert!(Value::from_word("").items().unwrap().is_empty());
    }

    #[test]
    fn text_in_quotes_is_no_number() {
        assert_eq!(Value::Text("17".into()).integer(), None);
        assert_eq!(Value::Text("true".into()).switch(), None);
        assert_eq!(Value::Text("a,b".into()).items(), None);
    }

    #[test]
    fn a_value_prints_as_toml() {
        let values = Value::List(vec![Value::Text("a".into()), Value::Integer(-1)]);
        assert_eq!(values.to_string(), r#"["a", -1]"#);
        assert_eq!(Value::Switch(true).to_string(), "true");
    }
}
