//! Nonces that the relay recognises without having kept them (RFC 8489 §9.2).
//!
//! A nonce is the second it was made in and a MAC over that second, the client's transport address
//! and what the client was offered. It is worth nothing from another address, after its time, or
//! after a restart; and whoever on the way takes the offer out of it, or puts one in, breaks it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::base::Secret;
use crate::turn::moment::Moment;

const SECOND: usize = 4;

/// 88 bits: a guess is hopeless within a nonce's life, and all of it is 20 characters.
const TAG: usize = 11;

/// Characters of a plain nonce: base64 of second and tag.
const LENGTH: usize = (SECOND + TAG) / 3 * 4;

/// What a nonce begins with that offers algorithms: the nonce cookie, and the security features
/// with "password algorithms" among them and nothing else (RFC 8489 §9.2 and §18.1).
const OFFER: &[u8; 13] = b"obMatJos2gAAA";

/// What a client was offered together with a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// Nothing: its key is by MD5.
    Nothing,
    /// To choose among algorithms for its key.
    Algorithms,
}

impl Offer {
    /// What a nonce says of itself, and the rest of it. Only a fresh one is to be believed.
    pub(super) fn split(nonce: &[u8]) -> (Self, &[u8]) {
        nonce
            .strip_prefix(OFFER)
            .map_or((Self::Nothing, nonce), |rest| (Self::Algorithms, rest))
    }

    /// Characters of a nonce that comes with this offer.
    pub(super) const fn nonce_length(self) -> usize {
        match self {
            Self::Nothing => LENGTH,
            Self::Algorithms => OFFER.len() + LENGTH,
        }
    }
}

/// A nonce, ready for the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nonce {
    text: [u8; OFFER.len() + LENGTH],
    offer: Offer,
}

impl Nonce {
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self.offer {
            Offer::Nothing => self.own(),
            Offer::Algorithms => &self.text,
        }
    }

    /// Without what it says of offers.
    fn own(&self) -> &[u8] {
        &self.text[OFFER.len()..]
    }
}

/// Makes nonces and recognises them.
#[derive(Debug)]
pub(super) struct Nonces {
    /// Keyed once: to set it up costs as much as to use it.
    keyed: Hmac<Sha256>,
    ttl: Duration,
}

impl Nonces {
    pub(super) fn new(key: &Secret<32>, ttl: Duration) -> Self {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let keyed = <Hmac<Sha256> as KeyInit>::new_from_slice(key.expose()).expect("any key");
        Self { keyed, ttl }
    }

    /// A nonce for the client at this transport address.
    pub(super) fn issue(&self, client: SocketAddr, offer: Offer, now: Moment) -> Nonce {
        let second = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
        self.spell(client, offer, second)
    }

    /// Whether a client shows a nonce that was made for it, and recently enough.
    pub(super) fn is_fresh(&self, shown: &[u8], client: SocketAddr, now: Moment) -> bool {
        let (offer, own) = Offer::split(shown);
        let mut plain = [0; SECOND + TAG];
        let is_ours = URL_SAFE_NO_PAD
            .decode_slice(own, &mut plain)
            .is_ok_and(|length| length == plain.len());
        let Some(second) = plain.first_chunk::<SECOND>().filter(|_| is_ours) else {
            return false;
        };
        let second = u32::from_be_bytes(*second);
        let made = Moment::from_start(Duration::from_secs(u64::from(second)));
        let expected = self.spell(client, offer, second);
        bool::from(expected.own().ct_eq(own)) && made <= now && now.since(made) < self.ttl
    }

    fn spell(&self, client: SocketAddr, offer: Offer, second: u32) -> Nonce {
        let mut mac = self.keyed.clone();
        match client.ip().to_canonical() {
            IpAddr::V4(ip) => mac.update(&ip.octets()),
            IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        let offered = u8::from(offer == Offer::Algorithms);
        let [p0, p1] = client.port().to_be_bytes();
        let [s0, s1, s2, s3] = second.to_be_bytes();
        mac.update(&[p0, p1, s0, s1, s2, s3, offered]);
        let tag = mac.finalize().into_bytes();

        let mut plain = [0; SECOND + TAG];
        plain[..SECOND].copy_from_slice(&second.to_be_bytes());
        plain[SECOND..].copy_from_slice(&tag[..TAG]);
        let mut text = [0; OFFER.len() + LENGTH];
        text[..OFFER.len()].copy_from_slice(OFFER);
        #[expect(clippy::expect_used, reason = "15 bytes are 20 characters")]
        URL_SAFE_NO_PAD
            .encode_slice(plain, &mut text[OFFER.len()..])
            .expect("room for 20 characters");
        Nonce { text, offer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_mins(10);

    fn client(address: &str) -> SocketAddr {
        address.parse().unwrap()
    }

    #[test]
    fn a_nonce_is_good_for_its_client_and_its_time() {
        let nonces = Nonces::new(&Secret::new([1; 32]), TTL);
        let start = Moment::from_start(Duration::from_secs(50));
        for offer in [Offer::Nothing, Offer::Algorithms] {
            let nonce = nonces.issue(client("192.0.2.1:4000"), offer, start);
            assert_eq!(nonce.as_bytes().len(), offer.nonce_length());
            let is_fresh = |address, later: u64| {
                let now = start.after(Duration::from_secs(later));
                nonces.is_fresh(nonce.as_bytes(), client(address), now)
            };
            assert!(is_fresh("192.0.2.1:4000", 0));
            assert!(is_fresh("192.0.2.1:4000", 599));
            assert!(!is_fresh("192.0.2.1:4000", 600));
            assert!(!is_fresh("192.0.2.1:4001", 0));
            assert!(!is_fresh("192.0.2.2:4000", 0));
            assert!(is_fresh("[::ffff:192.0.2.1]:4000", 0));
        }
    }

    #[test]
    fn a_made_up_nonce_is_not_fresh() {
        let nonces = Nonces::new(&Secret::new([1; 32]), TTL);
        let other = Nonces::new(&Secret::new([2; 32]), TTL);
        let address = client("192.0.2.1:4000");
        let foreign = other.issue(address, Offer::Nothing, Moment::default());
        assert!(!nonces.is_fresh(foreign.as_bytes(), address, Moment::default()));
        for made_up in [
            "",
            "x",
            "AAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(!nonces.is_fresh(made_up.as_bytes(), address, Moment::default()));
        }
    }

    #[test]
    fn a_nonce_breaks_when_its_offer_is_taken_out_or_put_in() {
        let nonces = Nonces::new(&Secret::new([1; 32]), TTL);
        let (address, now) = (client("192.0.2.1:4000"), Moment::default());
        let offering = nonces.issue(address, Offer::Algorithms, now);
        assert_eq!(Offer::split(offering.as_bytes()).0, Offer::Algorithms);
        assert!(nonces.is_fresh(offering.as_bytes(), address, now));
        assert!(!nonces.is_fresh(offering.own(), address, now));
        let plain = nonces.issue(address, Offer::Nothing, now);
        assert_eq!(Offer::split(plain.as_bytes()).0, Offer::Nothing);
        let with_offer = [OFFER, plain.as_bytes()].concat();
        assert!(!nonces.is_fresh(&with_offer, address, now));
    }
}
