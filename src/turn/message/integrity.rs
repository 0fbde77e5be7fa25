//! MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489 §14.5 to §14.7).

use crc::{CRC_32_ISO_HDLC, Crc};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::HEADER;

/// Length of MESSAGE-INTEGRITY's value, bytes.
pub(super) const SHA1_LENGTH: usize = 20;

/// Length of MESSAGE-INTEGRITY-SHA256's value when it isn't truncated, bytes.
pub(super) const SHA256_LENGTH: usize = 32;

/// What FINGERPRINT's checksum is XORed with: "STUN" (RFC 8489 §14.7).
const FINGERPRINT_MASK: u32 = 0x5354_554E;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// Which attribute protects a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// MESSAGE-INTEGRITY: HMAC-SHA-1.
    Sha1,
    /// MESSAGE-INTEGRITY-SHA256: HMAC-SHA-256.
    Sha256,
}

/// What a long-term credential's password is turned into a key with (RFC 8489 §18.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PasswordAlgorithm {
    /// What everybody knows, and is taken where nothing else was agreed on.
    Md5,
    /// SHA-256.
    Sha256,
}

impl PasswordAlgorithm {
    /// How PASSWORD-ALGORITHM and PASSWORD-ALGORITHMS spell it: its number, and no parameters.
    pub(crate) const fn spelled(self) -> [u8; 4] {
        match self {
            Self::Md5 => [0, 1, 0, 0],
            Self::Sha256 => [0, 2, 0, 0],
        }
    }
}

/// The key of a long-term credential: a digest of username ":" realm ":" password (RFC 8489
/// §9.2.2 and §18.5).
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) enum Key {
    Md5([u8; 16]),
    Sha256([u8; 32]),
}

impl Key {
    /// The key by an algorithm. The parts are ASCII, so OpaqueString changes nothing.
    pub(crate) fn long_term(
        algorithm: PasswordAlgorithm,
        username: &str,
        realm: &str,
        password: &str,
    ) -> Self {
        let whole = Zeroizing::new([username, ":", realm, ":", password].concat());
        match algorithm {
            PasswordAlgorithm::Md5 => Self::Md5(Md5::digest(whole.as_bytes()).into()),
            PasswordAlgorithm::Sha256 => {
                Self::Sha256(<Sha256 as sha2::Digest>::digest(whole.as_bytes()).into())
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Md5(key) => key,
            Self::Sha256(key) => key,
        }
    }

    /// The HMAC of `message`, as if its header said it ended `trailing` bytes after it does.
    pub(super) fn mac(&self, algorithm: Algorithm, message: &[u8], trailing: usize) -> Vec<u8> {
        match algorithm {
            Algorithm::Sha1 => absorb::<Hmac<Sha1>>(self.bytes(), message, trailing)
                .finalize()
                .into_bytes()
                .to_vec(),
            Algorithm::Sha256 => absorb::<Hmac<Sha256>>(self.bytes(), message, trailing)
                .finalize()
                .into_bytes()
                .to_vec(),
        }
    }

    /// Whether `tag` is the HMAC of `message`, or a leading part of it; in constant time.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], tag: &[u8]) -> bool {
        let trailing = super::ATTRIBUTE_HEADER + tag.len();
        match algorithm {
            Algorithm::Sha1 => absorb::<Hmac<Sha1>>(self.bytes(), message, trailing)
                .verify_slice(tag)
                .is_ok(),
            Algorithm::Sha256 => absorb::<Hmac<Sha256>>(self.bytes(), message, trailing)
                .verify_truncated_left(tag)
                .is_ok(),
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Key({} bytes)", self.bytes().len())
    }
}

fn absorb<M: Mac + KeyInit>(key: &[u8], message: &[u8], trailing: usize) -> M {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("any key");
    mac.update(&message[..2]);
    mac.update(&claimed_length(message.len() + trailing));
    mac.update(&message[4..]);
    mac
}

/// FINGERPRINT's value for a message that so far is `message`.
pub(super) fn fingerprint(message: &[u8]) -> [u8; 4] {
    let mut digest = CRC.digest();
    digest.update(&message[..2]);
    digest.update(&claimed_length(message.len() + super::ATTRIBUTE_HEADER + 4));
    digest.update(&message[4..]);
    (digest.finalize() ^ FINGERPRINT_MASK).to_be_bytes()
}

/// The header's length field of a message of `total` bytes; no datagram is longer than it can say.
pub(super) fn claimed_length(total: usize) -> [u8; 2] {
    u16::try_from(total - HEADER)
        .unwrap_or(u16::MAX)
        .to_be_bytes()
}
