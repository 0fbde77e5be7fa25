//! The symmetric half of the ratchet (E2EE.md §5): root, chain and message keys.

use zeroize::Zeroizing;

use super::kdf::{Keyed, NO_SALT, halves, hkdf};
use super::padding::{pad, padded_length, unpad};
use super::{Refusal, aead};
use crate::base::Secret;

/// `rk`: what each new agreement is mixed into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RootKey(Secret<32>);

impl RootKey {
    pub(super) const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }

    pub(super) const fn secret(&self) -> &Secret<32> {
        &self.0
    }

    /// `KDF_RK`: the next root key, and the chain that begins there.
    pub(super) fn advance(&self, agreement: &Secret<32>) -> (Self, ChainKey) {
        let both = hkdf::<64>(
            self.0.expose(),
            &[agreement.expose()],
            b"PrivComm_Ratchet_v1",
        );
        let (root, chain) = halves(&both);
        (Self(root), ChainKey(chain))
    }
}

/// `ck`: gives one message key after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainKey(Secret<32>);

impl ChainKey {
    pub(super) const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }

    pub(super) const fn secret(&self) -> &Secret<32> {
        &self.0
    }

    /// `KDF_CK`: the next message key; the chain moves on and can't be turned back.
    pub(super) fn next(&mut self) -> MessageKey {
        let keyed = Keyed::new(self.0.expose());
        let message = MessageKey(keyed.mac(&[0x01]));
        self.0 = keyed.mac(&[0x02]);
        message
    }
}

/// `mk`: seals one message. The nonce comes from it too, so it must never seal a second one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MessageKey(Secret<32>);

impl MessageKey {
    pub(super) const fn new(secret: Secret<32>) -> Self {
        Self(secret)
    }

    pub(super) const fn secret(&self) -> &Secret<32> {
        &self.0
    }

    /// `SEAL(key, nonce, PAD(message), associated || front)`, put behind `front` in `body`.
    pub(super) fn seal(
        self,
        associated: &[u8],
        message: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let start = body.len();
        body.reserve_exact(padded_length(message.len())? + aead::TAG);
        let associated = [associated, body].concat();
        pad(message, body)?;
        let (key, nonce) = self.key_and_nonce();
        aead::seal(&key, nonce, &associated, body, start);
        #[cfg(test)]
        super::key_log::sealed(&self.0);
        Ok(())
    }

    /// `UNPAD(OPEN(key, nonce, sealed, associated || front))`.
    pub(super) fn open(
        &self,
        associated: &[u8],
        front: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        let (key, nonce) = self.key_and_nonce();
        let message = unpad(aead::open(
            &key,
            nonce,
            &[associated, front].concat(),
            sealed,
        )?)?;
        #[cfg(test)]
        super::key_log::opened(&self.0);
        Ok(message)
    }

    /// `KDF_MSG`.
    fn key_and_nonce(&self) -> (Secret<32>, [u8; aead::NONCE]) {
        let both = hkdf::<44>(&NO_SALT, &[self.0.expose()], b"PrivComm_Message_v1");
        let (key, nonce) = both.expose().split_at(32);
        let key = Secret::written(|bytes| bytes.copy_from_slice(key));
        let mut bytes = [0; aead::NONCE];
        bytes.copy_from_slice(nonce);
        (key, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::e2ee::vectors::{hex_array, secret, vectors};

    #[test]
    fn each_derivation_is_the_published_one() {
        let kdf = vectors().kdf;
        let (root, mut chain) = RootKey::new(secret(&kdf.rk_in)).advance(&secret(&kdf.dh));
        assert_eq!(root.secret(), &secret(&kdf.rk_out));
        assert_eq!(chain.secret(), &secret(&kdf.ck));
        let message = chain.next();
        assert_eq!(chain.secret(), &secret(&kdf.ck_next));
        assert_eq!(message.secret(), &secret(&kdf.mk));
        let (key, nonce) = message.key_and_nonce();
        assert_eq!((key, nonce), (secret(&kdf.key), hex_array(&kdf.nonce)));
    }
}
