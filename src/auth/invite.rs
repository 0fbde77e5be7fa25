//! Invite and recovery codes: twelve symbols that a person can read out, as `7Q2M-9XKD-4TRW`.
//!
//! The alphabet is Crockford's base 32: no I, L, O or U, which are misread for others. Twelve
//! symbols are 60 random bits. Only a keyed hash is stored, so a stolen database lets nobody in,
//! and the key makes trying all codes against it impossible.

use std::fmt;

use hmac::Mac as _;

use super::InviteKey;
use crate::base::Secret;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SYMBOLS: usize = 12;

/// Longer texts aren't looked at: twelve symbols and generous separators fit.
const MAX_LENGTH: usize = 64;

/// A code, normalized: twelve symbols of the alphabet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InviteCode(Secret<SYMBOLS>);

/// A text that is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected twelve letters and digits, as 7Q2M-9XKD-4TRW")]
pub struct InvalidCode;

impl InviteCode {
    /// The code made of the last 60 of these random bits.
    pub fn new(random: [u8; 8]) -> Self {
        let mut bits = u64::from_be_bytes(random);
        let symbols = [(); SYMBOLS].map(|()| {
            let symbol = ALPHABET[usize::from(bits.to_le_bytes()[0] % 32)];
            bits >>= 5;
            symbol
        });
        Self(Secret::new(symbols))
    }

    /// Reads a code as people type it: any case, spaces and dashes anywhere, `O` for `0`, `I` or
    /// `L` for `1`.
    pub fn parse(text: &str) -> Result<Self, InvalidCode> {
        if text.len() > MAX_LENGTH {
            return Err(InvalidCode);
        }
        let mut symbols = [0; SYMBOLS];
        let mut typed = text.chars().filter(|typed| !is_separator(*typed));
        for place in &mut symbols {
            *place = typed.next().and_then(symbol).ok_or(InvalidCode)?;
        }
        match typed.next() {
            None => Ok(Self(Secret::new(symbols))),
            Some(_) => Err(InvalidCode),
        }
    }

    /// What is stored in its place.
    pub fn hash(&self, key: &InviteKey) -> CodeHash {
        CodeHash(key.mac(&[self.0.expose()]).finalize().into_bytes().into())
    }
}

/// As it is handed to a person: three groups of four.
impl fmt::Display for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, symbol) in self.0.expose().iter().enumerate() {
            if at > 0 && at % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", char::from(*symbol))?;
        }
        Ok(())
    }
}

/// HMAC-SHA-256 of a code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeHash([u8; 32]);

impl CodeHash {
    /// The hash as it is stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of 32 stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(…)")
    }
}

/// White space and every dash that a keyboard or a word processor makes.
fn is_separator(typed: char) -> bool {
    typed.is_whitespace() || matches!(typed, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

fn symbol(typed: char) -> Option<u8> {
    let symbol = match u8::try_from(typed).ok()?.to_ascii_uppercase() {
        b'O' => b'0',
        b'I' | b'L' => b'1',
        other => other,
    };
    ALPHABET.contains(&symbol).then_some(symbol)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_reads_as_three_groups_of_four() {
        let code = InviteCode::parse("7Q2M-9XKD-4TRW").unwrap();
        assert_eq!(code.to_string(), "7Q2M-9XKD-4TRW");
        assert_eq!(InviteCode::new([0; 8]).to_string(), "0000-0000-0000");
        assert_eq!(InviteCode::new([255; 8]).to_string(), "ZZZZ-ZZZZ-ZZZZ");
    }

    #[test]
    fn people_type_codes_in_their_own_way() {
        let code = InviteCode::parse("7Q2M-9XKD-4TRW").unwrap();
        for typed in [
            "7q2m9xkd4trw",
            " 7Q2M 9XKD 4TRW\n",
            "7Q2M–9XKD—4TRW",
            "7-q-2-m-9-x-k-d-4-t-r-w",
            "7Q2M\u{a0}9XKD\u{2011}4TRW",
        ] {
            assert_eq!(InviteCode::parse(typed).as_ref(), Ok(&code), "{typed}");
        }
        let misread = InviteCode::parse("OoIi-Ll00-1111").unwrap();
        assert_eq!(misread.to_string(), "0011-1100-1111");
    }

    #[test]
    fn a_code_has_twelve_symbols_of_the_alphabet() {
        for typed in [
            "",
            "7Q2M-9XKD-4TR",
            "7Q2M-9XKD-4TRWW",
            "7Q2M-9XKD-4TRU",
            "7Q2M-9XKD-4TR_",
            "7Q2M-9XKD-4TRé",
        ] {
            assert_eq!(InviteCode::parse(typed), Err(InvalidCode), "{typed}");
        }
    }

    #[test]
    fn a_text_of_64_bytes_is_read_and_a_longer_one_is_not() {
        let padded = format!("7Q2M9XKD4TRW{}", " ".repeat(52));
        assert!(InviteCode::parse(&padded).is_ok());
        assert_eq!(InviteCode::parse(&(padded + " ")), Err(InvalidCode));
    }

    #[test]
    fn the_hash_depends_on_code_and_key() {
        let key = |fill| InviteKey::new(Secret::new([fill; 32]));
        let (code, other) = (InviteCode::new([1; 8]), InviteCode::new([2; 8]));
        assert_eq!(code.hash(&key(1)), code.clone().hash(&key(1)));
        assert_ne!(code.hash(&key(1)), other.hash(&key(1)));
        assert_ne!(code.hash(&key(1)), code.hash(&key(2)));
        assert_eq!(format!("{code:?}"), "InviteCode(Secret(12 bytes))");
    }

    proptest! {
        #[test]
        fn every_code_is_read_back(random: [u8; 8]) {
            let code = InviteCode::new(random);
            prop_assert_eq!(InviteCode::parse(&code.to_string()), Ok(code.clone()));
            prop_assert_eq!(InviteCode::parse(&code.to_string().to_lowercase()), Ok(code));
        }

        #[test]
        fn sixty_bits_make_the_code(random: [u8; 8], bit in 0u32..60) {
            let flipped = (u64::from_be_bytes(random) ^ (1 << bit)).to_be_bytes();
            prop_assert_ne!(InviteCode::new(random), InviteCode::new(flipped));
        }

        #[test]
        fn any_text_parses_or_is_refused(text in "\\PC{0,70}") {
            if let Ok(code) = InviteCode::parse(&text) {
                prop_assert_eq!(InviteCode::parse(&code.to_string()), Ok(code));
            }
        }
    }
}
