//! What a server hands out so that somebody can be written to for the first time (E2EE.md §4.1).

use super::{AgreementKey, IdentityKey, PrekeyId, Refusal};
use crate::base::UserId;

/// A bundle that was checked: the identity key is sound, and signed the prekey.
///
/// Whether it is the *right* identity is for the pin to say: [`super::Peer::meet`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    user: UserId,
    identity: IdentityKey,
    signed_prekey: AgreementKey,
    one_time: Option<(PrekeyId, AgreementKey)>,
}

/// A bundle's fields, as the server gave them.
#[derive(Debug, Clone, Copy)]
pub struct BundleFields<'a> {
    /// `user_id`.
    pub user: UserId,
    /// `identity_key`.
    pub identity_key: &'a [u8],
    /// `signed_prekey`.
    pub signed_prekey: [u8; 32],
    /// `prekey_signature`.
    pub prekey_signature: [u8; 64],
    /// `one_time_prekey`: its number and its key.
    pub one_time_prekey: Option<(u32, [u8; 32])>,
}

impl Bundle {
    /// The first step of §4.2: checks the identity key and its signature over the prekey.
    pub fn check(fields: &BundleFields<'_>) -> Result<Self, Refusal> {
        let identity = IdentityKey::parse(fields.identity_key)?;
        let signed_prekey = AgreementKey::from_bytes(fields.signed_prekey);
        identity.verify_prekey(&signed_prekey, &fields.prekey_signature)?;
        let one_time = match fields.one_time_prekey {
            Some((id, key)) => Some((PrekeyId::new(id)?, AgreementKey::from_bytes(key))),
            None => None,
        };
        Ok(Self {
            user: fields.user,
            identity,
            signed_prekey,
            one_time,
        })
    }

    /// Whose it is.
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The identity key in it.
    pub const fn identity(&self) -> &IdentityKey {
        &self.identity
    }

    pub(super) const fn signed_prekey(&self) -> &AgreementKey {
        &self.signed_prekey
    }

    /// The bundle without its one-time prekey, if that is this one.
    pub(super) fn without(&self, spent: Option<AgreementKey>) -> Self {
        let is_spent = |(_, key): &(PrekeyId, AgreementKey)| Some(*key) == spent;
        Self {
            one_time: self.one_time.filter(|one_time| !is_spent(one_time)),
            ..self.clone()
        }
    }

    pub(super) const fn one_time(&self) -> Option<&(PrekeyId, AgreementKey)> {
        self.one_time.as_ref()
    }
}
