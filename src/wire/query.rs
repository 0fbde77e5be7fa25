//! Percent-encoded text in paths and query strings (RFC 3986 §2.1).

use std::str::FromStr;

/// A parameter that can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct QueryError {
    /// Its name.
    pub field: &'static str,
    /// What was expected.
    pub problem: &'static str,
}

/// The parameters of a query string. Unknown ones are ignored; the `Debug` output has no values,
/// because a token may be among them.
#[derive(Default)]
pub struct Query(Vec<(String, String)>);

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Query({} parameters)", self.0.len())
    }
}

impl Query {
    /// Reads a query string, without its question mark.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        };
        pairs
            .map(read)
            .collect::<Option<_>>()
            .map(Self)
            .ok_or(QueryError {
                field: "(query)",
                problem: "expected percent-encoded UTF-8",
            })
    }

    /// The value of `name`, which may stand there once.
    pub fn value(&self, name: &'static str) -> Result<Option<&str>, QueryError> {
        let mut values = self.0.iter().filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (found, None) => Ok(found.map(|(_, value)| value.as_str())),
            (_, Some(_)) => Err(QueryError {
                field: name,
                problem: "expected once",
            }),
        }
    }

    /// The value of `name` as a `T`; `problem` says what is expected.
    pub fn parsed<T: FromStr>(
        &self,
        name: &'static str,
        problem: &'static str,
    ) -> Result<Option<T>, QueryError> {
        let parse = |text: &str| {
            text.parse().map_err(|_| QueryError {
                field: name,
                problem,
            })
        };
        self.value(name)?.map(parse).transpose()
    }
}

/// Undoes percent-encoding. None: a stray percent sign, or bytes that aren't UTF-8.
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => bytes.push(hex(rest.next()?)? << 4 | hex(rest.next()?)?),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_found_by_name() {
        let query = Query::parse("limit=10&a%66ter=x%2Fy&&flag&new=1").unwrap();
        assert_eq!(query.parsed("limit", "a number").unwrap(), Some(10));
        assert_eq!(query.value("after").unwrap(), Some("x/y"));
        assert_eq!(query.value("flag").unwrap(), Some(""));
        assert_eq!(query.value("absent").unwrap(), None);
        assert!(query.parsed::<usize>("after", "a number").is_err());
    }

    #[test]
    fn a_parameter_that_stands_twice_is_refused() {
        assert!(Query::parse("a=1&a=2").unwrap().value("a").is_err());
    }

    #[test]
    fn broken_encoding_is_refused() {
        for text in ["%", "a=%4", "a=%zz", "%ff", "a=%+1"] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_not_printed() {
        let query = Query::parse("token=secret").unwrap();
        assert_eq!(format!("{query:?}"), "Query(1 parameters)");
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(text: String) {
            let mut encoded = String::new();
            for byte in text.bytes() {
                write!(encoded, "%{byte:02X}").unwrap();
            }
            prop_assert_eq!(decode(&encoded), Some(text));
        }

        #[test]
        fn any_text_is_survived(text: String) {
            if let Ok(query) = Query::parse(&text) {
                let _ = query.value("a");
            }
        }
    }
}
