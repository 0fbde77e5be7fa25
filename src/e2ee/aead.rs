//! `SEAL` and `OPEN` of E2EE.md §2: AES-256-GCM with the tag behind the ciphertext.

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce, Tag};
use zeroize::Zeroizing;

use super::Refusal;
use crate::base::Secret;

/// Bytes of a tag.
pub(super) const TAG: usize = 16;
/// Bytes of a nonce.
pub(super) const NONCE: usize = 12;

/// Seals what stands in `buffer` behind `start`, in place, and puts the tag behind it.
pub(super) fn seal(
    key: &Secret<32>,
    nonce: [u8; NONCE],
    associated: &[u8],
    buffer: &mut Vec<u8>,
    start: usize,
) {
    #[expect(clippy::expect_used, reason = "AES-GCM refuses only more than 64 GiB")]
    let tag = cipher(key)
        .encrypt_inout_detached(
            &Nonce::from(nonce),
            associated,
            (&mut buffer[start..]).into(),
        )
        .expect("a message is no 64 GiB");
    buffer.extend_from_slice(&tag);
}

/// Opens ciphertext with its tag.
pub(super) fn open(
    key: &Secret<32>,
    nonce: [u8; NONCE],
    associated: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let (sealed, tag) = sealed.split_last_chunk::<TAG>().ok_or(Refusal::Tag)?;
    let mut plain = Zeroizing::new(sealed.to_vec());
    cipher(key)
        .decrypt_inout_detached(
            &Nonce::from(nonce),
            associated,
            plain.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| Refusal::Tag)?;
    Ok(plain)
}

fn cipher(key: &Secret<32>) -> Aes256Gcm {
    Aes256Gcm::new(key.expose().into())
}
