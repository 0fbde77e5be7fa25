//! Nonces that the relay recognises without having kept them (RFC 8489 §9.2).
//!
//! A nonce is the second it was made in and a MAC over that second and the client's transport
//! address. It is worth nothing from another address, after its time, or after a restart.

use std::net::SocketAddr;
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

/// Characters of a nonce: base64 of second and tag.
const LENGTH: usize = (SECOND + TAG) / 3 * 4;

/// A nonce, ready for the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nonce([u8; LENGTH]);

impl Nonce {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Makes nonces and recognises them.
#[derive(Debug)]
pub(super) struct Nonces {
    key: Secret<32>,
    ttl: Duration,
}

impl Nonces {
    pub(super) fn new(key: Secret<32>, ttl: Duration) -> Self {
        Self { key, ttl }
    }

    /// A nonce for the client at this transport address.
    pub(super) fn issue(&self, client: SocketAddr, now: Moment) -> Nonce {
        let second = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
        self.spell(client, second)
    }

    /// Whether a client shows a nonce that was made for it, and recently enough.
    pub(super) fn is_fresh(&self, shown: &[u8], client: SocketAddr, now: Moment) -> bool {
        let mut plain = [0; SECOND + TAG];
        let is_ours = URL_SAFE_NO_PAD
            .decode_slice(shown, &mut plain)
            .is_ok_and(|length| length == plain.len());
        let Some(second) = plain.first_chunk::<SECOND>().filter(|_| is_ours) else {
            return false;
        };
        let second = u32::from_be_bytes(*second);
        let made = Moment::from_start(Duration::from_secs(u64::from(second)));
        let expected = self.spell(client, second);
        bool::from(expected.as_bytes().ct_eq(shown)) && made <= now && now.since(made) < self.ttl
    }

    fn spell(&self, client: SocketAddr, second: u32) -> Nonce {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac =
            <Hmac<Sha256> as KeyInit>::new_from_slice(self.key.expose()).expect("any key");
        match client.ip().to_canonical() {
            std::net::IpAddr::V4(ip) => mac.update(&ip.octets()),
            std::net::IpAddr::V6(ip) => mac.update(&ip.octets()),
        }
        mac.update(&client.port().to_be_bytes());
        mac.update(&second.to_be_bytes());
        let tag = mac.finalize().into_bytes();

        let mut plain = [0; SECOND + TAG];
        plain[..SECOND].copy_from_slice(&second.to_be_bytes());
        plain[SECOND..].copy_from_slice(&tag[..TAG]);
        let mut text = [0; LENGTH];
        #[expect(clippy::expect_used, reason = "15 bytes are 20 characters")]
        URL_SAFE_NO_PAD
            .encode_slice(plain, &mut text)
            .expect("room for 20 characters");
        Nonce(text)
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
        let nonces = Nonces::new(Secret::new([1; 32]), TTL);
        let start = Moment::from_start(Duration::from_secs(50));
        let nonce = nonces.issue(client("192.0.2.1:4000"), start);
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

    #[test]
    fn a_made_up_nonce_is_not_fresh() {
        let nonces = Nonces::new(Secret::new([1; 32]), TTL);
        let other = Nonces::new(Secret::new([2; 32]), TTL);
        let address = client("192.0.2.1:4000");
        let foreign = other.issue(address, Moment::default());
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
}
