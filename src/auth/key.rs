//! One secret, one purpose: a key of one kind can't be passed where another is meant.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::base::Secret;

/// HMAC-SHA-256 (RFC 2104) under `key`, having read `parts` one after the other.
///
/// Callers see to it that no two lists of parts run together to the same bytes.
pub(super) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any key length will do");
    for part in parts {
        mac.update(part);
    }
    mac
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name(Secret<32>);

        impl $name {
            /// The key made of these 32 random bytes.
            pub const fn new(bytes: Secret<32>) -> Self {
                Self(bytes)
            }

            pub(super) const fn secret(&self) -> &Secret<32> {
                &self.0
            }

            pub(super) fn mac(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
                hmac_sha256(self.secret().expose(), parts)
            }
        }
    };
}

key! {
    /// Turns handles into the tags that the database knows people by.
    Pepper
}
key! {
    /// Binds nonces to the handle that asked for them.
    ///
    /// Draw it anew at each start and store it nowhere: the memory of used nonces doesn't outlive
    /// the process, so neither may the nonces.
    ChallengeKey
}
key! {
    /// Signs tokens. Replacing it ends every token there is.
    TokenKey
}
key! {
    /// Hides from the database who has whom as a contact.
    ContactKey
}
key! {
    /// Hashes invite and recovery codes.
    InviteKey
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::vectors::hex;

    #[test]
    fn the_mac_is_the_one_of_rfc_4231() {
        let mac = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(
            mac.finalize().into_bytes().as_slice(),
            hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        );
    }

    #[test]
    fn a_key_does_not_print() {
        let key = TokenKey::new(Secret::new([7; 32]));
        assert_eq!(format!("{key:?}"), "TokenKey(Secret(32 bytes))");
    }
}
