//! Standard base64 with padding, strict (RFC 4648 §4): one text for each byte string and nothing
//! else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A text that is not the base64 of what is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// Another alphabet, missing padding, white space, or unused bits that aren't zero.
    #[error("expected standard base64 with padding")]
    NotBase64,
    /// Base64 of another number of bytes.
    #[error("expected {expected} bytes, not {came}")]
    Length {
        /// How many bytes belong here.
        expected: usize,
        /// How many came.
        came: usize,
    },
}

/// The base64 of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of `text`.
pub fn decode(text: &str) -> Result<Vec<u8>, BinaryError> {
    STANDARD.decode(text).map_err(|_| BinaryError::NotBase64)
}

/// The `N` bytes of `text`.
pub fn decode_fixed<const N: usize>(text: &str) -> Result<[u8; N], BinaryError> {
    let bytes = decode(text)?;
    let came = bytes.len();
    bytes
        .try_into()
        .map_err(|_| BinaryError::Length { expected: N, came })
}

/// Whether `text` is base64, without decoding it: only its last four characters can hold padding
/// or unused bits, the others just have to be of the alphabet.
pub fn check(text: &str) -> Result<(), BinaryError> {
    let bytes = text.as_bytes();
    let (head, tail) = bytes.split_at(bytes.len().saturating_sub(4));
    // No early end, so that many characters are looked at at once.
    let strays = head.iter().fold(0, |strays, byte| strays | stray(*byte));
    if strays != 0 {
        return Err(BinaryError::NotBase64);
    }
    let decoded = STANDARD.decode_slice(tail, &mut [0; 3]);
    if bytes.len().is_multiple_of(4) && decoded.is_ok() {
        Ok(())
    } else {
        Err(BinaryError::NotBase64)
    }
}

/// 0 for a character of the alphabet, else 1: without branches or a table.
fn stray(byte: u8) -> u8 {
    let letter = u8::from((byte | 0x20).wrapping_sub(b'a') < 26);
    let digit = u8::from(byte.wrapping_sub(b'0') < 10);
    let sign = u8::from(byte == b'+') | u8::from(byte == b'/');
    1 ^ (letter | digit | sign)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_one_spelling_is_read() {
        assert_eq!(decode("aGk=").unwrap(), b"hi");
        for text in [
            "aGk", "aGl=", "aGk= ", " aGk=", "aG k=", "aGk=\n", "a-_=", "=", "aGk=aGk=",
        ] {
            assert_eq!(decode(text), Err(BinaryError::NotBase64), "{text:?}");
            assert_eq!(check(text), Err(BinaryError::NotBase64), "{text:?}");
        }
    }

    #[test]
    fn a_length_that_does_not_fit_is_named() {
        assert_eq!(decode_fixed::<2>("aGk="), Ok(*b"hi"));
        assert_eq!(
            decode_fixed::<32>("aGk="),
            Err(BinaryError::Length {
                expected: 32,
                came: 2
            })
        );
    }

    #[test]
    fn every_character_is_judged_as_by_the_decoder() {
        for byte in 0..=127u8 {
            let text = format!("{}AAAAAAA", char::from(byte));
            assert_eq!(check(&text).is_ok(), decode(&text).is_ok(), "{text:?}");
        }
        assert!(check("é AAAAA").is_err());
    }

    #[test]
    fn padding_inside_a_long_text_is_found() {
        let piece = encode(&[0; 3071]);
        assert_eq!(piece.len(), 4096);
        assert_eq!(check(&format!("{piece}AAAA")), Err(BinaryError::NotBase64));
    }

    proptest! {
        #[test]
        fn bytes_survive_the_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..9000)) {
            let text = encode(&bytes);
            prop_assert_eq!(check(&text), Ok(()));
            prop_assert_eq!(decode(&text).unwrap(), bytes);
        }

        #[test]
        fn the_check_agrees_with_the_decoder(text in "[A-Za-z0-9+/= -]{0,40}") {
            prop_assert_eq!(check(&text).is_ok(), decode(&text).is_ok());
        }
    }
}
