//! Where a member's devices are woken, stored so that a stolen database doesn't say it, and one
//! member's subscription doesn't open as another's.
//!
//! ```text
//! tag    HMAC-SHA-256(contact key, "push tag" ‖ owner ‖ endpoint), first 16 bytes
//! value  nonce (12) ‖ AES-256-GCM(version (1) ‖ platform (1) ‖ endpoint) with its tag (16)
//!        under HMAC-SHA-256(contact key, "push" ‖ owner), associated data = the owner's id
//! ```

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::Mac as _;

use super::ContactKey;
use super::contact::ContactError;
use crate::base::{Secret, UserId};

const VERSION: u8 = 1;
const NONCE: usize = 12;

/// Where one device is woken.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// What kind of service it is: a number that the caller of this gives a meaning.
    pub platform: u8,
    /// The service's address for it. Whoever has it can wake the device.
    pub endpoint: String,
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}

/// What a subscription is found by among its owner's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SubscriptionTag([u8; 16]);

impl SubscriptionTag {
    /// A tag that was stored.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// As it is stored.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl ContactKey {
    /// The tag of one of `owner`'s subscriptions.
    pub fn subscription_tag(&self, owner: UserId, endpoint: &str) -> SubscriptionTag {
        let mac = self.mac(&[b"push tag", owner.as_bytes(), endpoint.as_bytes()]);
        let mac: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; 16];
        tag.copy_from_slice(&mac[..16]);
        SubscriptionTag(tag)
    }

    /// Seals a subscription of `owner`. `nonce` is random, and never used again.
    pub fn seal_subscription(
        &self,
        owner: UserId,
        subscription: &Subscription,
        nonce: [u8; NONCE],
    ) -> Vec<u8> {
        let mut plain = vec![VERSION, subscription.platform];
        plain.extend_from_slice(subscription.endpoint.as_bytes());
        let payload = Payload {
            msg: &plain,
            aad: owner.as_bytes(),
        };
        #[expect(clippy::expect_used, reason = "AES-GCM refuses only more than 64 GiB")]
        let sealed = self
            .push_cipher(owner)
            .encrypt(&Nonce::from(nonce), payload)
            .expect("a subscription is short");
        [&nonce, sealed.as_slice()].concat()
    }

    /// Opens a subscription of `owner`.
    pub fn open_subscription(
        &self,
        owner: UserId,
        stored: &[u8],
    ) -> Result<Subscription, ContactError> {
        let (nonce, sealed) = stored
            .split_first_chunk::<NONCE>()
            .ok_or(ContactError::Sealed)?;
        let payload = Payload {
            msg: sealed,
            aad: owner.as_bytes(),
        };
        let plain = self
            .push_cipher(owner)
            .decrypt(&Nonce::from(*nonce), payload)
            .map_err(|_| ContactError::Sealed)?;
        let ([version, platform], endpoint) =
            plain.split_first_chunk::<2>().ok_or(ContactError::Sealed)?;
        if *version != VERSION {
            return Err(ContactError::Version(*version));
        }
        Ok(Subscription {
            platform: *platform,
            endpoint: String::from_utf8(endpoint.to_vec()).map_err(|_| ContactError::Sealed)?,
        })
    }

    fn push_cipher(&self, owner: UserId) -> Aes256Gcm {
        let mac = self.mac(&[b"push", owner.as_bytes()]).finalize();
        let key = Secret::new(mac.into_bytes().into());
        Aes256Gcm::new(key.expose().into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> ContactKey {
        ContactKey::new(Secret::new([1; 32]))
    }

    fn user(first: u8) -> UserId {
        UserId::from_bytes([first; 16])
    }

    proptest! {
        #[test]
        fn a_subscription_opens_for_its_owner_alone(platform: u8, endpoint in "\\PC{0,80}") {
            let subscription = Subscription { platform, endpoint };
            let sealed = key().seal_subscription(user(1), &subscription, [7; NONCE]);
            prop_assert_eq!(key().open_subscription(user(1), &sealed), Ok(subscription));
            prop_assert!(key().open_subscription(user(2), &sealed).is_err());
        }

        #[test]
        fn garbage_and_damage_open_nothing(
            garbage: Vec<u8>,
            at: prop::sample::Index,
            bit in 0u8..8,
        ) {
            prop_assert!(key().open_subscription(user(1), &garbage).is_err());
            let subscription = Subscription { platform: 1, endpoint: "https://a".to_owned() };
            let mut sealed = key().seal_subscription(user(1), &subscription, [7; NONCE]);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(key().open_subscription(user(1), &sealed).is_err());
        }
    }

    #[test]
    fn a_tag_is_its_owners_and_its_endpoints() {
        let tag = |owner, endpoint| key().subscription_tag(user(owner), endpoint);
        assert_eq!(tag(1, "a"), tag(1, "a"));
        assert_ne!(tag(1, "a"), tag(2, "a"));
        assert_ne!(tag(1, "a"), tag(1, "b"));
    }
}
