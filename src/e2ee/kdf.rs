//! HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869), and what is derived with them.

use hkdf::HkdfExtract;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroize as _;

use crate::base::Secret;

/// "No salt" of E2EE.md §2.
pub(super) const NO_SALT: [u8; 32] = [0; 32];

/// HMAC-SHA-256 under one key: made once, used for several messages.
#[derive(Clone)]
pub(super) struct Keyed(Hmac<Sha256>);

impl Keyed {
    pub(super) fn new(key: &[u8]) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        Self(Hmac::new_from_slice(key).expect("any key length will do"))
    }

    /// `HMAC(k, message)`.
    pub(super) fn mac(&self, message: &[u8]) -> Secret<32> {
        let mut mac = self.0.clone();
        mac.update(message);
        let mut tag = mac.finalize().into_bytes();
        let secret = Secret::written(|bytes| bytes.copy_from_slice(&tag));
        tag.as_mut_slice().zeroize();
        secret
    }
}

/// `HKDF(salt, input, info, N)`; the input is given in parts. `N` is at most 8160.
pub(super) fn hkdf<const N: usize>(salt: &[u8], input: &[&[u8]], info: &[u8]) -> Secret<N> {
    const { assert!(N <= 255 * 32) };
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    for part in input {
        extract.input_ikm(part);
    }
    let (mut between, expand) = extract.finalize();
    between.as_mut_slice().zeroize();
    #[expect(
        clippy::expect_used,
        reason = "the length is checked when this is compiled"
    )]
    Secret::written(|bytes| {
        expand.expand(info, bytes).expect("no more than 255 blocks");
    })
}

/// The two halves of what was derived together.
pub(super) fn halves(both: &Secret<64>) -> (Secret<32>, Secret<32>) {
    let (first, second) = both.expose().split_at(32);
    (
        Secret::written(|bytes| bytes.copy_from_slice(first)),
        Secret::written(|bytes| bytes.copy_from_slice(second)),
    )
}
