//! From a handle as people write it to the hash that is sent for it (PROTOCOL.md §2).

use icu_normalizer::ComposingNormalizerBorrowed;
use pbkdf2::hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Error;
use crate::e2ee::{Handle, Refusal};

const ROUNDS: u32 = 600_000;

/// The hash of a name under a server's salt. Slow on purpose: call it where that blocks nobody.
pub(super) fn hash_of(name: &str, salt: &[u8]) -> Result<Handle, Error> {
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(name);
    let name = Zeroizing::new(composed.trim().to_lowercase());
    if name.is_empty() {
        return Err(Refusal::Malformed("a handle").into());
    }
    let mut hash = Zeroizing::new([0; 32]);
    pbkdf2::pbkdf2::<Hmac<Sha256>>(name.as_bytes(), salt, ROUNDS, &mut *hash)
        .map_err(|_| Error::Broken)?;
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let text: String = digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect();
    Ok(Handle::parse(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_that_other_implementations_compute() {
        // Python: hashlib.pbkdf2_hmac("sha256", "zoë".encode(), bytes(range(16)), 600_000)
        let salt: [u8; 16] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let handle = hash_of(" ZOË\n", &salt).unwrap();
        let expected = "6f9ace9aac0056d3c150c00cc277c9cce609787b22089b795f002bc54d5c6db4";
        assert_eq!(handle.as_str(), expected);
        assert!(hash_of(" ", &salt).is_err());
    }
}
