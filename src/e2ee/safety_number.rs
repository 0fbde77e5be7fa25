//! Safety numbers (E2EE.md §9.2): what two people compare to know that nobody stands between them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use sha2::{Digest as _, Sha512};
use subtle::ConstantTimeEq as _;

use super::{IdentityKey, Refusal};
use crate::base::UserId;

const ROUNDS: usize = 5199;
const QR: &str = "privcomm:sn1:";
/// §9.2 doesn't speak of padding: a code is shown with it, and read without it too.
const SCANNED: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// `0x01 || own UID || own h[0..32] || peer UID || peer h[0..32]`.
const QR_BYTES: usize = 1 + 2 * (16 + 32);

/// The number of a conversation: the same on both sides.
#[derive(Clone, PartialEq, Eq)]
pub struct SafetyNumber {
    own: Half,
    peer: Half,
}

impl SafetyNumber {
    /// The number of the conversation between two accounts. Slow on purpose: thousands of hashes.
    pub fn between(own: (&IdentityKey, UserId), peer: (&IdentityKey, UserId)) -> Self {
        Self {
            own: Half::of(own),
            peer: Half::of(peer),
        }
    }

    /// The sixty digits.
    pub fn digits(&self) -> String {
        let (own, peer) = (self.own.digits(), self.peer.digits());
        if own < peer { own + &peer } else { peer + &own }
    }

    /// What this side shows as a QR code.
    pub fn qr_code(&self) -> String {
        format!("{QR}{}", URL_SAFE.encode(qr_bytes(&self.own, &self.peer)))
    }

    /// Whether a scanned code is what the peer's side shows: compared crosswise, in constant time.
    /// Then the peer's present key may be marked: [`super::Peer::verify`].
    pub fn check_qr_code(&self, scanned: &str) -> Result<(), Refusal> {
        const NOT_A_CODE: Refusal = Refusal::Malformed("the code of a safety number");
        let text = scanned.strip_prefix(QR).ok_or(NOT_A_CODE)?;
        let scanned = SCANNED.decode(text).map_err(|_| NOT_A_CODE)?;
        if scanned.len() != QR_BYTES || scanned[0] != 1 {
            return Err(NOT_A_CODE);
        }
        if qr_bytes(&self.peer, &self.own).ct_eq(&scanned[..]).into() {
            Ok(())
        } else {
            Err(Refusal::OtherSafetyNumber)
        }
    }
}

impl fmt::Display for SafetyNumber {
    /// Twelve groups of five digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, digit) in self.digits().chars().enumerate() {
            if place > 0 && place % 5 == 0 {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SafetyNumber(…)")
    }
}

/// One side's part.
#[derive(Clone, PartialEq, Eq)]
struct Half {
    user: UserId,
    hash: [u8; 32],
}

impl Half {
    fn of((identity, user): (&IdentityKey, UserId)) -> Self {
        let key = identity.as_bytes();
        let mut hash = Sha512::new()
            .chain_update([0, 0])
            .chain_update(key)
            .chain_update(user.as_bytes())
            .chain_update(key)
            .finalize();
        for _ in 0..ROUNDS {
            hash = Sha512::new()
                .chain_update(hash)
                .chain_update(key)
                .finalize();
        }
        let mut half = [0; 32];
        half.copy_from_slice(&hash[..32]);
        Self { user, hash: half }
    }

    fn digits(&self) -> String {
        let group = |bytes: &[u8]| {
            let number = bytes
                .iter()
                .fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
            format!("{:05}", number % 100_000)
        };
        self.hash[..30].chunks(5).map(group).collect()
    }
}

fn qr_bytes(first: &Half, second: &Half) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(QR_BYTES);
    bytes.push(1);
    for half in [first, second] {
        bytes.extend_from_slice(half.user.as_bytes());
        bytes.extend_from_slice(&half.hash);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::e2ee::vectors::{hex, vectors};

    fn both_sides() -> (SafetyNumber, SafetyNumber) {
        let contact = &vectors().x3dh[0];
        let (alice, bob) = (contact.alice(), contact.bob());
        let alice = (alice.identity.public(), alice.user);
        let bob = (bob.identity.public(), bob.user);
        (
            SafetyNumber::between(alice, bob),
            SafetyNumber::between(bob, alice),
        )
    }

    #[test]
    fn the_number_is_the_published_one_on_both_sides() {
        let (alice, bob) = both_sides();
        let published = vectors().safety_number;
        assert_eq!(alice.own.digits(), published.alice);
        assert_eq!(alice.peer.digits(), published.bob);
        assert_eq!(&alice.own.hash[..], hex(&published.alice_hash32));
        assert_eq!(&alice.peer.hash[..], hex(&published.bob_hash32));
        assert_eq!(alice.digits(), published.number);
        assert_eq!(bob.digits(), published.number);
        let groups: Vec<String> = bob.to_string().split(' ').map(str::to_owned).collect();
        assert_eq!((groups.len(), groups.concat()), (12, published.number));
    }

    #[test]
    fn a_code_is_compared_crosswise() {
        let (alice, bob) = both_sides();
        assert_eq!(alice.check_qr_code(&bob.qr_code()), Ok(()));
        assert_eq!(bob.check_qr_code(&alice.qr_code()), Ok(()));
        let bare = bob.qr_code().replace('=', "");
        assert!(bare.len() < bob.qr_code().len());
        assert_eq!(alice.check_qr_code(&bare), Ok(()));
        let own = alice.check_qr_code(&alice.qr_code());
        assert_eq!(own, Err(Refusal::OtherSafetyNumber));
        assert!(alice.check_qr_code("privcomm:sn1:AQ==").is_err());
        assert!(alice.check_qr_code("https://elsewhere").is_err());
    }
}
