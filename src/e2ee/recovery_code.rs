//! What somebody writes down to get their identity back (E2EE.md §10.4): 128 random bits as text.
//!
//! ```text
//! 28 characters of 5 bits, in seven groups of four:   BGVT-37G1-CX0E-JF5Z-7Q8P-PGA0-R8HD
//! 128 bits of the code ‖ the first 12 bits of SHA-256("PrivComm_Code_v1\n" ‖ code)
//! ```
//!
//! The alphabet has no `I`, `L`, `O` and `U`; the first three are read as the digits that they look
//! like. A mistake in writing is found out 4095 times in 4096, before anything slow is tried.

use std::fmt;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::Refusal;
use super::kdf::{NO_SALT, hkdf};
use crate::base::Secret;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LABEL: &[u8] = b"PrivComm_Code_v1\n";
const CHARACTERS: usize = 28;
const GROUP: usize = 4;
/// Code and check: 140 bits, and four that stay zero.
const WRITTEN: usize = 18;
const NOT_A_CODE: Refusal = Refusal::Malformed("a recovery code of 28 letters and digits");

/// A generated code: as hard to guess as a key, short enough to be written on paper.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Secret<16>);

impl RecoveryCode {
    /// The code of 16 random bytes. They must be random: what seals a backup is stretched little.
    pub const fn new(random: Secret<16>) -> Self {
        Self(random)
    }

    /// Reads a code as somebody typed it: of either case, with spaces or hyphens or without.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut written = Zeroizing::new([0; WRITTEN]);
        let mut count = 0;
        for character in text.bytes().filter(|byte| !is_between(*byte)) {
            let value = value_of(character).ok_or(NOT_A_CODE)?;
            if count == CHARACTERS {
                return Err(NOT_A_CODE);
            }
            let (byte, shift) = place_of(count);
            let [high, low] = (value << shift).to_be_bytes();
            written[byte] |= high;
            written[byte + 1] |= low;
            count += 1;
        }
        if count != CHARACTERS {
            return Err(NOT_A_CODE);
        }
        let code = Self(Secret::written(|bytes| {
            bytes.copy_from_slice(&written[..16]);
        }));
        if *code.written() == *written {
            Ok(code)
        } else {
            Err(Refusal::CodeMistyped)
        }
    }

    /// The code as it is to be written down. Show it once, and keep no copy.
    pub fn to_text(&self) -> Zeroizing<String> {
        let written = self.written();
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS + CHARACTERS / GROUP));
        for place in 0..CHARACTERS {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            let (byte, shift) = place_of(place);
            let value = u16::from_be_bytes([written[byte], written[byte + 1]]) >> shift;
            text.push(char::from(ALPHABET[usize::from(value & 31)]));
        }
        text
    }

    /// The seed of an account that was made of this code, as the web client makes its accounts: then the
    /// code alone brings the identity back, and no contacts.
    pub fn seed(&self) -> Secret<32> {
        hkdf(&NO_SALT, &[self.0.expose()], b"PrivComm_Seed_v1")
    }

    /// The 16 bytes.
    pub(super) const fn secret(&self) -> &Secret<16> {
        &self.0
    }

    /// The bits that the text spells.
    fn written(&self) -> Zeroizing<[u8; WRITTEN]> {
        let code = self.0.expose();
        let check = Sha256::new_with_prefix(LABEL).chain_update(code).finalize();
        let mut written = Zeroizing::new([0; WRITTEN]);
        written[..16].copy_from_slice(code);
        written[16] = check[0];
        written[17] = check[1] & 0xf0;
        written
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

/// Where a character's five bits stand: the first of two bytes, and how far from their end.
const fn place_of(character: usize) -> (usize, usize) {
    let bit = 5 * character;
    (bit / 8, 11 - bit % 8)
}

/// What may stand between the characters.
const fn is_between(byte: u8) -> bool {
    byte == b'-' || byte.is_ascii_whitespace()
}

fn value_of(character: u8) -> Option<u16> {
    let character = match character.to_ascii_uppercase() {
        b'I' | b'L' => b'1',
        b'O' => b'0',
        other => other,
    };
    let place = ALPHABET.iter().position(|known| *known == character)?;
    u16::try_from(place).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::e2ee::vectors::{backups, secret};

    #[test]
    fn each_code_has_the_published_text_and_seed() {
        let codes = backups().codes;
        assert_eq!(codes.len(), 4);
        for vector in codes {
            let code = RecoveryCode::new(secret(&vector.code));
            assert_eq!(*code.to_text(), vector.text);
            assert_eq!(code.seed(), secret(&vector.seed));
            assert_eq!(RecoveryCode::parse(&vector.text), Ok(code));
        }
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let same = backups().same_code;
        let code = RecoveryCode::new(secret(&same.code));
        assert_eq!(same.texts.len(), 5);
        for text in same.texts {
            assert_eq!(RecoveryCode::parse(&text), Ok(code.clone()), "{text:?}");
        }
    }

    #[test]
    fn a_mistake_is_told_from_another_shape() {
        for vector in backups().codes_refused {
            let refusal = RecoveryCode::parse(&vector.text).err();
            let expected = if vector.mistyped {
                Refusal::CodeMistyped
            } else {
                NOT_A_CODE
            };
            assert_eq!(refusal, Some(expected), "{}", vector.why);
        }
    }

    #[test]
    fn a_code_does_not_print() {
        let code = RecoveryCode::new(Secret::new([7; 16]));
        assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
    }

    proptest! {
        #[test]
        fn a_code_comes_back_from_its_text(random: [u8; 16]) {
            let code = RecoveryCode::new(Secret::new(random));
            prop_assert_eq!(RecoveryCode::parse(&code.to_text()), Ok(code));
        }

        #[test]
        fn any_text_is_a_code_or_refused(text in "[0-9A-Za-z -]{20,40}|\\PC{0,60}") {
            if let Ok(code) = RecoveryCode::parse(&text) {
                prop_assert_eq!(RecoveryCode::parse(&code.to_text()), Ok(code));
            }
        }
    }
}
