//! Credentials for the media relay: the TURN REST scheme (PROTOCOL.md §7.4).
//!
//! The name is an expiry and eight random bytes, because it travels in clear; the password is a
//! MAC of the name under a secret shared with every relay, so relays need no list of users.
//! SHA-1 stands here because the scheme, and so coturn, is defined with it (RFC 8489 §9.2 does
//! the rest with MD5, in the relay's own room).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use zeroize::Zeroizing;

use crate::base::Timestamp;

/// The secret shared with every relay: a line of text, because that is what coturn's
/// `static-auth-secret` takes. Its bytes are the MAC's key.
#[derive(Clone, PartialEq, Eq)]
pub struct TurnSecret(Zeroizing<String>);

/// A text that is no secret for relays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one line of 16 to 512 printable ASCII characters without spaces")]
pub struct InvalidTurnSecret;

impl TurnSecret {
    /// The secret made of these random bytes: their base64 text.
    pub fn new(random: [u8; 32]) -> Self {
        Self(Zeroizing::new(STANDARD.encode(random)))
    }

    /// Takes a secret that somebody wrote into a file; white space around it doesn't count.
    pub fn parse(text: &str) -> Result<Self, InvalidTurnSecret> {
        let text = text.trim();
        let is_secret =
            (16..=512).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_secret {
            Ok(Self(Zeroizing::new(text.to_owned())))
        } else {
            Err(InvalidTurnSecret)
        }
    }

    /// The key of the MAC.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TurnSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TurnSecret(…)")
    }
}

/// What a client shows to a relay.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `<expiry, seconds since 1970>:<16 hexadecimal characters>`
    pub username: String,
    /// The password: base64 of the MAC.
    pub credential: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// Credentials that are good for `ttl` from `now`.
pub fn issue(secret: &[u8], now: Timestamp, ttl: Duration, random: [u8; 8]) -> Credentials {
    let expiry = now.saturating_add(ttl).as_millis().div_ceil(1000);
    let username = format!("{expiry}:{:016x}", u64::from_be_bytes(random));
    let credential = password(secret, &username);
    Credentials {
        username,
        credential,
    }
}

/// The password that belongs to `username`: base64(HMAC-SHA-1(secret, username)).
pub fn password(secret: &[u8], username: &str) -> String {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mac = Hmac::<Sha1>::new_from_slice(secret).expect("any key length will do");
    STANDARD.encode(mac.chain_update(username).finalize().as_bytes())
}

/// When credentials of this name end, to the exclusive second; none for a name of another form.
pub fn expiry(username: &str) -> Option<Timestamp> {
    let (seconds, random) = username.split_once(':')?;
    let is_random = random.len() == 16
        && random
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let is_number = seconds.bytes().all(|byte| byte.is_ascii_digit());
    if !is_random || !is_number {
        return None;
    }
    let millis = seconds.parse::<u64>().ok()?.checked_mul(1000)?;
    Some(Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_215_600_000);
    const RANDOM: [u8; 8] = [0x00, 0x11, 0x22, 0x33, 0xaa, 0xbb, 0xcc, 0xdd];

    #[test]
    fn the_password_is_what_another_implementation_computes() {
        let credentials = issue(b"north", NOW, Duration::from_hours(1), RANDOM);
        assert_eq!(credentials.username, "1795219200:00112233aabbccdd");
        assert_eq!(credentials.credential, "WV6sFqskf7ehXarUTRB4FLVn+Lc=");
    }

    #[test]
    fn credentials_end_when_they_say_and_not_before() {
        let just_after = NOW.saturating_add(Duration::from_millis(1));
        let credentials = issue(b"north", just_after, Duration::from_mins(1), RANDOM);
        let end = Timestamp::from_millis(NOW.as_millis() + 61_000);
        assert_eq!(expiry(&credentials.username), Some(end));
    }

    #[test]
    fn a_name_of_another_form_has_no_expiry() {
        for name in [
            "",
            "anna",
            "1795219200",
            "1795219200:",
            "1795219200:00112233aabbccd",
            "1795219200:00112233aabbccdd0",
            "1795219200:00112233AABBCCDD",
            "+1795219200:00112233aabbccdd",
            ":00112233aabbccdd",
            "99999999999999999999:00112233aabbccdd",
            "18446744073709551615:00112233aabbccdd",
        ] {
            assert_eq!(expiry(name), None, "{name}");
        }
    }

    #[test]
    fn a_secret_is_a_line_of_text_that_does_not_print() {
        let secret = TurnSecret::new([9; 32]);
        assert_eq!(
            TurnSecret::parse(&format!("{}\n", secret.as_str())),
            Ok(secret.clone())
        );
        assert_eq!(format!("{secret:?}"), "TurnSecret(…)");
        assert!(TurnSecret::parse(&"x".repeat(16)).is_ok());
        assert_eq!(TurnSecret::parse(&"x".repeat(15)), Err(InvalidTurnSecret));
        assert!(TurnSecret::parse(&"x".repeat(512)).is_ok());
        assert_eq!(TurnSecret::parse(&"x".repeat(513)), Err(InvalidTurnSecret));
        assert_eq!(
            TurnSecret::parse(&"two words ".repeat(3)),
            Err(InvalidTurnSecret)
        );
    }

    proptest! {
        #[test]
        fn any_name_is_read_without_a_panic(name in "\\PC{0,60}") {
            let _ = expiry(&name);
        }

        #[test]
        fn every_issued_name_is_read_back(now in 0u64..1 << 45, random: [u8; 8]) {
            let issued = issue(b"x", Timestamp::from_millis(now), Duration::from_hours(1), random);
            let end = expiry(&issued.username).unwrap();
            prop_assert!(end.as_millis() >= now + 3_600_000);
            prop_assert!(end.as_millis() < now + 3_601_000);
            prop_assert_eq!(password(b"x", &issued.username), issued.credential);
        }
    }
}
