//! Prekeys: what the server should have, and what it has (E2EE.md §12).

use super::Device;
use crate::base::Secret;
use crate::client::Error;
use crate::client::record::{PREKEYS, UPLOAD};
use crate::e2ee::{OneTimePrekey, Prekeys};
use crate::wire::binary;
use crate::wire::body::{self, Account, KeyStatus, KeyUpload, RegisterRequest};

/// How many one-time prekeys a server keeps (PROTOCOL.md §2).
const MOST_AT_SERVER: usize = 200;

/// What is to be done about the prekeys.
#[derive(Debug)]
pub(in crate::client) enum Upkeep {
    /// Nothing.
    Done,
    /// The server must have these, which are stored until it has them; then look again, if they
    /// were left from before.
    Upload(KeyUpload, Age),
}

/// Since when prekeys wait for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::client) enum Age {
    /// Since an earlier look.
    Left,
    /// Since this one.
    New,
}

impl Device {
    /// Everything about the keys that a registration says.
    pub(in crate::client) fn registration(
        &mut self,
        nonce: &[u8; 32],
    ) -> Result<RegisterRequest, Error> {
        let prekeys = self.take_prekeys()?;
        let one_time: Vec<OneTimePrekey> = prekeys.one_time_prekeys().cloned().collect();
        let profile = &self.profile;
        let (identity, signed) = (&profile.identity, prekeys.signed());
        let origin = profile.server.origin();
        let signature =
            identity.sign_registration(origin, &profile.handle, nonce, signed, &one_time);
        let request = RegisterRequest {
            phone_hash: profile.handle.as_str().to_owned().into(),
            identity_key: binary::encode(identity.public().as_bytes()),
            signed_prekey: binary::encode(signed.public().as_bytes()),
            prekey_signature: binary::encode(&identity.sign_prekey(signed)),
            registration_id: Some(profile.registration.number()),
            one_time_prekeys: one_time.iter().map(public).collect(),
            nonce: Some(binary::encode(nonce).into()),
            registration_signature: Some(binary::encode(&signature)),
            invite_code: None,
        };
        self.keep(prekeys);
        Ok(request)
    }

    /// Compares what the server has with what it should have.
    ///
    /// Fails with [`Error::OwnIdentity`] where it has another identity key for this account.
    pub(in crate::client) fn tend(&mut self, at_server: &Account) -> Result<Upkeep, Error> {
        let own = binary::encode(self.profile.identity.public().as_bytes());
        if at_server.identity_key != own {
            return Err(Error::OwnIdentity);
        }
        if let Some(upload) = self.vault.read_json(UPLOAD)? {
            return Ok(Upkeep::Upload(upload, Age::Left));
        }
        let mut prekeys = self.take_prekeys()?;
        let kept = prekeys.one_time();
        let upload = self.due(&mut prekeys, &at_server.keys)?;
        if upload.is_some() || prekeys.one_time() != kept {
            let mut change = self.vault.change();
            change.put(PREKEYS.to_owned(), &prekeys.to_record());
            if let Some(upload) = &upload {
                change.put_json(UPLOAD.to_owned(), upload);
            }
            change.commit()?;
        }
        self.keep(prekeys);
        Ok(upload.map_or(Upkeep::Done, |upload| Upkeep::Upload(upload, Age::New)))
    }

    /// The server has the prekeys that were to be uploaded, or won't ever have them.
    pub(in crate::client) fn uploaded(&self) -> Result<(), Error> {
        let mut change = self.vault.change();
        change.remove(UPLOAD.to_owned());
        change.commit()
    }

    fn due(
        &self,
        prekeys: &mut Prekeys,
        at_server: &KeyStatus,
    ) -> Result<Option<KeyUpload>, Error> {
        let (identity, now) = (&self.profile.identity, self.clock.now());
        let draw = &mut Secret::random;
        let expected = prekeys.digest(identity.public(), at_server.count);
        let is_as_kept = at_server.digest == binary::encode(&expected);
        let is_new = prekeys.rotate(draw, now).is_some();
        prekeys.expire(now);
        // The server hands out the oldest first: where it has more than are young, it has old ones.
        let unused = prekeys.unused(now);
        let young = prekeys.one_time().saturating_sub(unused.len());
        let replace = !is_as_kept || at_server.count > young;
        let mut one_time = if replace {
            prekeys.more(draw, now)?
        } else {
            prekeys.forget(&unused);
            prekeys.refill(at_server.count, draw, now)?
        };
        let held = if replace { 0 } else { at_server.count };
        let room = MOST_AT_SERVER.saturating_sub(held);
        let surplus = one_time.split_off(one_time.len().min(room));
        let surplus: Vec<_> = surplus.iter().map(OneTimePrekey::id).collect();
        prekeys.forget(&surplus);
        let is_signed_due = is_new || !is_as_kept;
        if !is_signed_due && one_time.is_empty() {
            return Ok(None);
        }
        let signed = prekeys.signed();
        let sent = |text: String| is_signed_due.then_some(text);
        Ok(Some(KeyUpload {
            signed_prekey: sent(binary::encode(signed.public().as_bytes())),
            prekey_signature: sent(binary::encode(&identity.sign_prekey(signed))),
            one_time_prekeys: one_time.iter().map(public).collect(),
            replace,
        }))
    }
}

fn public(prekey: &OneTimePrekey) -> body::OneTimePrekey {
    body::OneTimePrekey {
        key_id: prekey.id().number(),
        public_key: binary::encode(prekey.public().as_bytes()),
    }
}
