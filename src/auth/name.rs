//! From a handle as people write it to the hash that clients send for it.

use icu_normalizer::ComposingNormalizerBorrowed;
use pbkdf2::hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{Handle, HandleSalt};

/// PROTOCOL.md §2.
const ROUNDS: u32 = 600_000;

impl Handle {
    /// The handle of somebody who calls themselves `name`: what their client sends as `phone_hash`
    /// (PROTOCOL.md §2). Takes a good part of a second on purpose; call it where that blocks nobody.
    pub fn of_name(name: &str, salt: &HandleSalt) -> Self {
        let name = normalized(name);
        let mut hash = Zeroizing::new([0; 32]);
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        pbkdf2::pbkdf2::<Hmac<Sha256>>(name.as_bytes(), salt, ROUNDS, &mut *hash)
            .expect("any key length will do");
        Self::of_hash(&hash)
    }
}

/// NFKC, trimmed, lower case.
fn normalized(name: &str) -> Zeroizing<String> {
    let composed = ComposingNormalizerBorrowed::new_nfkc().normalize(name);
    Zeroizing::new(composed.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_form_however_it_is_typed() {
        for (typed, form) in [
            ("  Anna\n", "anna"),
            ("ＡＮＮＡ", "anna"),
            ("Zoe\u{308}", "zo\u{eb}"),
            ("ﬁona", "fiona"),
            ("ΣΊΣΥΦΟΣ", "σίσυφος"),
            ("名前", "名前"),
            ("+49 151 1", "+49 151 1"),
            ("", ""),
        ] {
            assert_eq!(*normalized(typed), form, "{typed}");
        }
    }

    #[test]
    fn the_hash_is_the_one_that_other_implementations_compute() {
        // Python: hashlib.pbkdf2_hmac("sha256", "zoë".encode(), bytes(range(16)), 600_000)
        let salt = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let handle = Handle::of_name(" ZOË ", &salt);
        let expected = "6f9ace9aac0056d3c150c00cc277c9cce609787b22089b795f002bc54d5c6db4";
        assert_eq!(handle.as_str(), expected);
    }
}
