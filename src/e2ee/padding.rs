//! Padding (E2EE.md §6.1): the server sees one of ten lengths.

use zeroize::Zeroizing;

use super::Refusal;

const SIZES: [usize; 10] = [
    256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 49_152, 65_536,
];
const MARK: u8 = 0x80;

/// The longest message; longer things are sent as several.
pub const LONGEST: usize = 65_535;

/// How long a message of so many bytes becomes.
pub(super) fn padded_length(length: usize) -> Result<usize, Refusal> {
    let fits = |size: &usize| *size > length;
    SIZES.into_iter().find(fits).ok_or(Refusal::TooLong {
        found: length,
        limit: LONGEST,
    })
}

/// Appends `PAD(message)`.
pub(super) fn pad(message: &[u8], onto: &mut Vec<u8>) -> Result<(), Refusal> {
    let end = onto.len() + padded_length(message.len())?;
    onto.extend_from_slice(message);
    onto.push(MARK);
    onto.resize(end, 0);
    Ok(())
}

/// Takes the padding off. Not constant time: the tag was checked before.
pub(super) fn unpad(mut padded: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mark = padded
        .iter()
        .rposition(|byte| *byte != 0)
        .ok_or(Refusal::Padding)?;
    if padded[mark] != MARK || padded_length(mark) != Ok(padded.len()) {
        return Err(Refusal::Padding);
    }
    padded.truncate(mark);
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::e2ee::vectors::{hex, vectors};

    fn padded(message: &[u8]) -> Vec<u8> {
        let mut padded = Vec::new();
        pad(message, &mut padded).unwrap();
        padded
    }

    #[test]
    fn the_published_lengths_are_padded_as_published() {
        let lengths = vectors().padding;
        assert_eq!(lengths.len(), 16);
        for vector in lengths {
            let message = vec![0; vector.length];
            let padded = padded(&message);
            assert_eq!(padded.len(), vector.padded);
            assert_eq!(*unpad(Zeroizing::new(padded)).unwrap(), message);
        }
    }

    #[test]
    fn the_published_bad_paddings_are_refused() {
        let refused = vectors().padding_refused;
        assert_eq!(refused.len(), 5);
        for vector in refused {
            let unpadded = unpad(Zeroizing::new(hex(&vector.padded)));
            assert_eq!(unpadded.err(), Some(Refusal::Padding), "{}", vector.why);
        }
    }

    #[test]
    fn a_message_has_a_longest_length() {
        assert_eq!(padded(&vec![1; LONGEST]).len(), 65_536);
        let long = pad(&vec![1; LONGEST + 1], &mut Vec::new());
        let (found, limit) = (LONGEST + 1, LONGEST);
        assert_eq!(long, Err(Refusal::TooLong { found, limit }));
    }

    proptest! {
        #[test]
        fn what_is_padded_comes_back(message in proptest::collection::vec(any::<u8>(), 0..3000)) {
            let padded = padded(&message);
            prop_assert!(SIZES.contains(&padded.len()));
            prop_assert_eq!(&*unpad(Zeroizing::new(padded)).unwrap(), &message);
        }

        #[test]
        fn any_bytes_are_a_padding_or_refused(tail in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(message) = unpad(Zeroizing::new(tail.clone())) {
                prop_assert_eq!(padded(&message), tail);
            }
        }
    }
}
