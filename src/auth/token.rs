//! Access tokens: JWTs (RFC 7519) with one pinned algorithm, HS256, as RFC 8725 advises.
//!
//! Written on the MAC itself, because the JWT crates bring RSA and NIST curves along for
//! algorithms that must never be accepted here. The header is compared as text, so no token can
//! choose how it is verified; the MAC is checked before a byte of the claims is read.
//!
//! A token is revoked above this room, by user: `iat` and `exp` carry milliseconds (a NumericDate
//! may have a fraction, RFC 7519 §2), so that "issued before the account was reset" can be told
//! from "issued in the same second, after it".

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::TokenKey;
use crate::base::{Timestamp, UserId};

/// The longest life of a token (PROTOCOL.md §3).
pub const MAX_TOKEN_LIFETIME: Duration = Duration::from_mins(30);

/// `{"alg":"HS256","typ":"JWT"}` in base64url: the one header there is.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// The key is one daemon's alone, so the names need not tell daemons apart.
const ISSUER: &str = "privcomm";
const AUDIENCE: &str = "privcomm-api";

/// Ours are below 400 bytes.
const MAX_LENGTH: usize = 1024;

/// How far ahead a token may have been issued: what a clock is set back by while we run.
const SKEW: Duration = Duration::from_mins(1);

/// What a token says, after everything about it was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// Whose it is (`sub`).
    pub user: UserId,
    /// When it was issued (`iat`): the user's tokens from before a reset are dead.
    pub issued_at: Timestamp,
    /// The moment from which it isn't good any more (`exp`).
    pub expires_at: Timestamp,
    /// Which one it is (`jti`).
    pub id: TokenId,
}

/// A token's own id: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId([u8; 16]);

/// Why a token isn't accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not three parts of base64url, or another header than ours.
    #[error("expected a JWT of three base64url parts with the header of this daemon")]
    Malformed,
    /// Not signed with this key.
    #[error("expected a token signed by this daemon, found another signature")]
    Forged,
    /// Signed with this key, and still nothing that this key signs as a token.
    #[error("expected the claims of an access token, found others")]
    Foreign,
    /// Its time is over.
    #[error("expected a token that is still good, found an expired one")]
    Expired,
    /// Issued in the future.
    #[error("expected a token issued before now, found one from the future")]
    NotYetValid,
}

impl TokenKey {
    /// A token for `user`, good for `ttl` from `now`, at most [`MAX_TOKEN_LIFETIME`].
    pub fn issue(&self, user: UserId, id: TokenId, now: Timestamp, ttl: Duration) -> String {
        let expires_at = now.saturating_add(ttl.min(MAX_TOKEN_LIFETIME));
        let claims = format!(
            r#"{{"iss":"{ISSUER}","aud":"{AUDIENCE}","sub":"{user}","iat":{},"exp":{},"jti":"{}"}}"#,
            numeric_date(now),
            numeric_date(expires_at),
            URL_SAFE_NO_PAD.encode(id.0)
        );
        self.sign(claims.as_bytes())
    }

    /// The claims of `token`, if this key signed it and its time is now.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, TokenError> {
        let claims = read(&self.open(token)?).ok_or(TokenError::Foreign)?;
        if claims.expires_at <= now {
            return Err(TokenError::Expired);
        }
        if claims.issued_at > now.saturating_add(SKEW) {
            return Err(TokenError::NotYetValid);
        }
        Ok(claims)
    }

    fn sign(&self, claims: &[u8]) -> String {
        let mut token = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims));
        let mac = self.mac(&[token.as_bytes()]).finalize();
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.as_bytes(), &mut token);
        token
    }

    /// The bytes of the claims, once the signature over them verified.
    fn open(&self, token: &str) -> Result<Vec<u8>, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Malformed);
        }
        let (signed, mac) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let claims = signed
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_prefix('.'))
            .ok_or(TokenError::Malformed)?;
        let mac = URL_SAFE_NO_PAD
            .decode(mac)
            .map_err(|_| TokenError::Malformed)?;
        let claims = URL_SAFE_NO_PAD
            .decode(claims)
            .map_err(|_| TokenError::Malformed)?;
        self.mac(&[signed.as_bytes()])
            .verify_slice(&mac)
            .map_err(|_| TokenError::Forged)?;
        Ok(claims)
    }
}

impl TokenId {
    /// The id made of these random bytes.
    pub const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// The 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenId(…)")
    }
}

