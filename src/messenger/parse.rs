//! From the texts of a body to keys, signatures and handles, naming the member that is wrong.

use std::borrow::Cow;

use super::error::Error;
use crate::auth::{AgreementKey, Handle, IdentityKey, Nonce};
use crate::wire::binary::{self, BinaryError};
use crate::wire::body::OneTimePrekey;

/// One-time prekeys in one request.
const MOST_PREKEYS: usize = 100;
/// The highest number of a one-time prekey.
const HIGHEST_KEY_ID: u32 = (1 << 31) - 1;

/// A checked one-time prekey.
pub(super) type Prekey = (u32, AgreementKey);

pub(super) fn handle(text: &str) -> Result<Handle, Error> {
    Handle::parse(text).map_err(|_| Error::field("phone_hash", "expected 64 hex characters"))
}

pub(super) fn nonce(text: &str) -> Result<Nonce, Error> {
    bytes("nonce", text).map(Nonce::from_bytes)
}

pub(super) fn signature(field: &'static str, text: &str) -> Result<[u8; 64], Error> {
    bytes(field, text)
}

pub(super) fn identity_key(text: &str) -> Result<IdentityKey, Error> {
    let field = "identity_key";
    IdentityKey::parse(bytes(field, text)?).map_err(|_| Error::Key {
        field: field.into(),
        expected: "expected an Ed25519 public key: canonical, on the curve, not of small order",
    })
}

pub(super) fn agreement_key(
    field: impl Into<Cow<'static, str>>,
    text: &str,
) -> Result<AgreementKey, Error> {
    let field = field.into();
    AgreementKey::parse(bytes(field.clone(), text)?).map_err(|_| Error::Key {
        field,
        expected: "expected an X25519 public key whose shared secrets are not all zero",
    })
}

/// At most 100 keys in ascending order.
pub(super) fn one_time_prekeys(keys: &[OneTimePrekey]) -> Result<Vec<Prekey>, Error> {
    const FIELD: &str = "one_time_prekeys";
    if keys.len() > MOST_PREKEYS {
        return Err(Error::field(
            FIELD,
            "expected at most 100 keys in one request",
        ));
    }
    let mut last = 0;
    let parse = |(index, key): (usize, &OneTimePrekey)| {
        if !(1..=HIGHEST_KEY_ID).contains(&key.key_id) || key.key_id <= last {
            let field = format!("{FIELD}[{index}].key_id");
            return Err(Error::field(
                field,
                "expected 1 to 2147483647, each above the one before",
            ));
        }
        last = key.key_id;
        let field = format!("{FIELD}[{index}].public_key");
        Ok((key.key_id, agreement_key(field, &key.public_key)?))
    };
    keys.iter().enumerate().map(parse).collect()
}

/// 1 to 16380, where there is one.
pub(super) fn registration_id(id: Option<u16>) -> Result<Option<u16>, Error> {
    match id {
        None | Some(1..=16_380) => Ok(id),
        Some(_) => Err(Error::field("registration_id", "expected 1 to 16380")),
    }
}

fn bytes<const N: usize>(
    field: impl Into<Cow<'static, str>>,
    text: &str,
) -> Result<[u8; N], Error> {
    let field = field.into();
    binary::decode_fixed(text).map_err(|error| match error {
        BinaryError::NotBase64 => Error::Base64 { field },
        BinaryError::Length { .. } => Error::field(field, error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prekeys(ids: &[u32]) -> Vec<OneTimePrekey> {
        let public_key = binary::encode(&[9; 32]);
        ids.iter()
            .map(|id| OneTimePrekey {
                key_id: *id,
                public_key: public_key.clone(),
            })
            .collect()
    }

    fn field(outcome: Result<impl Sized, Error>) -> String {
        match outcome.err().unwrap() {
            Error::Field { field, .. } | Error::Key { field, .. } | Error::Base64 { field } => {
                field.into_owned()
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn prekeys_rise_from_one_to_two_to_the_31() {
        assert!(one_time_prekeys(&prekeys(&[1, 2, HIGHEST_KEY_ID])).is_ok());
        assert_eq!(
            field(one_time_prekeys(&prekeys(&[0]))),
            "one_time_prekeys[0].key_id"
        );
        assert_eq!(
            field(one_time_prekeys(&prekeys(&[1, 1]))),
            "one_time_prekeys[1].key_id"
        );
        assert_eq!(
            field(one_time_prekeys(&prekeys(&[1 << 31]))),
            "one_time_prekeys[0].key_id"
        );
    }

    #[test]
    fn a_hundred_prekeys_come_at_once_and_no_more() {
        let ids: Vec<u32> = (1..=101).collect();
        assert!(one_time_prekeys(&prekeys(&ids[..100])).is_ok());
        assert_eq!(field(one_time_prekeys(&prekeys(&ids))), "one_time_prekeys");
    }

    #[test]
    fn the_member_that_is_wrong_is_named() {
        assert_eq!(field(identity_key("!")), "identity_key");
        assert_eq!(
            field(identity_key(&binary::encode(&[0; 31]))),
            "identity_key"
        );
        assert_eq!(
            field(identity_key(&binary::encode(&[0; 32]))),
            "identity_key"
        );
        assert_eq!(
            field(agreement_key("signed_prekey", &binary::encode(&[0; 32]))),
            "signed_prekey"
        );
        assert_eq!(field(registration_id(Some(0))), "registration_id");
        assert_eq!(field(registration_id(Some(16_381))), "registration_id");
        assert_eq!(registration_id(Some(16_380)), Ok(Some(16_380)));
    }
}
