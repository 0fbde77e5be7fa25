//! What a credential is worth: the name says until when, the password is a MAC of the name, and no
//! table is needed.

use zeroize::Zeroizing;

use crate::auth::turn_credentials;
use crate::base::Timestamp;

/// The secret that credentials are made with, shared with whoever hands them out.
#[derive(Clone)]
pub struct TurnSecret(Zeroizing<Vec<u8>>);

impl TurnSecret {
    /// Takes `bytes` into custody.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The password that goes with a username.
    pub(in crate::turn) fn password(&self, username: &str) -> Zeroizing<String> {
        Zeroizing::new(turn_credentials::password(&self.0, username))
    }

    /// Whether there is anything secret in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for TurnSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TurnSecret(…)")
    }
}

/// The secrets whose credentials are honoured.
#[derive(Debug)]
pub(super) struct Accepted {
    current: TurnSecret,
    /// The one before, for credentials that expire by then: whoever learnt it can't make others that
    /// are good for longer.
    before: Option<(TurnSecret, Timestamp)>,
}

impl Accepted {
    pub(super) fn only(secret: TurnSecret) -> Self {
        Self {
            current: secret,
            before: None,
        }
    }

    pub(super) fn rotate(&mut self, secret: TurnSecret, old_until: Option<Timestamp>) {
        let before = std::mem::replace(&mut self.current, secret);
        self.before = old_until.map(|until| (before, until));
    }

    /// The passwords that a username may go with.
    pub(super) fn passwords(&self, username: &str) -> Vec<Zeroizing<String>> {
        let expiry = turn_credentials::expiry(username);
        let is_old = |(_, until): &&(TurnSecret, Timestamp)| expiry.is_some_and(|it| it <= *until);
        let before = self.before.as_ref().filter(is_old);
        let secrets = std::iter::once(&self.current).chain(before.map(|(secret, _)| secret));
        secrets.map(|secret| secret.password(username)).collect()
    }
}

/// Whether a credential may open something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Its time has not come.
    Live,
    /// It may only keep up what it opened while it was live, so that no call ends in mid-sentence.
    Expired,
}

/// How a username stands at `now`; none: it isn't one of ours.
pub(super) fn freshness(username: &str, now: Timestamp) -> Option<Freshness> {
    let expiry = turn_credentials::expiry(username)?;
    Some(if now < expiry {
        Freshness::Live
    } else {
        Freshness::Expired
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_secret_is_good_for_names_that_lapse_in_time() {
        let secret = |text: &str| TurnSecret::new(text.as_bytes().to_vec());
        let mut accepted = Accepted::only(secret("north"));
        assert_eq!(accepted.passwords("100:0123456789abcdef").len(), 1);
        accepted.rotate(secret("south"), Some(Timestamp::from_millis(100_000)));
        let both = accepted.passwords("100:0123456789abcdef");
        let expected = ["south", "north"].map(|text| secret(text).password("100:0123456789abcdef"));
        assert_eq!(both, expected);
        assert_eq!(accepted.passwords("101:0123456789abcdef").len(), 1);
        accepted.rotate(secret("west"), None);
        assert_eq!(
            accepted.passwords("100:0123456789abcdef"),
            [secret("west").password("100:0123456789abcdef")]
        );
    }

    #[test]
    fn the_password_is_the_mac_of_the_name() {
        let secret = TurnSecret::new(b"north".to_vec());
        let password = secret.password("1433895918506:0123456789abcdef");
        assert_eq!(password.len(), 28);
        assert_ne!(password, secret.password("1433895918507:0123456789abcdef"));
        assert_eq!(format!("{secret:?}"), "TurnSecret(…)");
    }

    #[test]
    fn a_name_expires_with_its_second() {
        let at = |seconds: u64| Timestamp::from_millis(seconds * 1000);
        let name = "1000:0123456789abcdef";
        assert_eq!(freshness(name, at(999)), Some(Freshness::Live));
        assert_eq!(freshness(name, at(1000)), Some(Freshness::Expired));
    }

    #[test]
    fn other_spellings_are_nobody() {
        for name in [
            "",
            "1000",
            ":0123456789abcdef",
            "+1000:0123456789abcdef",
            "1000:0123456789abcde",
            "1000:0123456789abcdefa",
            "1000:0123456789abcdeg",
            "99999999999999999999:0123456789abcdef",
        ] {
            assert_eq!(freshness(name, Timestamp::default()), None, "{name}");
        }
    }
}