/// The claims as they are written. All are required, and no others are known.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<'a> {
    #[serde(borrow)]
    iss: Cow<'a, str>,
    #[serde(borrow)]
    aud: Cow<'a, str>,
    sub: UserId,
    #[serde(borrow)]
    iat: &'a RawValue,
    #[serde(borrow)]
    exp: &'a RawValue,
    #[serde(borrow)]
    jti: Cow<'a, str>,
}

/// The claims of a token of ours; none where they are anything else.
fn read(payload: &[u8]) -> Option<Claims> {
    let payload: Payload<'_> = serde_json::from_slice(payload).ok()?;
    let claims = Claims {
        user: payload.sub,
        issued_at: timestamp(payload.iat.get())?,
        expires_at: timestamp(payload.exp.get())?,
        id: TokenId(
            URL_SAFE_NO_PAD
                .decode(payload.jti.as_bytes())
                .ok()?
                .try_into()
                .ok()?,
        ),
    };
    let is_ours = payload.iss == ISSUER
        && payload.aud == AUDIENCE
        && claims.expires_at.since(claims.issued_at) <= MAX_TOKEN_LIFETIME;
    is_ours.then_some(claims)
}

/// Seconds since 1970 with three decimals.
fn numeric_date(moment: Timestamp) -> String {
    format!("{}.{:03}", moment.as_secs(), moment.as_millis() % 1000)
}

