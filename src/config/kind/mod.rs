//! Kinds of settings: how each is read, written and described to somebody who got it wrong.
//!
//! A kind is a value that carries its bounds; what it reads is right, or it isn't read at all.

mod network;
mod number;
mod place;
mod time;

pub(super) use network::{
    Address, HostPattern, Listen, Network, Origin, Ports, RelayAddress, Socket,
};
pub(super) use network::{is_host, number, split_port};
pub(super) use number::{Bytes, Count};
pub(super) use place::{AbsolutePath, Realm};
pub use time::parse as duration;
pub(super) use time::{Rates, Span};

use super::value::Value;

/// How a `T` is set.
pub(super) trait Kind<T> {
    /// What is expected, to finish the sentence "expected …".
    fn expected(&self) -> String;

    /// The setting, if `value` is one.
    fn read(&self, value: &Value) -> Option<T>;

    /// The setting as the file would have it; [`Kind::read`] reads it back.
    fn write(&self, setting: &T) -> Value;

    /// How the file says that there is none.
    fn nothing(&self) -> Value {
        Value::Text(String::new())
    }
}

/// True or false.
#[derive(Debug, Clone, Copy)]
pub(super) struct Switch;

impl Kind<bool> for Switch {
    fn expected(&self) -> String {
        "true or false".into()
    }

    fn read(&self, value: &Value) -> Option<bool> {
        value.switch()
    }

    fn write(&self, setting: &bool) -> Value {
        Value::Switch(*setting)
    }
}

/// A choice that has a lower-case word for each of its values.
pub(super) trait Words: Copy + PartialEq + 'static {
    /// Every value with its word.
    const WORDS: &'static [(&'static str, Self)];
}

/// One of a few words.
#[derive(Debug, Clone, Copy)]
pub(super) struct OneOf;

impl<T: Words> Kind<T> for OneOf {
    fn expected(&self) -> String {
        let words: Vec<_> = T::WORDS
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect();
        format!("one of {}", words.join(", "))
    }

    fn read(&self, value: &Value) -> Option<T> {
        let text = value.text()?;
        let (_, choice) = T::WORDS.iter().find(|(word, _)| *word == text)?;
        Some(*choice)
    }

    fn write(&self, setting: &T) -> Value {
        let word = T::WORDS.iter().find(|(_, choice)| choice == setting);
        Value::Text(word.map_or_else(String::new, |(word, _)| (*word).to_owned()))
    }
}

/// Something, or nothing: an empty text or list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Optional<K>(pub(super) K);

impl<T, K: Kind<T>> Kind<Option<T>> for Optional<K> {
    fn expected(&self) -> String {
        format!("{}, or {} for none", self.0.expected(), self.0.nothing())
    }

    fn read(&self, value: &Value) -> Option<Option<T>> {
        if value.is_nothing() {
            return Some(None);
        }
        self.0.read(value).map(Some)
    }

    fn write(&self, setting: &Option<T>) -> Value {
        setting
            .as_ref()
            .map_or_else(|| self.0.nothing(), |setting| self.0.write(setting))
    }
}

/// Any number of a kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<K>(pub(super) K);

impl<T, K: Kind<T>> Kind<Vec<T>> for List<K> {
    fn expected(&self) -> String {
        format!("a list, each item {}", self.0.expected())
    }

    fn read(&self, value: &Value) -> Option<Vec<T>> {
        value
            .items()?
            .iter()
            .map(|item| self.0.read(item))
            .collect()
    }

    fn write(&self, setting: &Vec<T>) -> Value {
        Value::List(setting.iter().map(|item| self.0.write(item)).collect())
    }

    fn nothing(&self) -> Value {
        Value::List(Vec::new())
    }
}

/// At least one of a kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Several<K>(pub(super) K);

impl<T, K: Kind<T>> Kind<Vec<T>> for Several<K> {
    fn expected(&self) -> String {
        format!("a list of at least one item, each {}", self.0.expected())
    }

    fn read(&self, value: &Value) -> Option<Vec<T>> {
        let items: Option<Vec<T>> = value
            .items()?
            .iter()
            .map(|item| self.0.read(item))
            .collect();
        items.filter(|items| !items.is_empty())
    }

    fn write(&self, setting: &Vec<T>) -> Value {
        Value::List(setting.iter().map(|item| self.0.write(item)).collect())
    }

    fn nothing(&self) -> Value {
        Value::List(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_an_empty_text_or_an_empty_list() {
        let origin = Optional(Origin);
        assert_eq!(origin.read(&Value::Text(String::new())), Some(None));
        assert_eq!(origin.write(&None), Value::Text(String::new()));
        let sockets = Optional(List(Socket));
        assert_eq!(sockets.read(&Value::List(Vec::new())), Some(None));
        assert_eq!(sockets.write(&None).to_string(), "[]");
    }

    #[test]
    fn one_wrong_item_spoils_a_list() {
        let list = List(Switch);
        let items = [Value::Switch(true), Value::Integer(1)];
        assert_eq!(
            list.read(&Value::List(items[..1].to_vec())),
            Some(vec![true])
        );
        assert_eq!(list.read(&Value::List(items.to_vec())), None);
    }

    #[test]
    fn several_are_at_least_one() {
        assert_eq!(Several(Switch).read(&Value::List(Vec::new())), None);
        assert_eq!(
            Several(Switch).read(&Value::Word("true,false".into())),
            Some(vec![true, false])
        );
    }
}
