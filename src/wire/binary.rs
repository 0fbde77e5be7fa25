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

/// Whether `text` is base64, without keeping its bytes.
pub fn check(text: &str) -> Result<(), BinaryError> {
    /// Decoded in pieces of this many characters, a multiple of four.
    const PIECE: usize = 4096;
    let mut scratch = [0; PIECE / 4 * 3];
    let mut pieces = text.as_bytes().chunks(PIECE).peekable();
    while let Some(piece) = pieces.next() {
        let decoded = STANDARD
            .decode_slice(piece, &mut scratch)
            .map_err(|_| BinaryError::NotBase64)?;
        // Padding ends a text: a piece that is followed by another has none.
        if pieces.peek().is_some() && decoded != scratch.len() {
            return Err(BinaryError::NotBase64);
        }
    }
    Ok(())
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