/// Reads what [`numeric_date`] writes, and nothing else.
fn timestamp(text: &str) -> Option<Timestamp> {
    let (seconds, millis) = text.split_once('.')?;
    let moment = seconds
        .parse::<u64>()
        .ok()?
        .checked_mul(1000)?
        .checked_add(millis.parse().ok()?)?;
    let moment = Timestamp::from_millis(moment);
    (numeric_date(moment) == text).then_some(moment)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::Secret;

    const NOW: Timestamp = Timestamp::from_millis(1_795_219_200_123);
    const TTL: Duration = Duration::from_mins(5);
    const USER: &str = "0006f06f-6a21-4dba-b75a-3b2d8be5005d";

    fn key() -> TokenKey {
        TokenKey::new(Secret::new([7; 32]))
    }

    fn token() -> String {
        key().issue(USER.parse().unwrap(), TokenId::new([5; 16]), NOW, TTL)
    }

    fn verify(token: &str) -> Result<Claims, TokenError> {
        key().verify(token, NOW)
    }

    #[test]
    fn a_token_is_what_another_implementation_makes_of_the_same_claims() {
        assert_eq!(
            token(),
            concat!(
                "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
                ".eyJpc3MiOiJwcml2Y29tbSIsImF1ZCI6InByaXZjb21tLWFwaSIsInN1YiI6IjAwMDZmMDZmLTZhMjEt",
                "NGRiYS1iNzVhLTNiMmQ4YmU1MDA1ZCIsImlhdCI6MTc5NTIxOTIwMC4xMjMsImV4cCI6MTc5NTIxOTUw",
                "MC4xMjMsImp0aSI6IkJRVUZCUVVGQlFVRkJRVUZCUVVGQlEifQ",
                ".RGlxGmDNrrqlOtWpxgTWnUpLOOmemOGkxAKa0sn3TUY",
            )
        );
    }

    #[test]
    fn a_token_gives_its_claims_back() {
        let claims = verify(&token()).unwrap();
        assert_eq!(claims.user, USER.parse().unwrap());
        assert_eq!(claims.issued_at, NOW);
        assert_eq!(claims.expires_at, NOW.saturating_add(TTL));
        assert_eq!(claims.id, TokenId::new([5; 16]));
    }

    #[test]
    fn a_token_is_good_until_its_last_millisecond() {
        let last = NOW
            .saturating_add(TTL)
            .saturating_sub(Duration::from_millis(1));
        assert!(key().verify(&token(), last).is_ok());
        assert_eq!(
            key().verify(&token(), NOW.saturating_add(TTL)),
            Err(TokenError::Expired)
        );
    }

    #[test]
    fn a_small_step_back_of_the_clock_is_forgiven_and_a_large_one_is_not() {
        let step = Duration::from_millis(1);
        assert!(key().verify(&token(), NOW.saturating_sub(SKEW)).is_ok());
        assert_eq!(
            key().verify(&token(), NOW.saturating_sub(SKEW + step)),
            Err(TokenError::NotYetValid)
        );
    }

    #[test]
    fn no_token_outlives_half_an_hour() {
        let day = Duration::from_hours(24);
        let token = key().issue(USER.parse().unwrap(), TokenId::new([5; 16]), NOW, day);
        let claims = verify(&token).unwrap();
        assert_eq!(claims.expires_at, NOW.saturating_add(MAX_TOKEN_LIFETIME));
    }

    #[test]
    fn another_key_makes_forgeries() {
        let other = TokenKey::new(Secret::new([8; 32]));
        assert_eq!(other.verify(&token(), NOW), Err(TokenError::Forged));
    }

    #[test]
    fn a_token_cannot_choose_its_algorithm() {
        let (_, rest) = token()
            .split_once('.')
            .map(|(a, b)| (a.len(), b.to_owned()))
            .unwrap();
        for header in [
            r#"{"alg":"none"}"#,
            r#"{"alg":"none","typ":"JWT"}"#,
            r#"{"alg":"HS512","typ":"JWT"}"#,
            r#"{"typ":"JWT","alg":"HS256"}"#,
            r#"{"alg":"HS256","typ":"JWT","kid":"0"}"#,
        ] {
            let other = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header));
            assert_eq!(verify(&other), Err(TokenError::Malformed), "{header}");
        }
        let unsigned = token().rsplit_once('.').unwrap().0.to_owned() + ".";
        assert_eq!(verify(&unsigned), Err(TokenError::Forged));
    }

    #[test]
    fn a_token_has_three_parts_and_one_spelling() {
        let token = token();
        assert_eq!(verify(""), Err(TokenError::Malformed));
        assert_eq!(verify(HEADER), Err(TokenError::Malformed));
        assert_eq!(verify(&format!("{token}.")), Err(TokenError::Malformed));
        assert_eq!(verify(&format!("{token}=")), Err(TokenError::Malformed));
        assert_eq!(verify(&format!(" {token}")), Err(TokenError::Malformed));
        assert_eq!(
            verify(&format!("{token}.{token}")),
            Err(TokenError::Malformed)
        );
        let long = format!("{HEADER}.{}.AAAA", "A".repeat(MAX_LENGTH));
        assert_eq!(verify(&long), Err(TokenError::Malformed));
    }

    #[test]
    fn what_the_key_signed_is_a_token_only_with_all_the_claims() {
        let good = format!(
            r#"{{"iss":"privcomm","aud":"privcomm-api","sub":"{USER}","iat":1795219200.123,"exp":1795219500.123,"jti":"BQUFBQUFBQUFBQUFBQUFBQ"}}"#
        );
        assert!(verify(&key().sign(good.as_bytes())).is_ok());
        for (from, to) in [
            ("\"privcomm\"", "\"another\""),
            ("privcomm-api", "another"),
            ("0006f06f", "0006F06F"),
            ("1795219200.123", "1795219200"),
            ("1795219200.123", "\"1795219200.123\""),
            ("1795219200.123", "-1.123"),
            ("1795219500.123", "1e99"),
            ("1795219500.123", "99999999999999999999.000"),
            ("1795219500.123", "1795221000.124"),
            ("BQUFBQUFBQUFBQUFBQUFBQ", "BQUF"),
            ("\"jti\"", "\"x\""),
            ("{", "{\"x\":1,"),
        ] {
            let claims = good.replacen(from, to, 1);
            let token = key().sign(claims.as_bytes());
            assert_eq!(verify(&token), Err(TokenError::Foreign), "{from} → {to}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_judged_without_a_panic(text in "\\PC{0,200}") {
            prop_assert!(verify(&text).is_err());
        }

        #[test]
        fn any_claims_are_judged_without_a_panic(claims: Vec<u8>) {
            prop_assert!(verify(&key().sign(&claims)).is_err());
        }

        #[test]
        fn no_character_of_a_token_can_be_changed(at: prop::sample::Index, to in "[A-Za-z0-9_.=-]") {
            let token = token();
            let at = at.index(token.len());
            prop_assume!(token[at..=at] != to);
            let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            prop_assert!(verify(&changed).is_err());
        }

        #[test]
        fn every_token_comes_back(id: [u8; 16], now in 0u64..1 << 45, ttl in 1u64..1_800_000) {
            let (user, now) = (UserId::random(), Timestamp::from_millis(now));
            let ttl = Duration::from_millis(ttl);
            let token = key().issue(user, TokenId::new(id), now, ttl);
            let expected = Claims {
                user,
                issued_at: now,
                expires_at: now.saturating_add(ttl),
                id: TokenId::new(id),
            };
            prop_assert_eq!(key().verify(&token, now), Ok(expected));
        }
    }
}
